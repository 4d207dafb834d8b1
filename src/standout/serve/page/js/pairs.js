/** Corrected photos as training pairs: images/NAME.jpg and masks/NAME.png, as `standout train` reads them. */

import { app } from "./app.js";
import { encodeMask } from "./pixels.js";
import { Names, zipped } from "./zip.js";

/** The photos that were corrected by hand. @returns {import("./app.js").Item[]} */
export const corrected = () => app.items.filter((one) => one.mask?.isCorrected);

/** @returns {Promise<Blob>} */
export async function trainingPairs() {
  const names = new Names();
  const entries = [];
  for (const item of corrected()) {
    const stem = names.next(item.stem, "");
    const suffix = /\.[^.]+$/.exec(item.name)?.[0] ?? ".jpg";
    const mask = await /** @type {import("./mask.js").EditMask} */ (item.mask).awake();
    entries.push({ name: `images/${stem}${suffix}`, data: item.file });
    entries.push({ name: `masks/${stem}.png`, data: await encodeMask(mask.levels) });
  }
  return zipped(entries);
}
