/** Work on whole masks, off the page's own thread, so that large photos do not freeze it. */

import { grayPng } from "./png.js";

/** @type {Record<string, (values: any) => Promise<{value: any, moved?: Transferable[]}>>} */
const JOBS = {
  /** A gray picture file -> its levels. */
  async decode({ file }) {
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    const { width, height } = bitmap;
    const data = new Uint8ClampedArray(width * height);
    const rows = Math.max(1, Math.floor(4e6 / width));
    const canvas = new OffscreenCanvas(width, Math.min(rows, height));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("this browser has no canvas in workers");
    for (let top = 0; top < height; top += rows) {
      const tall = Math.min(rows, height - top);
      context.drawImage(bitmap, 0, top, width, tall, 0, 0, width, tall);
      const { data: colors } = context.getImageData(0, 0, width, tall);
      for (let from = 0, to = top * width; from < colors.length; from += 4) data[to++] = colors[from];
    }
    bitmap.close();
    return { value: { width, height, data }, moved: [data.buffer] };
  },

  /** Levels -> a gray PNG, shrunk to at most `longest` pixels where that is not 0. */
  async encode({ mask, longest }) {
    return { value: await grayPng(shrunk(mask, longest)) };
  },
};

/**
 * The levels, averaged over the pixels that come together.
 * @param {{width: number, height: number, data: Uint8ClampedArray}} mask
 * @param {number} longest
 */
function shrunk(mask, longest) {
  const factor = longest / Math.max(mask.width, mask.height);
  if (!(factor > 0 && factor < 1)) return mask;
  const width = Math.max(1, Math.round(mask.width * factor));
  const height = Math.max(1, Math.round(mask.height * factor));
  const sums = new Float32Array(width * height);
  const counts = new Uint16Array(width * height);
  const columns = Uint32Array.from({ length: mask.width }, (_, x) => Math.floor((x * width) / mask.width));
  for (let y = 0, from = 0; y < mask.height; y++) {
    const row = Math.floor((y * height) / mask.height) * width;
    for (let x = 0; x < mask.width; x++, from++) {
      sums[row + columns[x]] += mask.data[from];
      counts[row + columns[x]]++;
    }
  }
  const data = new Uint8ClampedArray(width * height);
  for (let at = 0; at < data.length; at++) data[at] = sums[at] / counts[at];
  return { width, height, data };
}

addEventListener("message", async ({ data: { id, job, values } }) => {
  try {
    const { value, moved = [] } = await JOBS[job](values);
    postMessage({ id, value }, { transfer: moved });
  } catch (error) {
    postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
