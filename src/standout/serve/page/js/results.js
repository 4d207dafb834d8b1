/** Results at full size, as files. */

import { app } from "./app.js";
import { framed } from "./frame.js";
import { FORMATS } from "./kinds.js";
import { editOf, effectOf, isTransparent, lacksPicture, plainColor } from "./look.js";
import { frameOf } from "./stage.js";
import { Names, zipped } from "./zip.js";

/** Kinds that a browser's canvas can write. */
const CANVAS = ["image/png", "image/jpeg", "image/webp"];
const NOTHING_TO_FIND = { width: 1, height: 1, data: new Uint8ClampedArray([255]) };

/** @typedef {import("./app.js").Item} Item */

/** The kind of file that suits a look best. @param {import("./look.js").Look} look */
export function bestType(look) {
  return isTransparent(look, app.effects) || effectOf(look, app.effects).is_mask ? "image/png" : "image/jpeg";
}

/** The photos whose results can be saved. @returns {Item[]} */
export const finished = () => app.items.filter((one) => one.kind === "photo" && one.status === "done" && one.mask);

/**
 * The result of a photo. "Original" and "People" come from the engine as they are; a shape is cut out of its result.
 * @param {Item} item @param {string} type @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 */
export async function resultOf(item, type, signal) {
  const { look } = item;
  if (lacksPicture(look, app.effects)) throw new Error("Choose a picture to put behind the people first.");
  const mask = await /** @type {any} */ (item.mask).awake();
  const background = look.behind?.picture ?? null;
  const edit = editOf(look, app.effects, { crop: true });
  if (look.frame === "original" || look.frame === "people") {
    return app.engine.render(item.file, mask.levels, edit, { type, background, signal });
  }
  const box = frameOf(item);
  const isKnown = CANVAS.includes(type);
  const whole = await app.engine.render(item.file, mask.levels, edit, { type: "image/png", background, signal });
  const isClear = isTransparent(look, app.effects);
  const color = isClear ? null : plainColor(look, app.effects);
  const part = await framed(whole, box, { type: isKnown ? type : "image/png", color });
  if (isKnown) return part;
  const asItIs = isClear ? { effect: { name: "cut", decontaminate: false } } : { effect: { name: "blur", strength: 0 } };
  return app.engine.render(part, NOTHING_TO_FIND, asItIs, { type, signal });
}

/** The stem of a result's name. @param {Item} item */
export const resultStem = (item) => `${item.stem}-${item.look.effect}`;

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * All results in a ZIP file.
 * @param {(item: Item) => string} typeOf
 * @param {{signal: AbortSignal, onStep: (done: number, total: number) => void}} options
 */
export async function allResults(typeOf, { signal, onStep }) {
  const names = new Names();
  const entries = [];
  const items = finished();
  for (const [at, item] of items.entries()) {
    onStep(at, items.length);
    const type = typeOf(item);
    const data = await resultOf(item, type, signal);
    signal.throwIfAborted();
    entries.push({ name: names.next(resultStem(item), `.${FORMATS[type].suffix}`), data });
  }
  return zipped(entries);
}
