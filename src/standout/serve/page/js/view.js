/** Where the photo lies on the stage: how large, and how far moved. */

import { clamp } from "./dom.js";

const ROOM = 20;
const MOST = 32;
const MOST_AT_FIRST = 2.5;

export class View {
  /** Screen pixels for each pixel of the photo. */
  scale = 1;
  /** Where the photo's first pixel lies, in screen pixels. */
  x = 0;
  y = 0;
  /** Whether the whole frame is kept in sight, whatever the stage's size becomes. */
  isFitted = true;
  /** Of the stage, in screen pixels. */
  width = 1;
  height = 1;
  /** The frame, in pixels of the photo. @type {import("./frame.js").Box} */
  frame = { left: 0, top: 0, width: 1, height: 1 };
  /** Kept free at the bottom, for the tools. */
  below = 0;

  /** The scale at which the frame is whole in sight. */
  get fitScale() {
    const wide = (this.width - 2 * ROOM) / this.frame.width;
    const tall = (this.height - this.below - 2 * ROOM) / this.frame.height;
    return Math.max(0.001, Math.min(wide, tall, MOST_AT_FIRST));
  }

  /** Brings the whole frame into sight. */
  fit() {
    this.isFitted = true;
    this.scale = this.fitScale;
    this.#center();
  }

  #center() {
    this.x = this.width / 2 - (this.frame.left + this.frame.width / 2) * this.scale;
    this.y = (this.height - this.below) / 2 - (this.frame.top + this.frame.height / 2) * this.scale;
  }

  /**
   * Zooms, so that what lies at a point of the screen stays there. A frame that is in sight as a whole stays in the middle.
   * @param {number} factor @param {{x: number, y: number}} [at]
   */
  zoom(factor, at = { x: this.width / 2, y: (this.height - this.below) / 2 }) {
    const whole = this.fitScale;
    const scale = clamp(this.scale * factor, Math.min(whole, 1), MOST);
    if (scale <= whole && whole <= 1) {
      this.fit();
      return;
    }
    const real = scale / this.scale;
    this.x = at.x - (at.x - this.x) * real;
    this.y = at.y - (at.y - this.y) * real;
    this.scale = scale;
    this.isFitted = false;
    if (scale <= whole) this.#center();
    else this.#hold();
  }

  /** @param {number} byX @param {number} byY screen pixels */
  pan(byX, byY) {
    if (this.scale <= this.fitScale) return;
    this.x += byX;
    this.y += byY;
    this.#hold();
  }

  /** Keeps a part of the frame in sight. */
  #hold() {
    const { frame, scale } = this;
    const room = Math.min(80, (frame.width * scale) / 2, (frame.height * scale) / 2);
    const left = frame.left * scale;
    const top = frame.top * scale;
    this.x = clamp(this.x, room - left - frame.width * scale, this.width - room - left);
    this.y = clamp(this.y, room - top - frame.height * scale, this.height - room - top);
  }

  /** The photo's pixel at a point of the stage. @param {{x: number, y: number}} point */
  toPhoto({ x, y }) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** Where a pixel of the photo lies on the stage. @param {{x: number, y: number}} pixel */
  toStage({ x, y }) {
    return { x: this.x + x * this.scale, y: this.y + y * this.scale };
  }

  /** The frame on the stage, in screen pixels. */
  get box() {
    const { frame, scale } = this;
    return { left: this.x + frame.left * scale, top: this.y + frame.top * scale, width: frame.width * scale, height: frame.height * scale };
  }
}
