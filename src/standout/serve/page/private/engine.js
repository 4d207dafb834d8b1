// The page's engine that computes everything in the browser, so that no picture leaves it.
//
// It has the interface of js/server-engine.js: effects, segment, render, formats.

import { load } from "./standout.js";

// config: what config.json says; it is not needed here.
export async function create(config) {
  const answer = await fetch(new URL("about.json", import.meta.url));
  if (!answer.ok) throw new Error(`private mode is not set up here (HTTP ${answer.status}); use the server`);
  const about = await answer.json();
  const model = new URL(`models/${about.default}.onnx`, import.meta.url).href;
  const segmenter = await load({ model, webgpu: about.webgpu });
  const formats = await segmenter.caller.call("formats", []);
  return new Engine(segmenter, about, formats);
}

class Engine {
  name = "private";

  constructor(segmenter, about, formats) {
    this.segmenter = segmenter;
    this.about = about;
    this.formats = formats;
    this.files = about.files.map((path) => new URL(path, import.meta.url).href); // which offline use needs
    this.keys = new WeakMap();
    this.last = 0;
  }

  // The effects that can be made here, as GET /v1/effects lists them.
  async effects() {
    return this.about.effects;
  }

  // The alpha of the photo at its own upright size: {width, height, data}.
  async segment(photo, { signal } = {}) {
    return this.segmenter.segment(photo, { signal });
  }

  // The photo with the edit done, as a file. alpha: {width, height, data}. longest: of the result; 0 means full size.
  async render(photo, alpha, edit, { type = "image/png", longest = 0, background = null, signal } = {}) {
    const { width, height, data } = alpha;
    const options = { type, longest, background: background && this.keyed(background) };
    const given = [this.keyed(photo), { width, height, data }, edit, options];
    return this.segmenter.caller.call("render", given, { signal });
  }

  close() {
    this.segmenter.close();
  }

  // The file with a number by which the worker knows it again.
  keyed(blob) {
    if (!this.keys.has(blob)) this.keys.set(blob, ++this.last);
    return { key: this.keys.get(blob), blob };
  }
}
