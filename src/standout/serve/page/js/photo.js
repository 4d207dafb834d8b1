/** One photo or clip of the film strip. */

import { stem } from "./kinds.js";

/** @typedef {import("./mask.js").EditMask} EditMask */
/** @typedef {"waiting"|"working"|"done"|"failed"} Status */

const THUMB = 160;
/** The longer side of the copy that is drawn while the whole photo is in sight. */
const SMALL = 2048;
let count = 0;

export class Item {
  /** @param {File} file @param {"photo"|"clip"|"unknown"} kind @param {import("./look.js").Look} look */
  constructor(file, kind, look) {
    this.id = ++count;
    this.file = file;
    this.name = file.name;
    this.kind = kind;
    this.look = look;
    /** @type {Status} */
    this.status = "waiting";
    /** What the strip says of it. */
    this.message = "Waiting";
    this.width = 0;
    this.height = 0;
    /** What this browser can show: the file, or a copy of a kind that it knows. @type {Blob} */
    this.view = file;
    /** @type {EditMask|null} */
    this.mask = null;
    /** The version of the mask that was saved last. */
    this.savedVersion = 0;
    /** @type {ImageBitmap|null} */
    this.bitmap = null;
    /** @type {ImageBitmap|null} */
    this.small = null;
    this.thumb = document.createElement("canvas");
    this.stop = new AbortController();
    /** The result that is shown. @type {{bitmap: ImageBitmap, key: string, longest: number}|null} */
    this.shown = null;
    /** Of a clip: its job on the server. @type {any} */
    this.job = null;
  }

  get stem() {
    return stem(this.name);
  }

  /** Whether corrections would be lost if the page were closed. */
  get isUnsaved() {
    return Boolean(this.mask?.isCorrected && this.mask.version !== this.savedVersion);
  }

  /** Decodes the photo for the stage. */
  async open() {
    if (this.bitmap) return;
    const bitmap = await createImageBitmap(this.view);
    if (this.bitmap) { // it was opened twice at once
      bitmap.close();
      return;
    }
    this.bitmap = bitmap;
    this.width ||= bitmap.width;
    this.height ||= bitmap.height;
    const factor = SMALL / Math.max(bitmap.width, bitmap.height);
    if (factor < 0.7) {
      this.small = await createImageBitmap(bitmap, {
        resizeWidth: Math.round(bitmap.width * factor),
        resizeHeight: Math.round(bitmap.height * factor),
        resizeQuality: "high",
      });
    }
  }

  /** Frees the memory of decoded pixels. */
  close() {
    this.bitmap?.close();
    this.small?.close();
    this.shown?.bitmap.close();
    this.bitmap = this.small = this.shown = null;
  }

  /** The decoded photo that suits a scale, in screen pixels for each of the photo's. @param {number} scale */
  drawable(scale) {
    const isEnough = this.small && scale <= this.small.width / this.width;
    return isEnough ? this.small : this.bitmap;
  }

  /** Draws the thumbnail: the photo, or the people alone once they are known. */
  drawThumb() {
    if (!this.bitmap) return;
    const factor = THUMB / Math.max(this.width, this.height);
    const { thumb } = this;
    thumb.width = Math.max(1, Math.round(this.width * factor));
    thumb.height = Math.max(1, Math.round(this.height * factor));
    const context = thumb.getContext("2d");
    if (!context) return;
    if (this.mask && this.mask.alpha.length) {
      const levels = context.createImageData(thumb.width, thumb.height);
      for (let y = 0, to = 3; y < thumb.height; y++) {
        const row = Math.floor(((y + 0.5) * this.mask.height) / thumb.height) * this.mask.width;
        for (let x = 0; x < thumb.width; x++, to += 4) {
          levels.data[to] = this.mask.alpha[row + Math.floor(((x + 0.5) * this.mask.width) / thumb.width)];
        }
      }
      context.putImageData(levels, 0, 0);
      context.globalCompositeOperation = "source-in";
    }
    context.imageSmoothingQuality = "high";
    context.drawImage(this.small ?? this.bitmap, 0, 0, thumb.width, thumb.height);
    context.globalCompositeOperation = "source-over";
  }
}
