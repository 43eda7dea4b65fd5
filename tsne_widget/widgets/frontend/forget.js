// Releases what ipywidgets and bqplot keep of a widget that has left the page.

/**
 * Release the removed views of a widget and of all widgets that its traits refer to.
 *
 * A model's `state_change` is the promise of its last action. If that action made a view, the promise
 * keeps the view and its elements alive. So do the views' listeners for messages. JupyterLab keeps a
 * model even after the kernel has closed its widget.
 * @param {any} manager  the widget manager
 * @param {any} start  a model, or "IPY_MODEL_" and the id of a model
 */
export async function forgetViews(manager, start) {
  const seen = new Set();
  const pending = [start];
  while (pending.length) {
    let value = pending.pop();
    if (typeof value === "string" && value.startsWith(PREFIX)) {
      const id = value.slice(PREFIX.length);
      if (!manager?.has_model?.(id)) continue; // closed, or not a model
      value = await manager.get_model(id).catch(() => null); // its class may fail to load
    }
    if (value?.state_change) {
      if (seen.has(value)) continue;
      seen.add(value);
      letGo(manager, value);
      pending.push(...Object.values(value.attributes));
    } else if (Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype)) {
      for (const one of Object.values(value)) pending.push(one);
    }
  }
}

const PREFIX = "IPY_MODEL_";

/**
 * Record the listeners that are added to models from now on; they are removed with the last view.
 * bqplot's views listen without a context, and ipywidgets' `on_some_change` passes the model as the
 * context, so removing a view does not remove them. Such a listener keeps its view alive as long as
 * the model exists.
 * @param {any[]} models  models that have no views yet
 */
export function noteListeners(models) {
  for (const model of models) {
    if (model.twListeners) continue;
    model.twListeners = [];
    const { on } = model;
    model.on = (/** @type {any[]} */ ...heard) => {
      model.twListeners.push(heard);
      return on.apply(model, heard);
    };
  }
}

/** Release a model's views, now or once the last one is removed. */
async function letGo(/** @type {any} */ manager, /** @type {any} */ model) {
  model.state_change = model.state_change.then(() => {});
  const views = Object.entries(model.views ?? {});
  if (!views.length) {
    model.off("msg:custom");
    for (const [name, callback, context] of model.twListeners?.splice(0) ?? []) model.off(name, callback, context);
  }
  for (const [id, made] of views) {
    const view = await made;
    if (!model.views || !(id in model.views)) {
      letGo(manager, model);
    } else if (await isLeft(view)) {
      view.once("remove", () => letGo(manager, model));
      view.remove();
    } else if (!view.twAwaited) {
      view.twAwaited = true;
      view.once("remove", () => setTimeout(() => forgetViews(manager, model), 0)); // after its own removal
    }
  }
}

/** Whether a view or its parent is removed: tabs and bqplot's figures do not remove all of their views. */
async function isLeft(/** @type {any} */ view) {
  for (let whole = view.options?.parent; whole; whole = whole.options?.parent) {
    const views = await Promise.all(Object.values(whole.model?.views ?? {}));
    if (!views.includes(whole)) return true;
  }
  return false;
}
