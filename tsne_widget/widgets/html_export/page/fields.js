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
    putAll(/** @type {Partial<State>} */ ({ [name]: value }));
  }

  /** Change fields, then call their followers. @param {Partial<State>} values */
  function putAll(values) {
    const names = /** @type {(keyof State)[]} */ (Object.keys(values)).filter((name) => state[name] !== values[name]);
    Object.assign(state, values);
    for (const show of new Set(names.flatMap((name) => followers.get(name) ?? []))) show();
  }

  /** Call a function now and whenever one of the fields changes. */
  function follow(/** @type {() => void} */ show, /** @type {(keyof State)[]} */ ...names) {
    for (const name of names) followers.set(name, [...(followers.get(name) ?? []), show]);
    show();
  }

  return { put, putAll, follow };
}
