/** A photo from the camera: a live picture, mirrored if wanted, and a countdown. */

import { byId } from "./dom.js";
import { pause } from "./http.js";
import { say } from "./say.js";

const COUNTDOWN = 3;
let count = 0;

/** @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: "The browser was told not to use the camera. Allow it beside the address of this page, then try again.",
  NotFoundError: "No camera was found. Connect one, then try again.",
  NotReadableError: "The camera is used by another program. Close that, then try again.",
};

/** Opens the camera's window. @returns {Promise<File|null>} null = none was taken */
export async function takePhoto() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("camera"));
  const video = /** @type {HTMLVideoElement} */ (byId("camera-video"));
  const shoot = byId("camera-shoot");
  const mirror = byId("camera-mirror");
  const timer = byId("camera-timer");
  const message = byId("camera-message");
  const number = byId("camera-count");
  const ended = new AbortController();
  const { signal } = ended;
  /** @type {MediaStream|null} */
  let stream = null;
  /** @type {File|null} */
  let taken = null;

  message.textContent = "Starting the camera …";
  shoot.disabled = true;
  number.textContent = "";
  dialog.showModal();
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const turn = () => (video.dataset.mirrored = String(mirror.checked));
  mirror.addEventListener("change", turn, { signal });
  turn();

  shoot.addEventListener("click", async () => {
    shoot.disabled = true;
    try {
      for (let left = timer.checked ? COUNTDOWN : 0; left > 0; left--) {
        number.textContent = String(left);
        say(String(left));
        await pause(1000, signal);
      }
    } catch {
      return; // the window was closed meanwhile
    }
    number.textContent = "";
    taken = await still(video, mirror.checked);
    dialog.close();
  }, { signal });

  const start = async () => {
    if (!navigator.mediaDevices?.getUserMedia) {
      message.textContent = "This browser gives the camera only to pages with a secure address (https or localhost).";
      return;
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
      if (signal.aborted) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      video.srcObject = stream;
      await video.play();
      message.textContent = "";
      shoot.disabled = false;
      shoot.focus();
    } catch (error) {
      if (signal.aborted) return;
      message.textContent = REASONS[/** @type {any} */ (error).name] ?? "The camera cannot be used.";
    }
  };
  void start();

  await closed;
  ended.abort();
  for (const track of /** @type {any} */ (stream)?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  return taken;
}

/** The picture that the camera shows. @param {HTMLVideoElement} video @param {boolean} isMirrored */
async function still(video, isMirrored) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (isMirrored) context.setTransform(-1, 0, 0, 1, canvas.width, 0);
  context.drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
  return new File([blob], `camera-${++count}.jpg`, { type: "image/jpeg" });
}
