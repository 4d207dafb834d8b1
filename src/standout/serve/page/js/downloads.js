/** Saving: one result, all of them, to the clipboard, and corrections for training. */

import { app } from "./app.js";
import { byId, el } from "./dom.js";
import { FORMATS, sizeOf } from "./kinds.js";
import { isTransparent } from "./look.js";
import { corrected, trainingPairs } from "./pairs.js";
import { allResults, bestType, finished, resultOf, resultStem, save } from "./results.js";
import { note } from "./say.js";

export function addDownloads() {
  const format = byId("format");
  const one = byId("download");
  const all = byId("download-all");
  const copy = byId("copy");
  const pairs = byId("save-pairs");
  const status = byId("saving");
  const cancel = byId("saving-cancel");
  /** @type {AbortController|null} */
  let running = null;

  const typeOf = (/** @type {import("./app.js").Item} */ item) => format.value || bestType(item.look);

  /** Does one thing at a time, which can be canceled, and tells how it went. @param {string} text @param {(signal: AbortSignal) => Promise<string>} work what it returns is told at the end */
  async function busy(text, work) {
    if (running) return;
    running = new AbortController();
    status.textContent = text;
    show();
    try {
      note(await work(running.signal));
    } catch (error) {
      if (!running.signal.aborted) note(`${error instanceof Error ? error.message : error}`, { isError: true });
    } finally {
      running = null;
      status.textContent = "";
      show();
    }
  }

  function show() {
    const isBusy = running !== null;
    const isReady = Boolean(app.isReady);
    byId("saving-row").hidden = !isBusy;
    one.disabled = copy.disabled = isBusy || !isReady;
    all.hidden = finished().length < 2;
    all.disabled = isBusy;
    all.querySelector("span").textContent = `Download all ${finished().length} as a ZIP`;
    pairs.disabled = isBusy || !corrected().length;
    const isWhite = format.value === "image/jpeg" && app.current && isTransparent(app.current.look, app.effects);
    byId("format-note").textContent = isWhite ? "JPEG knows no transparency: the background becomes white." : "";
    if (app.current) byId("format-auto").textContent = `Automatic (${FORMATS[bestType(app.current.look)].title})`;
  }

  one.addEventListener("click", () => busy("Making the photo at full size …", async (signal) => {
    const item = /** @type {import("./app.js").Item} */ (app.current);
    const type = typeOf(item);
    const version = item.mask?.version ?? 0;
    const blob = await resultOf(item, type, signal);
    const name = `${resultStem(item)}.${FORMATS[type].suffix}`;
    save(blob, name);
    item.savedVersion = version;
    return `${name} was saved (${sizeOf(blob.size)}).`;
  }));

  all.addEventListener("click", () => busy("Making all photos …", async (signal) => {
    const versions = finished().map((item) => ({ item, version: item.mask?.version ?? 0 }));
    const onStep = (/** @type {number} */ done, /** @type {number} */ total) => (status.textContent = `Making photo ${done + 1} of ${total} …`);
    save(await allResults(typeOf, { signal, onStep }), "standout.zip");
    for (const { item, version } of versions) item.savedVersion = version;
    return `${versions.length} photos were saved in standout.zip.`;
  }));

  copy.addEventListener("click", () => busy("Making the photo to copy …", async (signal) => {
    if (!navigator.clipboard?.write) throw new Error("This browser copies pictures only from pages with a secure address. Download the photo instead.");
    const blob = resultOf(/** @type {import("./app.js").Item} */ (app.current), "image/png", signal);
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "The photo was copied.";
  }));

  pairs.addEventListener("click", () => busy("Packing the corrected photos …", async () => {
    const items = corrected().map((item) => ({ item, version: item.mask?.version ?? 0 }));
    save(await trainingPairs(), "standout-pairs.zip");
    for (const { item, version } of items) item.savedVersion = version;
    return `${items.length} corrected ${items.length === 1 ? "photo was" : "photos were"} saved in standout-pairs.zip.`;
  }));

  cancel.addEventListener("click", () => running?.abort());
  format.addEventListener("change", show);
  app.on("engine", () => {
    const chosen = format.value;
    const options = app.engine.formats.map((/** @type {string} */ type) => el("option", { value: type }, FORMATS[type]?.title ?? type));
    format.replaceChildren(el("option", { value: "", id: "format-auto" }, "Automatic"), ...options);
    format.value = app.engine.formats.includes(chosen) ? chosen : "";
    show();
  });
  app.on("list select status look mask", show);
  addEventListener("beforeunload", (event) => {
    if (app.items.some((item) => item.isUnsaved)) event.preventDefault();
  });
}
