/** What the page tells: short notes that everybody sees, and that screen readers read out. */

import { byId, el, icon } from "./dom.js";

const SHOWN_MS = 6000;

/** Reads a text out, politely; the same text is read again. @param {string} text */
export function say(text) {
  const live = byId("live");
  live.textContent = live.textContent === text ? `${text}\u00a0` : text;
}

/**
 * Shows a note, which is read out.
 * @param {string} text
 * @param {{isError?: boolean}} [options] an error stays until it is closed
 */
export function note(text, { isError = false } = {}) {
  const place = byId("notes");
  const made = el("div", { class: isError ? "note error" : "note", role: isError ? "alert" : "status" },
    icon(isError ? "warning" : "check"), el("p", {}, text));
  const leave = () => made.remove();
  made.append(el("button", { class: "plain round", type: "button", "aria-label": "Close this note", onclick: leave }, icon("close")));
  for (const old of [...place.children].slice(0, -2)) old.remove();
  place.append(made);
  if (!isError) setTimeout(leave, SHOWN_MS);
}
