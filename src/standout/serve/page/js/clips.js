/** Clips: sent to the server as a job, whose progress is followed until its result is there. */

import { app } from "./app.js";
import { byId } from "./dom.js";
import { NO_ANSWER, ask, keyHeader } from "./http.js";
import { sizeOf } from "./kinds.js";
import { editOf, isTransparent, lacksPicture, titleOf } from "./look.js";
import { settle } from "./queue.js";
import { save } from "./results.js";
import { note, say } from "./say.js";

/**
 * @typedef {object} ClipJob
 * @property {any} state      as GET /v1/jobs/ID tells it; null until the server has taken the clip
 * @property {AbortController} stop
 * @property {string|null} url   of the result, for the player
 * @property {Blob|null} result  where the player cannot fetch it by itself, as it needs the key
 * @property {string} title
 */

const ENDED = ["done", "failed", "canceled"];

export function addClips() {
  const player = /** @type {HTMLVideoElement} */ (byId("player"));
  const bar = byId("clip-progress");
  const start = byId("clip-start");
  const stop = byId("clip-cancel");
  const fetchIt = byId("clip-download");
  let playing = "";
  let url = "";

  /** Shows the clip, or its result once there is one. */
  function showPlayer() {
    const item = app.current;
    const isClip = item?.kind === "clip";
    byId("clip").hidden = !isClip;
    byId("clip-panel").hidden = !isClip;
    if (!isClip) {
      if (playing) player.removeAttribute("src");
      if (playing) player.load();
      playing = "";
      return;
    }
    const key = `${item.id} ${item.job?.url ?? ""}`;
    if (key === playing) return;
    playing = key;
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(item.file);
    player.src = item.job?.url ?? url;
    player.setAttribute("aria-label", item.job?.url ? `${item.name}, the result` : `${item.name}, the clip before`);
    byId("clip-side").textContent = item.job?.url ? "Result" : "Before";
  }

  function show() {
    showPlayer();
    const item = app.current;
    if (item?.kind !== "clip") return;
    const state = item.job?.state;
    const isOpen = Boolean(item.job) && !ENDED.includes(state?.status);
    bar.hidden = !isOpen;
    if (state?.status === "running" && state.progress > 0) bar.value = state.progress;
    else bar.removeAttribute("value");
    byId("clip-status").textContent = item.message === "Ready" ? "" : item.message;
    const cannot = reason(item);
    byId("clip-why").textContent = cannot;
    start.hidden = isOpen;
    start.disabled = Boolean(cannot);
    start.querySelector("span").textContent = item.job?.url ? "Make again" : "Make the clip";
    start.classList.toggle("primary", !item.job?.url);
    stop.hidden = !isOpen;
    fetchIt.hidden = !item.job?.url;
  }

  start.addEventListener("click", () => app.current && make(app.current));
  stop.addEventListener("click", () => app.current && cancel(app.current));
  fetchIt.addEventListener("click", () => download(app.current?.job));
  player.addEventListener("error", () => {
    if (player.getAttribute("src")) note("This browser cannot play the clip. It can be worked on and downloaded all the same.");
  });
  byId("clip-format").addEventListener("change", show);
  app.on("select status look engine list", show);
}

/** Why the clip cannot be made now; "" = it can. @param {import("./app.js").Item} item */
function reason(item) {
  if (!app.config.jobs) return "This server takes no clips.";
  if (app.engine?.name !== "server") return "Clips are made by the server. Turn private mode off to make one.";
  if (byId("clip-format").value === ".mp4" && isTransparent(item.look, app.effects)) {
    return "An MP4 cannot be transparent. Choose WebM or MOV, or another background.";
  }
  return lacksPicture(item.look, app.effects) ? "Choose a picture to put behind the people first." : "";
}

/** @param {import("./app.js").Item} item */
async function make(item) {
  if (item.job) void deleted(item.job);
  /** @type {ClipJob} */
  const job = { state: null, stop: new AbortController(), url: null, result: null, title: titleOf(item.look.effect) };
  item.job = job;
  item.stop.signal.addEventListener("abort", () => forget(item)); // it was taken out of the strip
  settle(item, "working", `Sending ${sizeOf(item.file.size)}`);
  try {
    const form = new FormData();
    form.append("file", item.file, item.name);
    const edit = editOf(item.look, app.effects);
    if (byId("clip-largest").checked) Object.assign(edit, { people: { which: "largest" } });
    form.append("edit", JSON.stringify(edit));
    if (byId("clip-format").value) form.append("format", byId("clip-format").value);
    if (item.look.behind) form.append("background", item.look.behind.picture, item.look.behind.name);
    const onWait = (/** @type {number} */ seconds) => settle(item, "working", `The server is busy; trying again in ${seconds} s`);
    job.state = await (await ask("/v1/jobs", { body: form, signal: job.stop.signal, onWait })).json();
    await follow(item, job);
  } catch (error) {
    if (job.stop.signal.aborted || item.job !== job) return;
    job.state = { ...job.state, status: "failed" };
    settle(item, "failed", `${item.name}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Follows a job to its end. @param {import("./app.js").Item} item @param {ClipJob} job */
async function follow(item, job) {
  for await (const state of events(`/v1/jobs/${job.state.id}/events`, job.stop.signal)) {
    job.state = state;
    if (state.status === "queued") settle(item, "working", "Waiting for its turn");
    if (state.status === "running") settle(item, "working", `${Math.round(100 * state.progress)} % done`);
  }
  if (job.state.status === "failed") throw new Error(job.state.error || job.state.message || "The clip could not be made.");
  if (job.state.status === "canceled") throw new Error("It was canceled on the server.");
  if (job.state.status !== "done" || !job.state.result) throw new Error(NO_ANSWER);
  job.url = job.state.result;
  if (app.config.key) {
    job.result = await (await ask(job.state.result, { method: "GET", signal: job.stop.signal })).blob();
    job.url = URL.createObjectURL(job.result);
  }
  settle(item, "done", "Done");
  say(`${item.name} is done.`);
}

/**
 * The events of a job, as they come. With a key they are fetched, as EventSource sends no headers.
 * @param {string} path @param {AbortSignal} signal
 * @returns {AsyncGenerator<any>}
 */
async function* events(path, signal) {
  const answer = await ask(path, { method: "GET", headers: { Accept: "text/event-stream" }, signal });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const whole = text.split(/\r?\n\r?\n/);
    text = whole.pop() ?? "";
    for (const one of whole) {
      const data = one.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim());
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

/** @param {import("./app.js").Item} item */
async function cancel(item) {
  /** @type {ClipJob|null} */
  const job = item.job;
  if (!job || ENDED.includes(job.state?.status)) return;
  job.stop.abort();
  item.job = null;
  settle(item, "done", "Ready");
  say(`${item.name}: canceled.`);
  await deleted(job);
}

/** Deletes what the server still has of a clip. @param {import("./app.js").Item} item */
async function forget({ job }) {
  job?.stop.abort();
  if (job) await deleted(job);
}

/** @param {ClipJob} job */
async function deleted({ state, result, url }) {
  if (result && url) URL.revokeObjectURL(url);
  if (state?.id) await fetch(`/v1/jobs/${state.id}`, { method: "DELETE", headers: keyHeader() }).catch(() => {});
}

/** @param {ClipJob} job */
async function download(job) {
  const name = job.state.name || "clip";
  const result = job.result ?? (await (await ask(job.state.result, { method: "GET" })).blob());
  save(result, name);
  note(`${name} was saved (${sizeOf(result.size)}).`);
}
