// Image + mask -> picture, as in src/standout/effects: cut out, blur, color, replace or pixelate what is behind.
//
//   image     plane of bytes RGBA, whose fourth byte is not looked at
//   mask      plane of bytes, 255 = person
//   shown     the photo's own transparency, a plane of bytes, or null where it is opaque
//   picture   plane of bytes RGBA with straight alpha; hidden pixels are black

import { box, gaussian, radiusOf } from "./filters.js";
import { asShare, foreground } from "./foreground.js";
import { SOFTEST, framed } from "./framing.js";
import { averaged, halved, halvings, plane, resize } from "./resize.js";
import { EDGE, NOBODY, PERSON, kindsOf, runs } from "./tiles.js";

// The people on transparency. decontaminate: soft edges get the person's own color, free of the old background's.
export function cut(image, mask, { decontaminate = true } = {}) {
  const picture = plane(image.width, image.height, 4, image.data);
  painted(image, mask, picture, { decontaminate }, (at, alpha, front) => {
    if (!alpha) return;
    for (let c = 0; c < 3; c++) picture.data[4 * at + c] = front[c];
    picture.data[4 * at + 3] = alpha;
  });
  return picture;
}

// The people on transparency, in the image itself: its fourth bytes become alpha. colorSide: see foreground; 0 means that
// soft edges keep the old background's color. What is hidden keeps its color, so this is for what is drawn at once.
export function masked(image, mask, colorSide) {
  const { data } = image;
  if (colorSide) {
    painted(image, mask, image, { decontaminate: true, colorSide }, (at, alpha, front) => {
      for (let c = 0; c < 3; c++) data[4 * at + c] = front[c];
    });
  }
  for (let i = 0; i < mask.data.length; i++) data[4 * i + 3] = mask.data[i];
  return image;
}

// The people before one color, [red, green, blue].
export function color(image, mask, rgb, { decontaminate = true } = {}) {
  const behind = plane(image.width, image.height, 4, image.data);
  const [red, green, blue] = rgb;
  new Uint32Array(behind.data.buffer).fill(new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0]);
  return over(image, mask, behind, { decontaminate });
}

// The people sharp before a blurred background, of which nothing but the background's own colors is made.
export function blur(image, mask, shown, { strength = 0.5 } = {}) {
  if (strength === 0) return withAlpha({ ...image, data: image.data.slice() }, shown);
  const small = blurred(image, mask, shown, strength);
  return overOwn(image, mask, owned(resize(small, image.height, image.width), small), shown);
}

// The people sharp before blocks of the background's mean colors. block: their side, a share of the shorter side.
export function pixelate(image, mask, shown, { block = 0.04 } = {}) {
  return overOwn(image, mask, nearest(blocks(image, mask, shown, block), image.height, image.width), shown);
}

// The background's mean color in each block.
export function blocks(image, mask, shown, block) {
  const { width, height } = image;
  const side = Math.max(1, block * Math.min(width, height));
  const weighed = new Float32Array(4 * width);
  const row = (y) => {
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const share = Math.max(0, (shown ? shown.data[at] : 255) - mask.data[at]) / 255;
      const weight = Math.max(eighth(share), 1e-6);
      for (let c = 0; c < 3; c++) weighed[4 * x + c] = image.data[4 * at + c] * weight;
      weighed[4 * x + 3] = weight;
    }
    return weighed;
  };
  const to = { height: Math.ceil(height / side), width: Math.ceil(width / side) };
  const cells = averaged({ width, height, channels: 4 }, row, to);
  const colors = plane(to.width, to.height, 4, image.data);
  for (let i = 0; i < colors.data.length; i += 4) {
    for (let c = 0; c < 3; c++) colors.data[i + c] = cells.data[i + c] / cells.data[i + 3];
    colors.data[i + 3] = 255;
  }
  return colors;
}

// The people before another picture, RGBA. fit: whether all of it is shown, with bars of its own blurred colors.
export function replace(image, mask, background, { fit = false, decontaminate = true } = {}) {
  const { width, height } = image;
  if (isOpaque(background)) {
    return over(image, mask, owned(framed(background, height, width, { fit }), background), { decontaminate });
  }
  const behind = owned(framed(weighted(background), height, width, { fit }), background);
  return overGaps(image, mask, behind, { decontaminate });
}

// The mask as a gray picture, white = person.
export function matte(mask) {
  const picture = plane(mask.width, mask.height, 4, mask.data);
  for (let i = 0; i < mask.data.length; i++) picture.data.fill(mask.data[i], 4 * i, 4 * i + 3);
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255;
  return picture;
}

// The picture before white, changed in place.
export function beforeWhite(picture) {
  const { data } = picture;
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3];
    if (alpha === 255) continue;
    for (let c = 0; c < 3; c++) data[i + c] = 255 + ((data[i + c] - 255) * alpha) / 255;
    data[i + 3] = 255;
  }
  return picture;
}

// Whether nothing of the picture is transparent.
export function isOpaque({ data }) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

// Copies the tiles that are all person into the picture, and calls mixed(index, alpha, [red, green, blue]) for each pixel
// of the tiles with an edge. isAll: for each pixel of the tiles with nobody, too.
function painted(image, mask, picture, { decontaminate, colorSide, isAll = false }, mixed) {
  const { width, height, data } = image;
  const kinds = kindsOf(mask, mask, height, width, { nobody: 0, person: 255 });
  const fronts = decontaminate && kinds.some((line) => line.includes(EDGE)) ? foreground(image, mask, colorSide) : null;
  const colors = new Float32Array(3 * width);
  const front = [0, 0, 0];
  for (const { top, bottom, left, right, kind } of runs(kinds, height, width)) {
    if (kind === NOBODY && !isAll) continue;
    for (let y = top; y < bottom; y++) {
      const start = y * width;
      if (kind === PERSON) {
        picture.data.set(data.subarray(4 * (start + left), 4 * (start + right)), 4 * (start + left));
        continue;
      }
      const isFreed = fronts && kind === EDGE;
      if (isFreed) fronts(y, left, right, colors);
      for (let x = left, i = 0; x < right; x++, i += 3) {
        const at = start + x;
        for (let c = 0; c < 3; c++) front[c] = isFreed ? colors[i + c] : data[4 * at + c];
        mixed(at, mask.data[at], front);
      }
    }
  }
}

// The people painted over an opaque picture of the image's size, in place.
export function over(image, mask, picture, { decontaminate = true } = {}) {
  const { data } = picture;
  painted(image, mask, picture, { decontaminate }, (at, alpha, front) => {
    const share = alpha / 255;
    for (let c = 4 * at, k = 0; k < 3; c++, k++) data[c] += (front[k] - data[c]) * share;
  });
  return picture;
}

// The people over a picture that was made of the image's own background, whose transparency stays.
function overOwn(image, mask, picture, shown) {
  if (!shown) return over(image, mask, picture);
  const share = plane(mask.width, mask.height, 1, mask.data);
  for (let i = 0; i < share.data.length; i++) share.data[i] = (255 * mask.data[i]) / Math.max(shown.data[i], 1e-6);
  return withAlpha(over(image, share, picture), shown);
}

// The picture with this transparency, in place; what is hidden is black.
function withAlpha(picture, shown) {
  if (!shown) return picture;
  for (let i = 0; i < shown.data.length; i++) {
    if (shown.data[i]) picture.data[4 * i + 3] = shown.data[i];
    else picture.data.fill(0, 4 * i, 4 * i + 4);
  }
  return picture;
}

// The people over a picture multiplied by its alpha; the result has straight alpha.
function overGaps(image, mask, picture, { decontaminate }) {
  const { data } = picture;
  painted(image, mask, picture, { decontaminate, isAll: true }, (at, alpha, front) => {
    const share = alpha / 255;
    const i = 4 * at;
    const total = data[i + 3] * (1 - share) + 255 * share;
    if (total < 0.5) {
      data.fill(0, i, i + 4);
      return;
    }
    for (let c = 0; c < 3; c++) data[i + c] = ((data[i + c] * (1 - share) + front[c] * share) * 255) / total;
    data[i + 3] = total;
  });
  return picture;
}

// RGBA whose colors are multiplied by alpha, so that scaling mixes in nothing of what is hidden.
function weighted(background) {
  const made = { ...background, data: background.data.slice() };
  for (let i = 0; i < made.data.length; i += 4) {
    for (let c = 0; c < 3; c++) made.data[i + c] = (made.data[i + c] * made.data[i + 3]) / 255;
  }
  return made;
}

// The picture, or a copy where it is the very one that it was made of.
function owned(picture, source) {
  return picture === source ? { ...picture, data: picture.data.slice() } : picture;
}

// What is behind and shown, blurred, at a size where the blur's sigma is still a few pixels. isQuick: whether it is made of
// a smaller picture, and by means of boxes, for live pictures.
export function blurred(image, mask, shown, strength, { isQuick = false } = {}) {
  const sigma = 0.04 * strength * Math.min(image.width, image.height);
  const times = halvings(sigma / (isQuick ? SOFTEST / 2 : SOFTEST));
  const { width, height, data } = halved(image, times);
  const people = asShare(halved(mask, times));
  const seen = shown && asShare(halved(shown, times));
  const weighed = plane(width, height, 4);
  for (let i = 0; i < people.data.length; i++) {
    // A pixel takes part by its share of background; the soft rim, still tinted by the person, next to nothing.
    const share = eighth(Math.min(1, Math.max(0, (seen ? seen.data[i] : 1) - people.data[i])));
    for (let c = 0; c < 3; c++) weighed.data[4 * i + c] = data[4 * i + c] * share;
    weighed.data[4 * i + 3] = 255 * share;
  }
  const soften = isQuick ? boxes : (one, by) => gaussian(one, by, radiusOf(by));
  const soft = spreadFar(weighed, sigma / 2 ** times, 2, soften);
  const made = plane(width, height, 4, data);
  for (let i = 0; i < made.data.length; i += 4) {
    // A frame full of people has no background at all: there, the photo.
    const known = soft.data[i + 3] + 1e-12 * 255;
    for (let c = 0; c < 3; c++) made.data[i + c] = (255 * (soft.data[i + c] + 1e-12 * data[i + c])) / known;
    made.data[i + 3] = 255;
  }
  return made;
}

// The eighth power, which Math.pow takes long for.
function eighth(value) {
  const fourth = value * value * value * value;
  return fourth * fourth;
}

// Weighed colors and weights, blurred by sigma; faintly by 4 and by 16 sigma too, which fill large people.
function spreadFar(weighed, sigma, wider, soften) {
  const soft = soften(weighed, sigma);
  if (!wider) return soft;
  const far = resize(spreadFar(halved(weighed, 2), sigma, wider - 1, soften), weighed.height, weighed.width);
  for (let i = 0; i < soft.data.length; i++) soft.data[i] += 1e-3 * far.data[i];
  return soft;
}

// About a Gaussian: three boxes of the same variance.
function boxes(image, sigma) {
  const radius = Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
  return box(box(box(image, radius), radius), radius);
}

// The picture in blocks, each pixel that of the small picture which lies there.
function nearest(small, height, width) {
  const made = plane(width, height, 4, small.data);
  const from = new Uint32Array(small.data.buffer);
  const to = new Uint32Array(made.data.buffer);
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor((x * small.width) / width));
  for (let y = 0; y < height; y++) {
    const start = Math.floor((y * small.height) / height) * small.width;
    for (let x = 0; x < width; x++) to[y * width + x] = from[start + columns[x]];
  }
  return made;
}

