// A worker for live pictures. live.js runs two of them side by side: one finds the people in a frame while the other makes
// the picture of the frame before it.
//
//   find   a frame (ImageBitmap) -> {frame, small, mask}: the network's steadied mask, and the frame at the mask's size
//   make   these, and a look -> the picture, an ImageBitmap
//
// Edges are fitted at half the mask's size, and pictures are put together by a canvas, which takes a third of the time that
// photos take.

import { answer } from "./lib/caller.js";
import { blocks, blurred, masked } from "./lib/compose.js";
import { place, rectangle } from "./lib/letterbox.js";
import { Network } from "./lib/network.js";
import { frameReader } from "./lib/pixels.js";
import { inBytes, refine } from "./lib/refine.js";
import { resize } from "./lib/resize.js";
import { TemporalFilter } from "./lib/temporal.js";

const COLOR_SIDE = 160; // longest side at which the people's own colors are estimated
const REACH = 2; // pixels of the halved mask around its outline where alpha is free

const read = frameReader();
let network;
let filter;
let background = null; // an ImageBitmap
let [people, context] = [null, null]; // of the canvases that the people and the whole picture are drawn on

answer({
  async load(check, options) {
    network = await Network.load(options);
    filter = new TemporalFilter();
    return { result: { card: network.card, device: network.device, threads: network.threads } };
  },

  async find(check, frame, time) {
    const began = performance.now();
    const rect = network.fixed ?? rectangle(frame.height, frame.width, network.card.size);
    const where = place(frame.height, frame.width, rect);
    const small = read(frame, where.innerWidth, where.innerHeight);
    const mask = filter.next(await network.probability(small, { tta: false }), small, time);
    return { result: { frame, small, mask, took: performance.now() - began }, transfer: [frame] };
  },

  async make(check, { frame, small, mask: coarse }, look, { width, height }) {
    const began = performance.now();
    const image = read(frame, width, height);
    frame.close();
    const half = resize(coarse, Math.ceil(coarse.height / 2), Math.ceil(coarse.width / 2));
    const isEven = small.width === 2 * half.width && small.height === 2 * half.height;
    const data = refine(half, image, { reach: REACH, smaller: isEven ? small : null });
    const mask = { width, height, channels: 1, data };
    prepare(width, height);
    drawBehind(look, image, mask, { small, coarse });
    const isOwn = look.effect === "blur" || look.effect === "pixelate"; // the old background's colors do not show there
    const layer = masked(image, mask, isOwn ? 0 : COLOR_SIDE);
    people.putImageData(new ImageData(layer.data, width, height), 0, 0);
    context.drawImage(people.canvas, 0, 0);
    const picture = context.canvas.transferToImageBitmap();
    return { result: { picture, took: performance.now() - began }, transfer: [picture] };
  },

  // The picture that the effect "replace" puts behind.
  async background(check, blob) {
    background = await createImageBitmap(blob);
    return { result: true };
  },
});

function prepare(width, height) {
  if (people?.canvas.width === width && people.canvas.height === height) return;
  people = new OffscreenCanvas(width, height).getContext("2d");
  context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false });
}

// Fills the canvas with what is behind the people.
function drawBehind({ effect, strength, color, block }, image, mask, { small, coarse }) {
  const { width, height } = image;
  context.imageSmoothingEnabled = effect !== "pixelate";
  if (effect === "blur") {
    drawn(blurred(small, inBytes(coarse), null, strength, { isQuick: true }), width, height);
  } else if (effect === "pixelate") {
    drawn(blocks(image, mask, null, block), width, height);
  } else if (effect === "replace" && background) {
    const scale = Math.max(width / background.width, height / background.height);
    const [wide, tall] = [background.width * scale, background.height * scale];
    context.drawImage(background, (width - wide) / 2, (height - tall) / 2, wide, tall);
  } else {
    context.fillStyle = color;
    context.fillRect(0, 0, width, height);
  }
}

// Draws a small picture over the whole canvas.
function drawn(picture, width, height) {
  const small = new OffscreenCanvas(picture.width, picture.height);
  small.getContext("2d").putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
  context.drawImage(small, 0, 0, width, height);
}
