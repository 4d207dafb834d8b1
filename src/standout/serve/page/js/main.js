/** Brings the parts of the page together. */

import { app } from "./app.js";
import { addClips } from "./clips.js";
import { addCompare } from "./compare.js";
import { addIcons, byId } from "./dom.js";
import { addDownloads } from "./downloads.js";
import { NO_ANSWER, onKeyNeeded, pause, whereabouts } from "./http.js";
import { addIntake } from "./intake.js";
import { addPanel } from "./panel.js";
import { PendingEngine } from "./pending-engine.js";
import { Previewer } from "./preview.js";
import { again, giveUp, retry } from "./queue.js";
import { note } from "./say.js";
import { create } from "./server-engine.js";
import { Stage } from "./stage.js";
import { addStrip } from "./strip.js";
import { addToolbar } from "./toolbar.js";
import { addTools } from "./tools.js";

const RETRY_MS = 3000;
const PRIVATE = new URL("../private/", import.meta.url);

addIcons();
export const stage = new Stage();
const tools = addTools(stage);
addCompare(stage);
const previewer = new Previewer(() => Math.max(app.current?.width ?? 0, app.current?.height ?? 0) * stage.view.scale * devicePixelRatio);
addToolbar(stage, previewer);
addPanel(tools);
addStrip();
addDownloads();
addClips();
addIntake();
byId("failed-again").addEventListener("click", () => app.current && retry(app.current));
new MutationObserver(() => app.emit("theme")).observe(document.documentElement, { attributeFilter: ["data-theme"] });

for (const one of document.querySelectorAll("[data-opens]")) {
  one.addEventListener("click", () => byId(/** @type {HTMLElement} */ (one).dataset.opens ?? "").showModal());
}
for (const one of document.querySelectorAll("dialog [data-closes]")) one.addEventListener("click", () => one.closest("dialog")?.close());

onKeyNeeded(async (isWrong) => {
  const dialog = byId("key");
  const field = byId("key-field");
  byId("key-wrong").hidden = !isWrong;
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  field.focus();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "use" ? field.value.trim() || null : null;
});

/** What the server says of itself; while there is no answer, it is asked again. */
async function configuration() {
  for (let isTold = false; ; ) {
    try {
      const answer = await fetch("config.json", { cache: "no-cache" });
      if (answer.ok) return answer.json();
    } catch {
      // told below
    }
    if (!isTold) note(NO_ANSWER, { isError: true });
    isTold = true;
    await pause(RETRY_MS);
  }
}

/** @param {boolean} isPrivate */
async function engine(isPrivate) {
  const make = isPrivate ? (await import(new URL("engine.js", PRIVATE).href)).create : create;
  return make(app.config);
}

/** Has the work done by the server, or in this browser, which sends nothing from now on. @param {boolean} isPrivate */
async function choose(isPrivate) {
  const box = byId("private");
  box.disabled = true;
  document.body.dataset.engine = "loading";
  try {
    const made = engine(isPrivate);
    if (isPrivate) {
      app.engine = new PendingEngine("private", made);
      again();
    }
    await app.use(await made);
    if (isPrivate) void keepPrivate();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    note(isPrivate ? `Private mode cannot be used: ${why}` : why, { isError: true });
    if (isPrivate) giveUp("It was not sent: private mode cannot be used here. Try again to have the server do it.");
    if (isPrivate && app.config.server) await choose(false);
    else if (!app.engine) setTimeout(() => choose(false), RETRY_MS);
  }
  document.body.dataset.engine = app.effects.length ? app.engine.name : "none";
  box.disabled = !app.config.server || !app.config.private;
  box.checked = app.engine?.name === "private";
}

/** Has the files of private mode kept for when there is no server; workers load most of them, so the engine names them. */
async function keepPrivate() {
  const keep = app.engine.files.map((/** @type {string} */ url) => new URL(url).pathname);
  const worker = await navigator.serviceWorker?.ready;
  worker?.active?.postMessage({ keep });
}

app.config = await configuration();
for (const one of document.querySelectorAll("[data-if]")) {
  /** @type {HTMLElement} */ (one).hidden = !app.config[/** @type {HTMLElement} */ (one).dataset.if ?? ""];
}
byId("where").textContent = whereabouts(location.hostname, app.config.server);
byId("version").textContent = app.config.version;
byId("private").addEventListener("change", () => choose(byId("private").checked));
await choose(!app.config.server);
navigator.serviceWorker?.register(`sw.js?version=${encodeURIComponent(app.config.version)}`).catch(() => {});
document.body.dataset.ready = "true";
