/** The engine that asks this page's own server. */

import { ask } from "./http.js";
import { decodeMask, encodeMask } from "./pixels.js";

/** @typedef {import("./pixels.js").Levels} Levels */

const SHRUNK_QUALITY = 0.92;

/** @param {object} config what /config.json says */
export async function create(config) {
  /** @type {WeakMap<object, Map<number, Promise<Blob>>>} the small copies that previews are made of */
  const small = new WeakMap();

  /** @param {object} of @param {number} longest @param {() => Promise<Blob>} make @returns {Promise<Blob>} */
  function kept(of, longest, make) {
    if (!small.has(of)) small.set(of, new Map());
    const sizes = /** @type {Map<number, Promise<Blob>>} */ (small.get(of));
    if (!sizes.has(longest)) {
      const made = make();
      made.catch(() => sizes.delete(longest));
      sizes.set(longest, made);
    }
    return /** @type {Promise<Blob>} */ (sizes.get(longest));
  }

  return {
    name: "server",
    config,
    formats: ["image/png", "image/jpeg", "image/webp", "image/avif"],

    async effects() {
      return (await (await ask("/v1/effects", { method: "GET" })).json()).effects;
    },

    /**
     * How much of each pixel is person.
     * @param {Blob} photo
     * @param {{signal?: AbortSignal, onWait?: (seconds: number) => void}} [options]
     * @returns {Promise<Levels>}
     */
    async segment(photo, { signal, onWait } = {}) {
      const form = new FormData();
      form.append("image", photo, "photo");
      const answer = await ask("/v1/mask", { body: form, signal, onWait, headers: { Accept: "image/png" } });
      return decodeMask(await answer.blob());
    },

    /**
     * The photo with the edit done.
     * @param {Blob} photo
     * @param {Levels} alpha
     * @param {any} edit as POST /v1/edit takes it
     * @param {{type?: string, longest?: number, background?: Blob|null, signal?: AbortSignal}} [options]
     * @returns {Promise<Blob>}
     */
    async render(photo, alpha, edit, { type = "image/png", longest = 0, background = null, signal } = {}) {
      const factor = longest / Math.max(alpha.width, alpha.height);
      const isSmaller = factor > 0 && factor < 1;
      const form = new FormData();
      if (isSmaller) {
        const [shrunk, mask] = await Promise.all([
          kept(photo, longest, () => shrunkPhoto(photo, alpha, factor)).catch(() => null),
          kept(alpha, longest, () => encodeMask(alpha, longest)),
        ]);
        form.append("image", shrunk ?? photo, "photo");
        form.append("mask", mask, "mask.png");
        form.append("longest", String(longest));
        if (shrunk && edit.edge) edit = { ...edit, edge: scaledEdge(edit.edge, factor) };
      } else {
        form.append("image", photo, "photo");
        form.append("mask", await kept(alpha, 0, () => encodeMask(alpha)), "mask.png");
        if (longest > 0) form.append("longest", String(longest));
      }
      form.append("edit", JSON.stringify(edit));
      if (background) form.append("background", background, "background");
      signal?.throwIfAborted();
      return (await ask("/v1/edit", { body: form, signal, headers: { Accept: type } })).blob();
    },
  };
}

/** The edge of a smaller copy: its lengths are in pixels. @param {any} edge @param {number} factor */
function scaledEdge(edge, factor) {
  return { ...edge, grow: (edge.grow ?? 0) * factor, feather: (edge.feather ?? 0) * factor };
}

/**
 * A smaller copy of the photo. Rejects for kinds that this browser cannot read.
 * @param {Blob} photo
 * @param {{width: number, height: number}} size
 * @param {number} factor
 * @returns {Promise<Blob>}
 */
async function shrunkPhoto(photo, size, factor) {
  const width = Math.max(1, Math.round(size.width * factor));
  const height = Math.max(1, Math.round(size.height * factor));
  const bitmap = await createImageBitmap(photo, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  const type = photo.type === "image/jpeg" ? "image/jpeg" : "image/webp"; // the others may be transparent
  return canvas.convertToBlob({ type, quality: SHRUNK_QUALITY });
}
