// The network: a photo's pixels -> the person probability of the whole photo, as in src/standout/segmenter.py.
//
// onnxruntime-web runs the ONNX file. The sizes, the scale of test-time augmentation (TTA) and the threshold are those of
// the card in the file.

import { cardOf } from "./card.js";
import { fit, inner, rectangle } from "./letterbox.js";
import { plane, resize, roundEven } from "./resize.js";

const MOST_THREADS = 4; // more gain little with networks this small

export class Network {
  // model: the URL of the ONNX file. ort: the URL of the folder with onnxruntime-web. threads: of one call; 0 means half
  // as many as there are cores, up to 4. webgpu: whether to run on the GPU where the browser offers one; the folder must
  // then hold the WebGPU build.
  static async load({ model, ort, threads = 0, webgpu = false }) {
    const bytes = await fetched(model);
    const card = cardOf(bytes, model);
    if (webgpu && (await hasGpu())) {
      try {
        return await Network.opened(bytes, card, { ort, threads, device: "webgpu" });
      } catch (error) {
        console.warn(`WebGPU cannot be used (${error.message}); the network runs on the CPU`);
      }
    }
    return Network.opened(bytes, card, { ort, threads, device: "wasm" });
  }

  static async opened(bytes, card, { ort, threads, device }) {
    const { env, InferenceSession, Tensor } = await import(new URL(`ort.${device}.min.mjs`, ort).href);
    const isolated = globalThis.crossOriginIsolated === true; // without it there is no shared memory, so no threads
    const half = Math.ceil((navigator.hardwareConcurrency || 1) / 2); // the page and other programs need cores, too
    env.wasm.wasmPaths = ort;
    env.wasm.numThreads = isolated ? threads || Math.min(MOST_THREADS, half) : 1;
    env.logLevel = "error";
    const executionProviders = device === "webgpu" ? ["webgpu", "wasm"] : ["wasm"];
    const session = await InferenceSession.create(bytes, { executionProviders, logSeverityLevel: 3 });
    return new Network(card, session, Tensor, { device, threads: env.wasm.numThreads });
  }

  constructor(card, session, Tensor, { device, threads }) {
    this.card = card;
    this.device = device;
    this.threads = threads;
    this.session = session;
    this.Tensor = Tensor;
    this.running = Promise.resolve();
    const [{ shape }] = session.inputMetadata;
    this.fixed = typeof shape[2] === "number" && shape[2] > 0 ? [shape[2], shape[3]] : null;
  }

  // The person probability of the photo (RGBA bytes), a plane at the size at which it was seen; the card's threshold is
  // moved to one half. tta: whether it is seen a second time, mirrored and at the card's scale, and averaged.
  // check: called between the two, and may throw to end the work.
  async probability(image, { tta = true, check = () => {} } = {}) {
    const found = await this.seen(image, this.card.size, false);
    if (tta) {
      check();
      const second = await this.seen(image, scaled(this.card.size, this.card.second_look), true);
      const again = resize(second, found.height, found.width);
      for (let i = 0; i < found.data.length; i++) found.data[i] = (found.data[i] + again.data[i]) / 2;
    }
    return centered(found, this.card.threshold);
  }

  async seen(image, size, mirrored) {
    const rect = this.fixed || rectangle(image.height, image.width, size);
    const { input, where } = fit(image, rect, { mirrored });
    const answer = await this.run(input, rect);
    return inner(answer, rect, where, { mirrored });
  }

  // What the network makes of one input (3, h, w): (h, w). A session runs one input at a time.
  async run(input, [height, width]) {
    const before = this.running;
    let done;
    this.running = new Promise((resolve) => (done = resolve));
    await before;
    try {
      const image = new this.Tensor("float32", input, [1, 3, height, width]);
      const answer = await this.session.run({ [this.session.inputNames[0]]: image });
      const tensor = answer[this.session.outputNames[0]];
      const data = tensor.data.slice();
      tensor.dispose();
      return data;
    } finally {
      done();
    }
  }
}

// The size so many times as long and wide, in multiples of 32.
export function scaled(size, by) {
  return size.map((side) => Math.max(32, 32 * roundEven((by * side) / 32)));
}

// The probability with the threshold moved to one half.
export function centered(probability, threshold) {
  if (threshold === 0.5) return probability;
  const made = plane(probability.width, probability.height, 1);
  for (let i = 0; i < made.data.length; i++) {
    const person = probability.data[i] * (1 - threshold);
    const other = (1 - probability.data[i]) * threshold;
    made.data[i] = person / (person + other);
  }
  return made;
}

async function hasGpu() {
  try {
    return Boolean(navigator.gpu && (await navigator.gpu.requestAdapter()));
  } catch {
    return false;
  }
}

async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the model file ${url} cannot be fetched (HTTP ${answer.status}); check its address`);
  return new Uint8Array(await answer.arrayBuffer());
}
