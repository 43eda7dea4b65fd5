// Fields of a state; a change calls the functions that follow the field. No DOM.

/**
 * @template {object} State
 * @param {State} state  holds the fields
 */
export function makeFields(state) {
  /** @type {Map<keyof State, (() => void)[]>} */
  const followers = new Map();

  /** Change one field and call its followers. @param {keyof State} name @param {any} value */
  function put(name, value) {
    if (state[name] === value) return;
    state[name] = value;
    for (const show of followers.get(name) ?? []) show();
  }

  /** Call a function now and whenever one of the fields changes. */
  function follow(/** @type {() => void} */ show, /** @type {(keyof State)[]} */ ...names) {
    for (const name of names) followers.set(name, [...(followers.get(name) ?? []), show]);
    show();
  }

  return { put, follow };
}
