// Photo + alpha + edit -> picture, as src/standout/editing.py does it. The edit is the JSON that POST /v1/edit takes.

import { blur, color, cut, isOpaque, matte, pixelate, replace } from "./compose.js";
import { feather, frameOf, grow, keepLargest } from "./people.js";
import { cropped, plane, resize, roundEven } from "./resize.js";

// Effect -> what makes it of {image, mask, shown, background} and its settings.
const EFFECTS = {
  cut: ({ image, mask }, { background, ...settings }) =>
    background ? color(image, mask, rgbOf(background), settings) : cut(image, mask, settings),
  blur: ({ image, mask, shown }, settings) => blur(image, mask, shown, settings),
  color: ({ image, mask }, settings) => color(image, mask, rgbOf(settings.color ?? "white"), settings),
  replace: ({ image, mask, background }, settings) => {
    if (!background) throw new Error("the effect replace needs a picture to put behind; choose one");
    return replace(image, mask, background, settings);
  },
  pixelate: ({ image, mask, shown }, settings) => pixelate(image, mask, shown, settings),
  mask: ({ mask }) => matte(mask),
};

// The names of the effects that can be made here.
export const NAMES = Object.keys(EFFECTS);

// The picture. alpha: what the people are in the photo. background: pixels for the effect "replace". check: may throw.
export function render(photo, alpha, edit, { background = null, check = () => {} } = {}) {
  const { name, ...settings } = edit.effect ?? { name: "cut" };
  if (!Object.hasOwn(EFFECTS, name)) throw new Error(`the effect ${name} cannot be made in the browser; use the server`);
  const shown = isOpaque(photo) ? null : alphaOf(photo);
  let mask = shown ? lesser(alpha, shown) : alpha;
  if (edit.people?.which === "largest") mask = keepLargest(mask);
  check();
  const { grow: by = 0, feather: over = 0 } = edit.edge ?? {};
  mask = feather(grow(mask, by), over);
  if (shown && mask !== alpha) mask = lesser(mask, shown);
  check();
  const picture = EFFECTS[name]({ image: photo, mask, shown, background }, settings);
  const frame = edit.placement?.crop ? frameOf(mask) : null;
  return frame ? cropped(picture, frame.height, frame.width, frame.top, frame.left) : picture;
}

// The picture with at most so many pixels on its longer side; 0 leaves it.
export function within(picture, longest) {
  const factor = longest / Math.max(picture.width, picture.height);
  if (!(factor > 0 && factor < 1)) return picture;
  const sides = [picture.height, picture.width].map((side) => Math.max(1, roundEven(side * factor)));
  return resize(picture, ...sides);
}

// The edit for a copy of the photo that is so many times as large: lengths in pixels change with it.
export function scaledEdit(edit, factor) {
  const { grow: by = 0, feather: over = 0, ...edge } = edit.edge ?? {};
  return { ...edit, edge: { ...edge, grow: by * factor, feather: over * factor } };
}

// Red, green and blue of a name, a hex code with or without its "#", or three numbers.
export function rgbOf(given) {
  if (Array.isArray(given)) return given;
  const text = /^([0-9a-f]{3}|[0-9a-f]{6})$/i.test(given.trim()) ? `#${given.trim()}` : given.trim();
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const [first, second] = ["#000000", "#ffffff"].map((before) => {
    context.fillStyle = before;
    context.fillStyle = text; // what is no color leaves the one before
    return context.fillStyle;
  });
  if (first !== second || !first.startsWith("#")) {
    throw new Error(`${given} is no color; give a name, or a hex code such as #1e90ff`);
  }
  return [1, 3, 5].map((at) => parseInt(first.slice(at, at + 2), 16));
}

function alphaOf(photo) {
  const made = plane(photo.width, photo.height, 1, photo.data);
  for (let i = 0; i < made.data.length; i++) made.data[i] = photo.data[4 * i + 3];
  return made;
}

function lesser(one, other) {
  return { ...one, data: one.data.map((value, i) => Math.min(value, other.data[i])) };
}
