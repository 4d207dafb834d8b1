/** Controls made of settings, as GET /v1/effects lists them. */

import { el } from "./dom.js";

/** @typedef {import("./look.js").Setting} Setting */
/** @typedef {{label: string, value: any, onChange: (value: any) => void}} Wired */

let count = 0;
const newId = () => `control-${++count}`;

/**
 * The control of a setting; its kind decides what it is. A setting of the kind "file" has none here, see gallery.js.
 * @param {Setting} setting @param {Wired} wired
 * @returns {HTMLElement|null}
 */
export function controlOf(setting, wired) {
  if (setting.kind === "number" || setting.kind === "integer") return setting.most === null ? number(setting, wired) : slider(setting, wired);
  if (setting.kind === "switch") return toggle(setting.help, wired);
  if (setting.kind === "choice") return choice(setting, wired);
  if (setting.kind === "color") return color(setting, wired);
  return setting.kind === "text" ? text(setting, wired) : null;
}

/** @param {string} id @param {string} help */
const hint = (id, help) => el("p", { id, class: "hint" }, help);

/**
 * A slider with its value beside it.
 * @param {{help?: string, least: number|null, most: number|null, kind?: string, unit?: string, step?: number}} setting @param {Wired} wired
 */
export function slider({ help = "", least, most, kind = "number", unit = "", step }, { label, value, onChange }) {
  const [id, about] = [newId(), newId()];
  const [low, high] = [least ?? 0, most ?? 1];
  const by = step ?? (kind === "integer" ? 1 : Math.max(0.001, Number(((high - low) / 100).toPrecision(1))));
  const digits = Math.max(0, -Math.floor(Math.log10(by)));
  const shown = el("output", { for: id });
  const input = el("input", { type: "range", id, min: low, max: high, step: by, "aria-describedby": help ? about : undefined });
  input.value = String(value);
  const tell = () => {
    shown.textContent = `${Number(input.value).toFixed(Number.isInteger(by) ? 0 : digits)}${unit}`;
    input.setAttribute("aria-valuetext", shown.textContent);
    input.style.setProperty("--share", String((Number(input.value) - low) / (high - low)));
  };
  input.addEventListener("input", () => {
    tell();
    onChange(Number(input.value));
  });
  tell();
  return el("div", { class: "control" }, el("div", { class: "row" }, el("label", { for: id }, label), shown), input, help ? hint(about, help) : null);
}

/** A number without a largest value. @param {Setting} setting @param {Wired} wired */
function number({ help, least, kind }, { label, value, onChange }) {
  const [id, about] = [newId(), newId()];
  const input = el("input", { type: "number", id, step: kind === "integer" ? 1 : "any", "aria-describedby": about });
  if (least !== null) input.min = least;
  input.value = String(value);
  input.addEventListener("input", () => input.validity.valid && input.value !== "" && onChange(Number(input.value)));
  return el("div", { class: "control" }, el("label", { for: id }, label), input, hint(about, help));
}

/** @param {string} help @param {Wired} wired */
export function toggle(help, { label, value, onChange }) {
  const [id, about] = [newId(), newId()];
  const input = el("input", { type: "checkbox", role: "switch", id, checked: Boolean(value), "aria-describedby": help ? about : undefined });
  input.addEventListener("change", () => onChange(input.checked));
  return el("div", { class: "control" }, el("div", { class: "row" }, el("label", { for: id }, label), input), help ? hint(about, help) : null);
}

/** @param {Setting} setting @param {Wired} wired */
function choice({ help, choices }, { label, value, onChange }) {
  const [id, about] = [newId(), newId()];
  const options = choices.map((one) => el("option", { value: String(one), selected: one === value }, String(one)));
  const input = el("select", { id, "aria-describedby": about }, ...options);
  input.addEventListener("change", () => onChange(choices[input.selectedIndex]));
  return el("div", { class: "control" }, el("label", { for: id }, label), input, hint(about, help));
}

/** @param {Setting} setting @param {Wired} wired */
function text({ help }, { label, value, onChange }) {
  const [id, about] = [newId(), newId()];
  const input = el("input", { type: "text", id, value: value ?? "", "aria-describedby": about });
  input.addEventListener("input", () => onChange(input.value));
  return el("div", { class: "control" }, el("label", { for: id }, label), input, hint(about, help));
}

const SWATCHES = [
  ["White", "#ffffff"], ["Light gray", "#e8eaee"], ["Black", "#111114"], ["Sky", "#bfe0ff"], ["Blue", "#2f6fed"],
  ["Mint", "#bff0d8"], ["Sand", "#f0e2c8"], ["Rose", "#ffd5dc"],
];

/** A color: swatches, a picker, and a field for its name or code. @param {Setting} setting @param {Wired} wired */
function color({ help, optional }, { label, value, onChange }) {
  const [id, about, group] = [newId(), newId(), newId()];
  const field = el("input", { type: "text", id, spellcheck: false, "aria-describedby": about, placeholder: optional ? "none" : "#ffffff" });
  const picker = el("input", { type: "color", "aria-label": `${label}: picker` });
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  const show = (/** @type {string|null} */ now) => {
    picker.value = hexOf(now ?? "") ?? "#ffffff";
    for (const one of buttons) one.setAttribute("aria-pressed", String((one.dataset.color || null) === (now ? hexOf(now) : null)));
  };
  const set = (/** @type {string|null} */ now) => {
    field.value = now ?? "";
    field.removeAttribute("aria-invalid");
    show(now);
    onChange(now);
  };
  buttons = SWATCHES.map(([name, code]) => {
    const made = el("button", { type: "button", class: "swatch", "data-color": code, "aria-label": name, title: name, onclick: () => set(code) });
    made.style.setProperty("--color", code);
    return made;
  });
  if (optional) buttons.unshift(el("button", { type: "button", class: "swatch none", "data-color": "", "aria-label": "No color", title: "No color", onclick: () => set(null) }));
  field.value = value ?? "";
  field.addEventListener("input", () => {
    const typed = field.value.trim();
    const isGood = typed ? hexOf(typed) !== null : optional;
    field.setAttribute("aria-invalid", String(!isGood));
    if (!isGood) return;
    show(typed || null);
    onChange(typed || null);
  });
  picker.addEventListener("input", () => set(picker.value));
  show(value);
  return el("div", { class: "control", role: "group", "aria-labelledby": group },
    el("label", { id: group, for: id }, label),
    el("div", { class: "swatches" }, ...buttons),
    el("div", { class: "row" }, picker, field), hint(about, help));
}

/** The hex code of a color's name or code; null for what is no color. @param {string} text */
export function hexOf(text) {
  if (!text || !CSS.supports("color", text)) return null;
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  if (!context) return null;
  context.fillStyle = text;
  return /^#[0-9a-f]{6}$/.test(context.fillStyle) ? context.fillStyle : null;
}
