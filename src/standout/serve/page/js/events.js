/** Who wants to know of what happens. */

export class Emitter {
  /** @type {Map<string, Set<Function>>} */
  #listeners = new Map();

  /** Calls the function whenever that happens. @param {string} name @param {(detail: any) => void} listener */
  on(name, listener) {
    for (const one of name.split(" ")) {
      if (!this.#listeners.has(one)) this.#listeners.set(one, new Set());
      this.#listeners.get(one)?.add(listener);
    }
  }

  /** @param {string} name @param {any} [detail] */
  emit(name, detail) {
    for (const one of this.#listeners.get(name) ?? []) one(detail);
  }
}
