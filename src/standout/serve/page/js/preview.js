/**
 * The result that is shown, made anew by the engine whenever the mask or the look has changed.
 *
 * It is made small, so that it is there soon, and larger once somebody zooms in. What was asked for and is outdated is
 * given up.
 */

import { app } from "./app.js";
import { isStill } from "./dom.js";
import { editOf, isTransparent, lacksPicture } from "./look.js";
import { note } from "./say.js";

const SIZES = [1400, 2800, 0];
const DELAY_MS = 90;
const SHARPER_MS = 350;

/** @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let last = 0;
/** @param {object|null} one a number that is the same for the same object */
function numberOf(one) {
  if (!one) return 0;
  if (!numbers.has(one)) numbers.set(one, ++last);
  return numbers.get(one);
}

/** What a result depends on. @param {import("./app.js").Item} item */
function keyOf({ mask, look }) {
  const settings = look.settings[look.effect];
  return JSON.stringify([numberOf(mask), mask?.version, look.effect, settings, look.edge, numberOf(look.behind), app.engine.name]);
}

export class Previewer {
  /** @type {AbortController|null} */
  #running = null;
  #timer = 0;
  /** What is being made, or will be soon. */
  #wanted = "";
  /** Pixels of the longer side that the stage can show. @type {() => number} */
  #seen;

  /** @param {() => number} seen */
  constructor(seen) {
    this.#seen = seen;
    app.on("look mask select status engine view", () => this.request());
  }

  /** Whether what is shown is about to be replaced. */
  isBusy = false;

  /** Whether the result that is shown is the one of the mask and the look as they are. */
  get isCurrent() {
    const { current } = app;
    return Boolean(current?.shown && app.isReady && current.shown.key === keyOf(current));
  }

  /** Makes the result anew, soon, where it is outdated or too small. */
  request() {
    if (!app.isReady || !app.current || lacksPicture(app.current.look, app.effects)) {
      this.#stop();
      return;
    }
    const item = app.current;
    const key = keyOf(item);
    const isOld = item.shown?.key !== key;
    const longest = isOld ? SIZES[0] : this.#sharper(item);
    const wanted = longest === null ? "" : `${key} ${longest}`;
    if (wanted === this.#wanted) return; // it is on its way
    this.#stop();
    if (longest === null) return;
    this.#wanted = wanted;
    this.#busy(isOld);
    this.#timer = setTimeout(() => this.#make(item, key, longest), isOld ? DELAY_MS : SHARPER_MS);
  }

  /** The next size, where that which is shown is too small; null = it will do. @param {import("./app.js").Item} item */
  #sharper(item) {
    const whole = Math.max(item.width, item.height);
    const shown = item.shown?.longest || whole;
    const wanted = Math.min(whole, this.#seen());
    if (shown >= whole || wanted <= 1.25 * shown) return null;
    return SIZES.find((size) => size > shown && size >= wanted && size < whole) ?? 0;
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    this.isBusy = isBusy;
    app.emit("shown");
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#running = null;
    this.#wanted = "";
    this.#busy(false);
  }

  /** @param {import("./app.js").Item} item @param {string} key @param {number} longest */
  async #make(item, key, longest) {
    const running = new AbortController();
    this.#running = running;
    try {
      const levels = (await /** @type {any} */ (item.mask).awake()).levels;
      const type = isTransparent(item.look, app.effects) ? "image/png" : "image/jpeg";
      const options = { type, longest, background: item.look.behind?.picture ?? null, signal: running.signal };
      const blob = await app.engine.render(item.file, levels, editOf(item.look, app.effects), options);
      const bitmap = await createImageBitmap(blob);
      if (running.signal.aborted || app.current !== item) {
        bitmap.close();
        return;
      }
      const isFirst = !item.shown;
      item.shown?.bitmap.close();
      item.shown = { bitmap, key, longest };
      this.#running = null;
      this.#wanted = "";
      this.#busy(false);
      if (isFirst && !isStill()) app.emit("reveal");
      this.request();
    } catch (error) {
      if (running.signal.aborted) return;
      this.#running = null; // what was wanted stays known, so that it is not tried again before something changes
      this.#busy(false);
      note(`${item.name}: ${error instanceof Error ? error.message : error}`, { isError: true });
    }
  }
}
