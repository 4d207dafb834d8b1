/** The film strip: all photos and clips, how far they are, and what can be done with them. */

import { app } from "./app.js";
import { byId, el, icon } from "./dom.js";
import { left, remove, retry } from "./queue.js";

const SIGNS = { waiting: "", working: "", done: "check", failed: "warning" };

export function addStrip() {
  const list = byId("strip");
  /** @type {Map<number, HTMLElement>} */
  const cells = new Map();

  /** @param {import("./app.js").Item} item */
  function cellOf(item) {
    const known = cells.get(item.id);
    if (known) return known;
    const made = el("li", { class: "cell" },
      el("button", { type: "button", class: "pick", onclick: () => app.select(item) }, item.kind === "photo" ? item.thumb : icon(item.kind === "clip" ? "clip" : "warning"), el("span", { class: "sign" }), el("span", { class: "said" })),
      el("button", { type: "button", class: "round again", "aria-label": `Try ${item.name} again`, title: "Try again", onclick: () => retry(item) }, icon("retry")),
      el("button", { type: "button", class: "round gone", "aria-label": `Remove ${item.name}`, title: "Remove", onclick: () => drop(item) }, icon("close")));
    cells.set(item.id, made);
    return made;
  }

  /** Removes a photo; the focus goes on to what stands in its place. @param {import("./app.js").Item} item */
  function drop(item) {
    const at = app.items.indexOf(item);
    remove(item);
    const next = app.items[Math.min(at, app.items.length - 1)];
    const focused = next ? cellOf(next).querySelector(".pick") : byId("pick");
    /** @type {HTMLElement} */ (focused).focus();
  }

  /** @param {import("./app.js").Item} item */
  function show(item) {
    const cell = cellOf(item);
    const isCurrent = item === app.current;
    cell.dataset.status = item.status;
    cell.dataset.current = String(isCurrent);
    const pick = /** @type {HTMLElement} */ (cell.querySelector(".pick"));
    const told = item.message.startsWith(item.name) ? item.message : `${item.name}: ${item.message}`;
    pick.setAttribute("aria-label", told);
    pick.title = told;
    if (isCurrent) pick.setAttribute("aria-current", "true");
    else pick.removeAttribute("aria-current");
    const sign = SIGNS[item.status];
    cell.querySelector(".sign")?.replaceChildren(...(sign ? [icon(sign)] : []));
    const said = /** @type {HTMLElement} */ (cell.querySelector(".said"));
    said.textContent = item.status === "failed" ? "Failed" : item.status === "done" ? "" : item.message;
    /** @type {HTMLElement} */ (cell.querySelector(".again")).hidden = item.status !== "failed" || item.kind === "unknown";
  }

  function showAll() {
    const wanted = app.items.map(cellOf);
    for (const [id, cell] of cells) {
      if (wanted.includes(cell)) continue;
      cell.remove();
      cells.delete(id);
    }
    wanted.forEach((cell, at) => list.children[at] !== cell && list.insertBefore(cell, list.children[at] ?? null));
    app.items.forEach(show);
    document.body.dataset.state = app.items.length ? "loaded" : "empty";
    showProgress();
  }

  function showProgress() {
    const photos = app.items.filter((one) => one.kind === "photo");
    const open = left();
    const bar = byId("progress");
    bar.hidden = open === 0 || photos.length < 2;
    bar.querySelector("progress").value = photos.length ? 1 - open / photos.length : 1;
    bar.querySelector("span").textContent = `${photos.length - open} of ${photos.length} done`;
  }

  app.on("list select", showAll);
  app.on("status", (item) => {
    if (app.items.includes(item)) show(item);
    showProgress();
  });
  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const picks = [...list.querySelectorAll(".pick")];
    const at = picks.indexOf(/** @type {Element} */ (document.activeElement));
    if (!by || at < 0) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (picks[Math.min(picks.length - 1, Math.max(0, at + by))]).focus();
  });
}
