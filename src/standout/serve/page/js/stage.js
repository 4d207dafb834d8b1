/** The stage: draws the photo before and after, and the mask while it is worked on. */

import { app } from "./app.js";
import { byId } from "./dom.js";
import { bounds, frameBox } from "./frame.js";
import { editOf, isTransparent, plainColor } from "./look.js";
import { View } from "./view.js";

const FADED = 0.28;
const SQUARE = 10;

export class Stage {
  view = new View();
  canvas = /** @type {HTMLCanvasElement} */ (byId("canvas"));
  /** Which part of the frame shows the photo as it was, 0..1 from the left. */
  split = 0;
  /** Draws over the photo, such as outlines. @type {((context: CanvasRenderingContext2D) => void)|null} */
  overlay = null;
  #context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
  #scratch = new OffscreenCanvas(1, 1);
  #levels = /** @type {ImageData|null} */ (null);
  #isDue = false;
  /** The box of the people, for the mask as it is. @type {{levels: any, box: import("./frame.js").Box|null}|null} */
  #people = null;
  /** Is called before each drawing. */
  onDraw = () => {};

  constructor() {
    new ResizeObserver(() => this.#resize()).observe(this.canvas);
    app.on("select", () => this.show());
    app.on("look mask status", () => this.reframe());
    app.on("shown tool engine theme", () => this.redraw());
  }

  /** Shows the selected photo. */
  async show() {
    const item = app.current;
    for (const one of app.items) if (one !== item && one.status !== "working") one.close();
    for (const one of app.items) if (one.mask) one.mask.isUsed = one === item;
    this.split = 0;
    this.redraw();
    if (item?.kind !== "photo" || item.status === "waiting" || item.status === "failed") return;
    try {
      await Promise.all([item.open(), item.mask?.awake()]);
    } catch {
      return; // the strip tells what is wrong with it
    }
    if (app.current !== item) return;
    this.reframe();
    this.view.fit();
    app.emit("status", item);
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.view.width = clientWidth;
    this.view.height = clientHeight;
    if (this.view.isFitted) this.view.fit();
    this.redraw();
  }

  /** Follows a change of the frame. */
  reframe() {
    const box = this.frameBox();
    const { frame } = this.view;
    if (box && (box.left !== frame.left || box.top !== frame.top || box.width !== frame.width || box.height !== frame.height)) {
      this.view.frame = box;
      this.view.fit();
    }
    this.redraw();
  }

  /** The frame of the selected photo; null without one. */
  frameBox() {
    const item = app.current;
    if (!item?.bitmap) return null;
    return item.mask && app.tool === "look" ? frameOf(item, this.#box(item)) : frameBox("original", item, null, false);
  }

  /** @param {import("./app.js").Item} item */
  #box(item) {
    const levels = item.mask?.levels;
    if (!levels || item.look.frame === "original" || !levels.data.length) return null;
    if (this.#people?.levels !== levels) this.#people = { levels, box: bounds(levels) };
    return this.#people.box;
  }

  /** Follows a change of the view. */
  moved() {
    this.canvas.dataset.zoomed = String(!this.view.isFitted);
    app.emit("view");
    this.redraw();
  }

  /** Draws soon, once for all that asked. */
  redraw() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw() {
    const ratio = devicePixelRatio;
    const { canvas, view } = this;
    const width = Math.round(view.width * ratio);
    const height = Math.round(view.height * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    this.onDraw();
    const item = app.current;
    if (!item?.bitmap || item.kind !== "photo") return;
    const { left, top, width: wide, height: tall } = view.box;
    context.save();
    context.beginPath();
    context.rect(left, top, wide, tall);
    context.clip();
    if (app.tool === "look" || !item.mask) this.#drawResult(item);
    else this.#drawMask(item);
    context.restore();
    this.overlay?.(context);
  }

  /** The result, and left of the split the photo as it was. @param {import("./app.js").Item} item */
  #drawResult(item) {
    const context = this.#context;
    const { left, top, width, height } = this.view.box;
    const at = left + width * this.split;
    const { shown } = item;
    if (!shown) {
      this.#photo(item);
      return;
    }
    if (this.split < 1) {
      this.#behind(item, { left, top, width, height });
      this.#place(context, shown.bitmap);
    }
    if (this.split > 0) {
      context.beginPath();
      context.rect(left, top, at - left, height);
      context.clip();
      this.#checkerboard({ left, top, width, height });
      this.#photo(item);
    }
  }

  /** What lies under the result: a checkerboard, or the color that goes on beyond the photo. @param {import("./app.js").Item} item @param {import("./frame.js").Box} box */
  #behind(item, box) {
    const color = isTransparent(item.look, app.effects) ? null : plainColor(item.look, app.effects);
    if (!color) {
      this.#checkerboard(box);
      return;
    }
    this.#context.fillStyle = color;
    this.#context.fillRect(box.left, box.top, box.width, box.height);
  }

  /** @param {import("./app.js").Item} item */
  #photo(item) {
    const drawn = item.drawable(this.view.scale * devicePixelRatio);
    if (drawn) this.#place(this.#context, drawn);
  }

  /** @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} context @param {CanvasImageSource} picture of the whole photo */
  #place(context, picture) {
    const { view } = this;
    const item = /** @type {any} */ (app.current);
    const pixels = (view.scale * devicePixelRatio * item.width) / /** @type {any} */ (picture).width;
    context.imageSmoothingEnabled = pixels < 3;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, view.x, view.y, item.width * view.scale, item.height * view.scale);
  }

  /** @param {import("./frame.js").Box} box */
  #checkerboard({ left, top, width, height }) {
    const context = this.#context;
    const style = getComputedStyle(this.canvas);
    context.fillStyle = style.getPropertyValue("--check-light");
    context.fillRect(left, top, width, height);
    context.fillStyle = style.getPropertyValue("--check-dark");
    const right = Math.min(left + width, this.view.width);
    const bottom = Math.min(top + height, this.view.height);
    context.beginPath();
    for (let row = Math.max(0, Math.floor(-top / SQUARE)); top + row * SQUARE < bottom; row++) {
      const first = Math.max(0, Math.floor(-left / SQUARE));
      for (let column = first + ((first + row) % 2); left + column * SQUARE < right; column += 2) {
        context.rect(left + column * SQUARE, top + row * SQUARE, SQUARE, SQUARE);
      }
    }
    context.fill();
  }

  /** The photo, faded where it is removed. @param {import("./app.js").Item} item */
  #drawMask(item) {
    const context = this.#context;
    this.#checkerboard(this.view.box);
    context.globalAlpha = FADED;
    this.#photo(item);
    context.globalAlpha = 1;
    const kept = this.#keptPart(item);
    if (kept) context.drawImage(kept.canvas, kept.left, kept.top, kept.width, kept.height);
  }

  /** What of the photo is kept, for the part that is in sight, a pixel for each of the screen's. @param {import("./app.js").Item} item */
  #keptPart(item) {
    const mask = /** @type {import("./mask.js").EditMask} */ (item.mask);
    const { view } = this;
    if (!mask.alpha.length) return null;
    const left = Math.max(0, Math.floor(view.x));
    const top = Math.max(0, Math.floor(view.y));
    const width = Math.ceil(Math.min(view.width, view.x + item.width * view.scale)) - left;
    const height = Math.ceil(Math.min(view.height, view.y + item.height * view.scale)) - top;
    if (width < 1 || height < 1) return null;
    const fine = Math.min(devicePixelRatio, 2);
    const [wide, tall] = [Math.round(width * fine), Math.round(height * fine)];
    const scratch = this.#scratch;
    if (scratch.width !== wide || scratch.height !== tall) Object.assign(scratch, { width: wide, height: tall });
    if (this.#levels?.width !== wide || this.#levels.height !== tall) this.#levels = new ImageData(wide, tall);
    const { data } = this.#levels;
    const step = 1 / (view.scale * fine);
    const from = { x: (left - view.x) / view.scale, y: (top - view.y) / view.scale };
    for (let y = 0, to = 3; y < tall; y++) {
      const row = Math.min(mask.height - 1, Math.max(0, Math.floor(from.y + (y + 0.5) * step))) * mask.width;
      for (let x = 0; x < wide; x++, to += 4) {
        data[to] = mask.alpha[row + Math.min(mask.width - 1, Math.max(0, Math.floor(from.x + (x + 0.5) * step)))];
      }
    }
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (scratch.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.putImageData(this.#levels, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.setTransform(fine, 0, 0, fine, -left * fine, -top * fine);
    const drawn = item.drawable(view.scale * devicePixelRatio);
    if (drawn) this.#place(context, drawn);
    return { canvas: scratch, left, top, width, height };
  }
}

/** The frame of a photo's result. @param {import("./app.js").Item} item @param {import("./frame.js").Box|null} [people] */
export function frameOf(item, people) {
  const { look } = item;
  const { grow, feather } = editOf(look, app.effects).edge;
  if (people === undefined) people = item.mask && look.frame !== "original" ? bounds(item.mask.levels) : null;
  const by = Math.round(grow + 0.64 * feather);
  const box = people && by ? resized(people, by, item) : people;
  const isOpen = isTransparent(look, app.effects) || Boolean(plainColor(look, app.effects));
  return frameBox(look.frame, item, box, isOpen);
}

/** @param {import("./frame.js").Box} box @param {number} by @param {{width: number, height: number}} photo */
function resized({ left, top, width, height }, by, photo) {
  const [x, y] = [Math.max(0, left - by), Math.max(0, top - by)];
  const right = Math.min(photo.width, left + width + by);
  const bottom = Math.min(photo.height, top + height + by);
  return { left: x, top: y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
}
