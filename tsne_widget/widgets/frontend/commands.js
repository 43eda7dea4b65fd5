// Commands: what keys and menus can do. Each view adds its own; a command without a view does nothing.

/** @typedef {(detail?: any) => void} Act */

export class Commands {
  /** @type {Map<string, Act[]>} */
  #acts = new Map();

  /**
   * Add what a command does. Views of the same kind, such as two maps, all take part.
   * @param {string} name @param {Act} act
   * @returns {() => void}  removes it
   */
  add(name, act) {
    this.#acts.set(name, [...(this.#acts.get(name) ?? []), act]);
    return () => this.#acts.set(name, (this.#acts.get(name) ?? []).filter((one) => one !== act));
  }

  /** @param {string} name */
  has(name) {
    return Boolean(this.#acts.get(name)?.length);
  }

  /** @param {string} name @param {any} [detail] @returns {boolean}  whether any view has the command */
  run(name, detail) {
    for (const act of this.#acts.get(name) ?? []) act(detail);
    return this.has(name);
  }
}
