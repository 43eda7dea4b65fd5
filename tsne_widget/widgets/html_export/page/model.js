// What a view talks to in a shared page, in place of a widget's model and the kernel behind it.

/**
 * @typedef {ReturnType<typeof makeModel>} Model
 */

/**
 * @param {Record<string, any>} values  of the traits
 * @param {Record<string, (content: any, buffers: ArrayBuffer[]) => void>} handlers  by a message's kind
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

  /** Change traits: all of them, and then who listens to any of them is called. */
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
    /** Answered after the view is done with what it is doing, as by a kernel. */
    send(/** @type {any} */ content, /** @type {any} */ _callbacks = undefined, /** @type {ArrayBuffer[]} */ buffers = []) {
      queueMicrotask(() => handlers[content.kind]?.(content, buffers));
    },
    reply(/** @type {any} */ content, /** @type {DataView[]} */ buffers = []) {
      call("msg:custom", content, buffers);
    },
  };
}
