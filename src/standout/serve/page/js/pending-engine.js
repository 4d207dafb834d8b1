/**
 * Stands in for an engine that is still being loaded: what is asked of it waits, and no other engine is asked instead.
 *
 * So from the moment in which somebody switches private mode on, no photo is sent, however long loading takes.
 */
export class PendingEngine {
  formats = [];

  /** @param {string} name @param {Promise<any>} engine */
  constructor(name, engine) {
    this.name = name;
    this.engine = engine;
    engine.catch(() => {}); // whoever waits is told
  }

  /** @param {any[]} given */
  async segment(...given) {
    return (await this.engine).segment(...given);
  }

  /** @param {any[]} given */
  async render(...given) {
    return (await this.engine).render(...given);
  }
}
