// The live camera page: what is behind the people is blurred, colored or replaced, and no frame leaves the page.
//
// Frames never queue: one that arrives while another is being looked at is left out. Until the model is ready, and where
// it fails, a blank picture is shown; the camera's own frames are shown only for the effect "none".

import { Caller } from "./lib/caller.js";

const LONGEST = 640; // of the pictures, in pixels
const RECENT_MS = 2000; // over which the pace is averaged

const byId = (id) => document.getElementById(id);
const [canvas, video, status, pace] = ["picture", "camera", "status", "pace"].map(byId);
const form = byId("controls");
const here = (path) => new URL(path, import.meta.url).href;

let run = null; // the run in progress: what was opened for it, and what it is doing

// What the controls say.
function look() {
  const { effect, strength, color, block } = form.elements;
  return { effect: effect.value, strength: Number(strength.value), color: color.value, block: Number(block.value) };
}

class Run {
  isOver = false;
  isFresh = false; // whether the camera has a frame that was not looked at yet
  isFinding = false;
  making = Promise.resolve(); // pictures are made one after the other, in the frames' order
  waiting = 0; // frames whose picture is being made or waits for that
  shown = []; // when the latest pictures were shown, and how long each step took

  async start(model) {
    this.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" },
      audio: false,
    });
    if (this.isOver) return this.stop();
    video.srcObject = this.stream;
    await video.play();
    blank();
    [this.finder, this.maker] = [new Caller(here("live-worker.js")), new Caller(here("live-worker.js"))];
    const about = await (await fetch(here("about.json"))).json();
    const options = { model: here(`models/${model}.onnx`), ort: here("ort/"), webgpu: about.webgpu };
    const { device, threads } = await this.finder.call("load", [options]);
    if (this.isOver) return;
    if (background) await this.maker.call("background", [background]);
    say(`${model} on ${device === "webgpu" ? "the GPU" : threads > 1 ? `${threads} threads` : "one thread"}`);
    this.next();
  }

  // Waits for the camera's next frame.
  next() {
    if (this.isOver) return;
    const arrived = () => {
      this.isFresh = true;
      this.take();
      this.next();
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(arrived);
    else setTimeout(arrived, 1000 / 60);
  }

  // Begins with the camera's frame, unless it was looked at already, or enough is in work.
  take() {
    if (this.isOver || !this.isFresh || this.isFinding || this.waiting > 1 || !video.videoWidth) return;
    this.isFresh = false;
    this.frame().catch((error) => fail(this, error));
  }

  async frame() {
    this.isFinding = true;
    try {
      const frame = await createImageBitmap(video);
      const wanted = look();
      if (wanted.effect === "none") return this.show(frame, 0, 0);
      if (wanted.effect === "replace" && !background) {
        frame.close();
        blank();
        return say("Choose a picture to put behind.");
      }
      const time = performance.now() / 1000;
      const found = await this.finder.call("find", [frame, time], { transfer: [frame] });
      this.waiting++;
      this.making = this.making.then(() => this.make(found, wanted)).catch((error) => fail(this, error));
      this.making = this.making.finally(() => {
        this.waiting--;
        this.take();
      });
    } finally {
      this.isFinding = false;
      this.take();
    }
  }

  async make(found, wanted) {
    if (this.isOver) return;
    const size = sizeOf(found.frame);
    const { picture, took } = await this.maker.call("make", [found, wanted, size], { transfer: [found.frame] });
    this.show(picture, found.took, took);
  }

  show(picture, found, made) {
    if (this.isOver) return;
    draw(picture);
    const now = performance.now();
    this.shown.push({ now, found, made });
    while (this.shown[0].now < now - RECENT_MS) this.shown.shift();
    const mean = (name) => this.shown.reduce((sum, one) => sum + one[name], 0) / this.shown.length;
    const seconds = (now - this.shown[0].now) / 1000;
    if (this.shown.length < 3 || !seconds) return;
    const rate = (this.shown.length - 1) / seconds;
    const [find, make] = [mean("found"), mean("made")];
    Object.assign(pace.dataset, { fps: rate.toFixed(2), find: find.toFixed(1), make: make.toFixed(1) });
    const steps = make ? `, ${find.toFixed(0)} ms to find people, ${make.toFixed(0)} ms to draw` : "";
    pace.textContent = `${rate.toFixed(0)} pictures a second${steps}`;
  }

  stop() {
    this.isOver = true;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.finder?.close();
    this.maker?.close();
    video.srcObject = null;
  }
}

function draw(picture) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
  }
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(picture);
}

function blank() {
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(null);
}

function say(text) {
  status.textContent = text;
}

// The size of the picture that is made of a frame.
function sizeOf({ width, height }) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

// Ends that run with a blank picture, and says why.
function fail(failed, error) {
  if (run !== failed || failed.isOver) return;
  end();
  const reasons = {
    NotAllowedError: "The camera may not be used here. Allow it in the browser's settings of this page.",
    NotFoundError: "There is no camera. Connect one, then start again.",
    NotReadableError: "The camera is in use by another program. Close that, then start again.",
  };
  say(reasons[error.name] ?? `Stopped: ${error.message}.`);
}

function end() {
  run?.stop();
  run = null;
  blank();
  pace.textContent = "";
  byId("start").textContent = "Start the camera";
}

let background = null; // the Blob of the picture to put behind

byId("start").addEventListener("click", () => {
  if (run) {
    end();
    say("The camera is off.");
    return;
  }
  const begun = new Run();
  run = begun;
  byId("start").textContent = "Stop";
  say("Loading the model. Nothing is sent: all is computed on this machine.");
  begun.start(form.elements.model.value).catch((error) => fail(begun, error));
});

form.addEventListener("input", () => {
  canvas.classList.toggle("mirrored", form.elements.mirrored.checked);
  for (const one of form.querySelectorAll("[data-effect]")) one.hidden = one.dataset.effect !== form.elements.effect.value;
});
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.model.addEventListener("change", () => {
  if (!run) return;
  end();
  byId("start").click();
});
form.elements.background.addEventListener("change", async () => {
  background = form.elements.background.files[0] ?? null;
  try {
    if (background && run?.maker) await run.maker.call("background", [background]);
  } catch (error) {
    background = null;
    say(error.message);
  }
});
form.elements.effect.addEventListener("change", () => {
  if (form.elements.effect.value === "replace" && !background) form.elements.background.click();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && run && video.paused) video.play().catch((error) => fail(run, error));
});
if (!navigator.mediaDevices?.getUserMedia) {
  byId("start").disabled = true;
  say("The camera needs a page from this machine (127.0.0.1) or over HTTPS. Open it at such an address.");
}
form.dispatchEvent(new Event("input"));
