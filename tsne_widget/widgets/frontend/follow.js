// Follows the traits of a view's model until the view is released.

/**
 * Listen to events of a model.
 * @param {import("./kernel.js").ViewModel} model
 * @param {[events: string, callback: (...args: any[]) => void][]} listeners
 * @returns {() => void}  removes the listeners
 */
export function follow(model, listeners) {
  for (const [events, callback] of listeners) model.on(events, callback);
  return () => {
    for (const [events, callback] of listeners) model.off(events, callback);
  };
}

/** Names of change events of traits. @param {string[]} names */
export function changesOf(...names) {
  return names.map((name) => `change:${name}`).join(" ");
}

/**
 * A function that runs another one once after the current task, however often it is called:
 * several traits change in one message.
 * @param {() => void} run
 */
export function once(run) {
  let isPending = false;
  return () => {
    if (isPending) return;
    isPending = true;
    queueMicrotask(() => {
      isPending = false;
      run();
    });
  };
}
