/** Choosing the picture behind the people: one of this page's backgrounds, or one's own. */

import { app } from "./app.js";
import { BACKGROUNDS, drawn } from "./backgrounds.js";
import { el, icon } from "./dom.js";

const LONG = 2400;
const QUALITY = 0.94;

/** @param {string} label */
export function gallery(label) {
  const chosen = app.shownLook.behind?.name ?? "";
  const mine = el("input", { type: "file", accept: "image/*", class: "hidden-file", tabIndex: -1, "aria-hidden": "true" });
  mine.addEventListener("change", () => {
    const file = mine.files?.[0];
    if (file) app.changeLook((look) => (look.behind = { name: file.name, picture: file }));
  });
  const own = el("button", { type: "button", class: "tile own", "aria-pressed": String(Boolean(chosen) && !BACKGROUNDS.some(({ name }) => name === chosen)), onclick: () => mine.click() },
    icon("plus"), el("span", {}, "Your own"));
  const tiles = BACKGROUNDS.map((one) => {
    const canvas = el("canvas", { width: 96, height: 72, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(drawn(one, 192, 144), 0, 0, 96, 72);
    return el("button", { type: "button", class: "tile", "data-name": one.name, "aria-pressed": String(one.name === chosen), "aria-label": one.title, title: one.title, onclick: () => use(one) }, canvas);
  });
  return el("div", { class: "control", role: "group", "aria-label": label }, el("div", { class: "tiles" }, own, ...tiles), mine);
}

/** @param {{name: string, title: string, draw: any}} background */
async function use(background) {
  const { width, height } = app.current?.width ? app.current : { width: 4, height: 3 };
  const factor = LONG / Math.max(width, height);
  const canvas = drawn(background, Math.round(width * factor), Math.round(height * factor));
  const picture = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  app.changeLook((look) => (look.behind = { name: background.name, picture }));
}

/** The first background, for who chose none yet. */
export const useFirst = () => use(BACKGROUNDS[0]);
