/** Asks the worker for work on whole masks. */

/** @typedef {{width: number, height: number, data: Uint8ClampedArray}} Levels 0..255, a byte for each pixel */

/** @type {Worker|null} */
let worker = null;
/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
const waiting = new Map();
let last = 0;

function started() {
  const made = new Worker(new URL("./pixels-worker.js", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(value);
    else reject?.(new Error(error));
  });
  made.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Error("A part of the page failed. Reload the page."));
    waiting.clear();
    worker = null;
  });
  return made;
}

/** @param {string} job @param {any} values @returns {Promise<any>} */
function asked(job, values) {
  worker ??= started();
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker?.postMessage({ id, job, values });
  });
}

/** The levels of a gray picture file. @param {Blob} file @returns {Promise<Levels>} */
export const decodeMask = (file) => asked("decode", { file });

/**
 * A gray PNG of the levels.
 * @param {Levels} mask
 * @param {number} [longest] pixels of its longer side at most; 0 = all
 * @returns {Promise<Blob>}
 */
export const encodeMask = ({ width, height, data }, longest = 0) => asked("encode", { mask: { width, height, data }, longest });
