/** Making and finding elements. */

import { PATHS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with these properties and children.
 * Names with a dash (aria-label, data-x), "for", "role" and "class" become attributes; functions become listeners
 * (onclick); all else becomes a property of the element.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node|string|null|undefined)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || ["for", "role", "class"].includes(name)) made.setAttribute(name, String(value));
    else /** @type {any} */ (made)[name] = value;
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

/** @param {string} id @returns {any} the element of that id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/** @param {string} name of icons.js @returns {SVGElement} the icon, hidden from screen readers */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  for (const shape of PATHS[name] ?? []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    made.append(path);
  }
  return made;
}

/** Puts the icons into the elements that ask for one by data-icon. */
export function addIcons(root = document) {
  for (const one of root.querySelectorAll("[data-icon]")) one.prepend(icon(one.getAttribute("data-icon") ?? ""));
}

/** @param {number} value @param {number} least @param {number} most */
export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** Whether the reader asked for less motion. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Lets the browser draw and answer before more is done. */
export const breathe = () => new Promise((resolve) => setTimeout(resolve));
