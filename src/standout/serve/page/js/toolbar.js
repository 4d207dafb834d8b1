/** The bar of tools under the photo, and the keys that do the same. */

import { app } from "./app.js";
import { slider } from "./controls.js";
import { byId } from "./dom.js";
import { say } from "./say.js";
import { brush } from "./tools.js";

const ZOOM = 1.4;

/** @param {import("./stage.js").Stage} stage @param {import("./preview.js").Previewer} previewer */
export function addToolbar(stage, previewer) {
  const { view } = stage;
  const [undo, redo] = [byId("undo"), byId("redo")];
  const percent = byId("zoom-percent");

  /** @type {Record<string, () => void>} */
  const does = {
    in: () => view.zoom(ZOOM),
    out: () => view.zoom(1 / ZOOM),
    fit: () => view.fit(),
    pixels: () => view.zoom(1 / view.scale),
  };
  const zoom = (/** @type {string} */ what) => {
    does[what]();
    stage.moved();
    say(`${Math.round(view.scale * 100)} %`);
  };
  for (const one of Object.keys(does)) byId(`zoom-${one === "pixels" ? "percent" : one}`).addEventListener("click", () => zoom(one));

  const tools = [...document.querySelectorAll("[name=tool]")];
  for (const one of tools) one.addEventListener("change", () => app.choose(/** @type {any} */ (one).value));
  undo.addEventListener("click", () => step("undo"));
  redo.addEventListener("click", () => step("redo"));

  /** @param {"undo"|"redo"} what */
  function step(what) {
    const mask = app.current?.mask;
    if (!mask || !(what === "undo" ? mask.past : mask.future).length) return;
    mask[what]();
    app.current?.drawThumb();
    say(what === "undo" ? "Undone." : "Done again.");
  }

  const size = byId("brush-options");
  const showBrush = () =>
    size.replaceChildren(
      slider({ least: 4, most: 200, step: 2, unit: " px" }, { label: "Size", value: brush.size, onChange: (to) => { brush.size = to; stage.redraw(); } }),
      slider({ least: 0, most: 1, step: 0.05 }, { label: "Softness", value: brush.softness, onChange: (to) => (brush.softness = to) }),
    );
  showBrush();

  const before = stage.onDraw;
  stage.onDraw = () => {
    before();
    const isPhoto = app.current?.kind === "photo" && Boolean(app.current.bitmap);
    if (byId("toolbar").hidden === isPhoto) {
      byId("toolbar").hidden = !isPhoto;
      measure();
    }
    byId("updating").hidden = !(isPhoto && app.tool === "look" && previewer.isBusy);
    byId("stage").dataset.preview = previewer.isCurrent ? "current" : "old";
    percent.textContent = `${Math.round(view.scale * 100)} %`;
  };

  /** Keeps the photo clear of the bar, at once, so that it does not move under a brush. */
  const measure = () => {
    const below = byId("toolbar").offsetHeight + 4;
    if (below === view.below) return;
    view.below = below;
    if (view.isFitted) view.fit();
    stage.redraw();
  };
  new ResizeObserver(measure).observe(byId("toolbar"));

  const show = () => {
    const mask = app.isReady ? app.current?.mask : null;
    undo.disabled = !mask?.past.length;
    redo.disabled = !mask?.future.length;
    for (const one of tools) /** @type {any} */ (one).disabled = !app.isReady && /** @type {any} */ (one).value !== "look";
    size.hidden = app.tool !== "keep" && app.tool !== "erase";
    for (const one of tools) /** @type {any} */ (one).checked = /** @type {any} */ (one).value === app.tool;
    const working = app.current?.status === "working" || app.current?.status === "waiting";
    byId("working").hidden = !(working && app.current?.kind === "photo");
    byId("working-text").textContent = app.current?.message ?? "";
    const failed = app.current?.status === "failed";
    byId("failed").hidden = !failed;
    byId("failed-text").textContent = failed ? app.current?.message ?? "" : "";
    byId("failed-again").hidden = app.current?.kind !== "photo";
    measure();
  };
  app.on("select mask status tool list", show);
  app.on("select", (item) => {
    if (item?.kind !== "photo") app.choose("look");
    stage.redraw();
  });
  show();

  /** @type {Record<string, () => void>} */
  const keys = {
    v: () => app.choose("look"), b: () => app.choose("keep"), e: () => app.choose("erase"), p: () => app.choose("people"),
    "+": () => zoom("in"), "=": () => zoom("in"), "-": () => zoom("out"), 0: () => zoom("fit"), 1: () => zoom("pixels"),
    "[": () => resize(-1), "]": () => resize(1), "?": () => byId("help").showModal(),
  };
  /** @param {number} by */
  const resize = (by) => {
    brush.size = Math.min(200, Math.max(4, brush.size + by * Math.max(2, Math.round(brush.size / 10) * 2)));
    showBrush();
    stage.redraw();
  };
  addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open]") || target.closest?.("input:not([type=range], [type=radio], [type=checkbox]), select, textarea, video")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      step(event.shiftKey ? "redo" : "undo");
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") {
      event.preventDefault();
      step("redo");
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key]) {
      const isTool = ["b", "e", "p"].includes(event.key);
      if (isTool && !app.isReady) return;
      keys[event.key]();
    }
  });
}
