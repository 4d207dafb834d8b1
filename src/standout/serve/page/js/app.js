/**
 * What the parts of the page share, and what they tell each other.
 *
 *   list      the film strip changed                 select    another photo is looked at
 *   status    a photo's status changed (the photo)   look      a look changed
 *   mask      the mask of the photo changed          shown     its result, or what is drawn of it, changed
 *   tool      another tool was chosen                engine    another engine does the work
 *   view      it was zoomed or moved                 theme     it is light or dark now
 *   reveal    the first result of a photo is there
 */

import { Emitter } from "./events.js";
import { copied, freshLook } from "./look.js";

/** @typedef {import("./photo.js").Item} Item */
/** @typedef {import("./look.js").Look} Look */
/** @typedef {"look"|"keep"|"erase"|"people"} Tool */

class App extends Emitter {
  /** What /config.json says. @type {any} */
  config = {};
  /** @type {any} */
  engine = null;
  /** @type {import("./look.js").Effect[]} */
  effects = [];
  /** @type {Item[]} */
  items = [];
  /** @type {Item|null} */
  current = null;
  /** @type {Tool} */
  tool = "look";
  /** The look that new photos get. @type {Look|null} */
  look = null;
  /** Whether a change of the look is made to all photos. */
  isShared = true;

  /** @param {any} engine */
  async use(engine) {
    const effects = await engine.effects();
    this.engine = engine;
    this.effects = effects;
    const fresh = freshLook(effects);
    for (const holder of [this, ...this.items]) {
      const old = /** @type {Look|null} */ (holder.look);
      const effect = effects.some((/** @type {any} */ one) => one.name === old?.effect) ? old?.effect : fresh.effect;
      holder.look = old ? { ...old, effect: effect ?? fresh.effect, settings: { ...fresh.settings, ...old.settings } } : copied(fresh);
    }
    this.emit("engine");
    this.emit("look");
  }

  /** The look that the controls show. @returns {Look} */
  get shownLook() {
    return /** @type {Look} */ (this.current?.look ?? this.look);
  }

  /** Changes the look of the photo, and of all others where they share it. @param {(look: Look) => void} change */
  changeLook(change) {
    const holders = this.isShared || !this.current ? [this, ...this.items] : [this.current];
    for (const holder of holders) if (holder.look) change(holder.look);
    this.emit("look");
  }

  /** A look for a new photo. */
  newLook() {
    return copied(/** @type {Look} */ (this.look));
  }

  /** @param {Item|null} item */
  select(item) {
    if (item === this.current) return;
    this.current = item;
    this.emit("select", item);
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this.emit("tool", tool);
  }

  /** Whether the photo's people are known, so that it can be worked on. */
  get isReady() {
    return this.current?.kind === "photo" && this.current.status === "done" && Boolean(this.current.bitmap);
  }
}

export const app = new App();
