// The model of a view in an exported page: the view's traits, and handlers that answer its messages.

/**
 * @typedef {ReturnType<typeof makeModel>} Model
 */

/**
 * @param {Record<string, any>} values  by name of the trait
 * @param {Record<string, (content: any, buffers: ArrayBuffer[]) => void>} handlers  by kind of message
 */
export function makeModel(values, handlers) {
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const callbacks = new Map();

  function on(/** @type {string} */ events, /** @type {(...args: any[]) => void} */ callback) {
    for (const event of events.split(" ")) callbacks.set(event, (callbacks.get(event) ?? new Set()).add(callback));
  }

  function off(/** @type {string} */ events, /** @type {(...args: any[]) => void} */ callback) {
    for (const event of events.split(" ")) callbacks.get(event)?.delete(callback);
  }

  function call(/** @type {string} */ event, /** @type {any[]} */ ...args) {
    for (const callback of callbacks.get(event) ?? []) callback(...args);
  }

  /** Set traits, then call the listeners of those that have changed. */
  function set(/** @type {string | Record<string, any>} */ name, /** @type {any} */ value = undefined) {
    const wanted = typeof name === "string" ? { [name]: value } : name;
    const changed = Object.keys(wanted).filter((key) => values[key] !== wanted[key]);
    Object.assign(values, wanted);
    for (const key of changed) call(`change:${key}`);
  }

  return {
    get: (/** @type {string} */ name) => values[name],
    set,
    on,
    off,
    save_changes() {},
    /** Answer a message later, as a kernel does. @returns {boolean} whether an answer will come */
    send(/** @type {any} */ content, /** @type {any} */ _callbacks = undefined, /** @type {ArrayBuffer[]} */ buffers = []) {
      queueMicrotask(() => handlers[content.kind]?.(content, buffers));
      return content.kind in handlers;
    },
    reply(/** @type {any} */ content, /** @type {DataView[]} */ buffers = []) {
      call("msg:custom", content, buffers);
    },
  };
}
