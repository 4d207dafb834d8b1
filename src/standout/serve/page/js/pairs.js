/** Corrected photos as training pairs: images/NAME.jpg and masks/NAME.png, as `standout train` reads them. */

import { app } from "./app.js";
import { encodeMask } from "./pixels.js";
import { Names, zipped } from "./zip.js";

/** The photos that were corrected by hand. @returns {import("./app.js").Item[]} */
export const corrected = () => app.items.filter((one) => one.mask?.isCorrected);

/** In training masks the level 128 marks pixels that do not count. @param {import("./pixels.js").Levels} levels */
const trainable = (levels) => ({ ...levels, data: levels.data.map((level) => (level === 128 ? 127 : level)) });

/** @returns {Promise<Blob>} */
export async function trainingPairs() {
  const names = new Names();
  const entries = [];
  for (const item of corrected()) {
    const stem = names.next(item.stem, "");
    const suffix = /\.[^.]+$/.exec(item.name)?.[0] ?? ".jpg";
    const mask = await /** @type {import("./mask.js").EditMask} */ (item.mask).awake();
    entries.push({ name: `images/${stem}${suffix}`, data: item.file });
    entries.push({ name: `masks/${stem}.png`, data: await encodeMask(trainable(mask.levels)) });
  }
  return zipped(entries);
}
