// The worker in which the network runs, edges are refined and pictures are made; standout.js and engine.js call it.

import { answer } from "./lib/caller.js";
import { encode, formats } from "./lib/encode.js";
import { Network } from "./lib/network.js";
import { pixelsOf } from "./lib/pixels.js";
import { enlarged, refine } from "./lib/refine.js";
import { render, scaledEdit, within } from "./lib/render.js";

const MOST_KEPT = 3; // pictures whose pixels are kept, so that a preview need not decode them again

let network;
const kept = new Map(); // key -> promise of pixels, the latest last

answer({
  async load(check, options) {
    network = await Network.load(options);
    return { result: { card: network.card, device: network.device, threads: network.threads } };
  },

  async segment(check, source, { refine: refined, tta }) {
    const image = await pixelsOf(source);
    if (source instanceof ImageBitmap) source.close(); // the message made a copy
    check();
    const coarse = await network.probability(image, { tta, check });
    check();
    const data = (refined ? refine : enlarged)(coarse, image);
    return { result: { width: image.width, height: image.height, data }, transfer: [data.buffer] };
  },

  async formats() {
    return { result: await formats() };
  },

  // photo, background: {key, blob}. The same key means the same picture.
  async render(check, photo, alpha, edit, { type, longest, background }) {
    await breathe(); // so that a call that was canceled meanwhile is known to be
    check();
    const image = await pictureOf(photo, longest);
    const behind = background && (await pictureOf(background, 0));
    check();
    const mask = within({ ...alpha, channels: 1 }, longest);
    if (mask.width !== image.width || mask.height !== image.height) {
      throw new Error(`the mask is ${mask.width}x${mask.height}, the photo ${image.width}x${image.height}`);
    }
    const smaller = scaledEdit(edit, mask.width === alpha.width ? 1 : longest / Math.max(alpha.width, alpha.height));
    const picture = render(image, mask, smaller, { background: behind, check });
    await breathe();
    check();
    return { result: await encode(picture, type, { isGray: edit.effect?.name === "mask" }) };
  },
});

// The pixels of a picture, whose longer side has at most so many; 0 means all.
function pictureOf({ key, blob }, longest) {
  const name = `${key} ${longest}`;
  const known = kept.get(name) ?? pixelsOf(blob).then((pixels) => within(pixels, longest));
  kept.delete(name);
  kept.set(name, known);
  known.catch(() => kept.delete(name));
  for (const old of [...kept.keys()].slice(0, -MOST_KEPT)) kept.delete(old);
  return known;
}

function breathe() {
  return new Promise((resolve) => setTimeout(resolve));
}
