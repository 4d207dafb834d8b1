// standout in the browser: finds the people in a picture, on the visitor's own machine. Nothing is sent anywhere.
//
//   import { load } from "./private/standout.js";
//   const segmenter = await load();
//   const { width, height, data } = await segmenter.segment(await createImageBitmap(file));
//
// data is the alpha at the picture's own size: a Uint8ClampedArray of width * height numbers, 255 = person. It is computed
// as the Python package computes it: letterbox, network with test-time augmentation, edges refined at full size.

import { Caller } from "./lib/caller.js";

// A Segmenter, once its model is fetched and ready.
//
// model: the URL of an ONNX file that standout wrote. ort: the URL of the folder with onnxruntime-web, with a slash at its
// end. threads: of the network for one call; 0 means half as many as there are cores, up to 4. Several threads need a
// page that is cross-origin isolated (headers COOP and COEP); others run on one. webgpu: whether to use WebGPU where the
// browser offers it; the folder must then hold that build (scripts/browser --webgpu).
export async function load({ model, ort, threads = 0, webgpu = false } = {}) {
  const caller = new Caller(new URL("worker.js", import.meta.url));
  const base = globalThis.document?.baseURI ?? import.meta.url;
  const options = {
    model: model ? new URL(model, base).href : new URL("models/standout-mobile.onnx", import.meta.url).href,
    ort: ort ? new URL(ort, base).href : new URL("ort/", import.meta.url).href,
    threads,
    webgpu,
  };
  try {
    return new Segmenter(caller, await caller.call("load", [options]));
  } catch (error) {
    caller.close();
    throw error;
  }
}

// card: the model's card. device: "wasm" or "webgpu". threads: on which the network runs.
export class Segmenter {
  constructor(caller, { card, device, threads }) {
    this.caller = caller;
    this.card = card;
    this.device = device;
    this.threads = threads;
  }

  // The alpha of a picture, an ImageBitmap, ImageData or Blob, at its own upright size: {width, height, data}.
  //
  // refine: whether the edge follows the edges of the picture at full size; else the network's mask is merely enlarged.
  // tta: whether the network sees the picture twice, which finds more. signal: an AbortSignal.
  segment(picture, { refine = true, tta = true, signal } = {}) {
    return this.caller.call("segment", [picture, { refine, tta }], { signal });
  }

  // Ends the worker and frees its memory.
  close() {
    this.caller.close();
  }
}
