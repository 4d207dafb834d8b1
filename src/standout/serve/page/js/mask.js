/**
 * How much of each pixel of a photo is kept, as the user corrects it, with undo and redo.
 *
 * alpha     0..255 a pixel: 255 = kept, 0 = removed
 * dropped   what a click on a person took away, so that another click brings it back; null until then
 *
 * What is changed is remembered in square tiles, each as it was before.
 */

import { clamp } from "./dom.js";
import { Emitter } from "./events.js";
import { decodeMask, encodeMask } from "./pixels.js";

/** @typedef {import("./pixels.js").Levels} Levels */
/** @typedef {{plane: "alpha"|"dropped", tile: number, before: Uint8ClampedArray}} Saved */
/** @typedef {{radius: number, softness: number, isErasing: boolean}} Brush radius in pixels; softness 0..1 */

const TILE = 256;
const MOST_BYTES = 192 * 2 ** 20;

export class EditMask extends Emitter {
  /** @param {Levels} found what the model found */
  constructor({ width, height, data }) {
    super();
    this.width = width;
    this.height = height;
    /** @type {Uint8ClampedArray} */
    this.alpha = data;
    /** @type {Uint8ClampedArray|null} */
    this.dropped = null;
    this.across = Math.ceil(width / TILE);
    /** @type {Saved[][]} */
    this.past = [];
    /** @type {Saved[][]} */
    this.future = [];
    /** @type {Map<string, Saved & {cover: Uint8Array}>|null} */
    this.open = null;
    /** Counts the changes; the same number means the same alpha. */
    this.version = 0;
    /** @type {Levels|null} */
    this.given = null;
    /** @type {Promise<Blob[]>|null} */
    this.parked = null;
  }

  /** The levels as engines take them: the same object as long as nothing changes. @returns {Levels} */
  get levels() {
    this.given ??= { width: this.width, height: this.height, data: this.alpha };
    return this.given;
  }

  /** Whether anything was corrected. */
  get isCorrected() {
    return this.past.length > 0;
  }

  /** Begins a change; all that is painted until commit() is undone in one step. */
  begin() {
    this.open = new Map();
  }

  /** Ends a change. */
  commit() {
    const saved = [...(this.open?.values() ?? [])].filter((one) => !same(one.before, this.#tile(one.plane, one.tile)));
    this.open = null;
    if (!saved.length) return;
    this.past.push(saved.map(({ plane, tile, before }) => ({ plane, tile, before })));
    this.future = [];
    let bytes = 0;
    let kept = this.past.length;
    while (kept > 1 && bytes < MOST_BYTES) bytes += this.past[--kept].length * TILE * TILE;
    this.past.splice(0, bytes < MOST_BYTES ? 0 : kept);
    this.#changed();
  }

  /** Ends a change, and takes it back as if it had never been. */
  cancel() {
    for (const { plane, tile, before } of this.open?.values() ?? []) this.#write(plane, tile, before);
    this.open = null;
    this.emit("paint");
  }

  undo() {
    this.#swap(this.past, this.future);
  }

  redo() {
    this.#swap(this.future, this.past);
  }

  /** @param {Saved[][]} from @param {Saved[][]} to */
  #swap(from, to) {
    const saved = from.pop();
    if (!saved) return;
    to.push(
      saved.map(({ plane, tile, before }) => {
        const now = this.#tile(plane, tile);
        this.#write(plane, tile, before);
        return { plane, tile, before: now };
      }),
    );
    this.#changed();
  }

  #changed() {
    this.version += 1;
    this.given = null;
    this.parked = null;
    this.emit("change");
  }

  /**
   * Paints from one point to another with a round brush.
   * @param {{x: number, y: number}} a
   * @param {{x: number, y: number}} b
   * @param {Brush} brush
   */
  stroke(a, b, brush) {
    const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / (2 * brush.radius)));
    for (let step = 0; step < steps; step++) {
      const at = (/** @type {number} */ share) => ({ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share });
      this.#segment(at(step / steps), at((step + 1) / steps), brush);
    }
    this.emit("paint");
  }

  /** @param {{x: number, y: number}} a @param {{x: number, y: number}} b @param {Brush} brush */
  #segment(a, b, brush) {
    const reach = brush.radius + 1;
    const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
    const right = Math.min(this.width, Math.ceil(Math.max(a.x, b.x) + reach));
    const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
    const bottom = Math.min(this.height, Math.ceil(Math.max(a.y, b.y) + reach));
    for (let tall = Math.floor(top / TILE) * TILE; tall < bottom; tall += TILE) {
      for (let wide = Math.floor(left / TILE) * TILE; wide < right; wide += TILE) {
        const box = {
          left: Math.max(left, wide),
          right: Math.min(right, wide + TILE),
          top: Math.max(top, tall),
          bottom: Math.min(bottom, tall + TILE),
        };
        this.#paint(box, (tall / TILE) * this.across + wide / TILE, { a, b, brush });
      }
    }
  }

  /**
   * Paints the part of a stroke that lies in one tile. Where strokes of one change overlap, the strongest counts.
   * @param {{left: number, right: number, top: number, bottom: number}} box
   * @param {number} tile
   * @param {{a: {x: number, y: number}, b: {x: number, y: number}, brush: Brush}} line
   */
  #paint(box, tile, { a, b, brush }) {
    const { before, cover } = this.save("alpha", tile);
    const { x: originX, y: originY, width: wide } = this.#place(tile);
    const alongX = b.x - a.x;
    const alongY = b.y - a.y;
    const square = alongX * alongX + alongY * alongY;
    const inner = Math.max(0, brush.radius * (1 - brush.softness) - 0.5);
    const rim = Math.max(1, brush.radius + 0.5 - inner);
    const target = brush.isErasing ? 0 : 255;
    for (let y = box.top; y < box.bottom; y++) {
      for (let x = box.left; x < box.right; x++) {
        const fromX = x + 0.5 - a.x;
        const fromY = y + 0.5 - a.y;
        const share = square ? clamp((fromX * alongX + fromY * alongY) / square, 0, 1) : 0;
        const away = Math.hypot(fromX - share * alongX, fromY - share * alongY);
        const out = (away - inner) / rim;
        if (out >= 1) continue;
        const strength = out <= 0 ? 255 : 255 * (1 - out * out * (3 - 2 * out));
        const at = (y - originY) * wide + x - originX;
        if (strength <= cover[at]) continue;
        cover[at] = strength;
        this.alpha[y * this.width + x] = before[at] + ((target - before[at]) * cover[at]) / 255;
      }
    }
  }

  /**
   * Remembers a tile as it is before the first change to it. Call it before writing into a plane.
   * @param {"alpha"|"dropped"} plane
   * @param {number} tile
   */
  save(plane, tile) {
    const key = `${plane} ${tile}`;
    let saved = this.open?.get(key);
    if (!saved) {
      const before = this.#tile(plane, tile);
      saved = { plane, tile, before, cover: new Uint8Array(plane === "alpha" ? before.length : 0) };
      this.open?.set(key, saved);
    }
    return saved;
  }

  /** The tiles that a box of pixels touches. @param {{left: number, right: number, top: number, bottom: number}} box */
  tilesOf({ left, right, top, bottom }) {
    const found = [];
    for (let y = Math.floor(top / TILE); y * TILE < bottom; y++) {
      for (let x = Math.floor(left / TILE); x * TILE < right; x++) found.push(y * this.across + x);
    }
    return found;
  }

  /** @param {number} tile */
  #place(tile) {
    const x = (tile % this.across) * TILE;
    const y = Math.floor(tile / this.across) * TILE;
    return { x, y, width: Math.min(TILE, this.width - x), height: Math.min(TILE, this.height - y) };
  }

  /** A copy of a tile. @param {"alpha"|"dropped"} plane @param {number} tile */
  #tile(plane, tile) {
    const { x, y, width, height } = this.#place(tile);
    const copy = new Uint8ClampedArray(width * height);
    const from = this[plane];
    for (let row = 0; from && row < height; row++) {
      const at = (y + row) * this.width + x;
      copy.set(from.subarray(at, at + width), row * width);
    }
    return copy;
  }

  /** @param {"alpha"|"dropped"} plane @param {number} tile @param {Uint8ClampedArray} values */
  #write(plane, tile, values) {
    const { x, y, width, height } = this.#place(tile);
    const to = this[plane];
    for (let row = 0; to && row < height; row++) {
      to.set(values.subarray(row * width, (row + 1) * width), (y + row) * this.width + x);
    }
  }

  /** Packs the pixels of a photo that is not looked at, to save memory; awake() brings them back. */
  async park() {
    if (this.open || this.alpha.length === 0) return;
    const version = this.version;
    const planes = [this.alpha, ...(this.dropped ? [this.dropped] : [])];
    this.parked ??= Promise.all(planes.map((data) => encodeMask({ width: this.width, height: this.height, data })));
    await this.parked;
    if (version !== this.version || !this.parked || this.isUsed) return;
    this.alpha = new Uint8ClampedArray(0);
    if (this.dropped) this.dropped = new Uint8ClampedArray(0);
    this.given = null;
  }

  /** Whether the pixels are in use, so that they are not parked. */
  isUsed = false;

  /** This mask, with its pixels at hand. */
  async awake() {
    if (this.alpha.length === 0 && this.parked) {
      const [alpha, dropped] = await Promise.all((await this.parked).map(decodeMask));
      this.alpha = alpha.data;
      if (dropped) this.dropped = dropped.data;
      this.given = null;
    }
    return this;
  }
}

/** @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b */
function same(a, b) {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
