// The worker in which the network runs, edges are refined and pictures are made; standout.js and engine.js call it.

import { answer } from "./lib/caller.js";
import { Network } from "./lib/network.js";
import { pixelsOf } from "./lib/pixels.js";
import { enlarged, refine } from "./lib/refine.js";

let network;

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
});
