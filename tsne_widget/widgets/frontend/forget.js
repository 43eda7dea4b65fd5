// What ipywidgets and bqplot keep in the page of a widget that is not shown any more.

/**
 * Let go of the views of widgets and of all widgets that their traits refer to, as they are removed.
 *
 * A model's `state_change` is a promise of what it did last. Where that was to make a view, it holds
 * the view and its elements; so do the listeners of views for messages. JupyterLab keeps a model even
 * when the kernel has closed its widget.
 * @param {any} manager  of widgets
 * @param {any} start  a model, or IPY_MODEL_ and its id
 */
export async function forgetViews(manager, start) {
  const seen = new Set();
  const pending = [start];
  while (pending.length) {
    let value = pending.pop();
    if (typeof value === "string" && value.startsWith(PREFIX)) {
      const id = value.slice(PREFIX.length);
      if (!manager?.has_model?.(id)) continue; // it is closed, or none
      value = await manager.get_model(id).catch(() => null); // its class may not load here
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
 * Note what is listened for in models from now on: it goes with the last view. bqplot's views listen
 * without saying who does, and ipywidgets' `on_some_change` names the model itself; such a listener
 * holds its view for as long as there is a model.
 * @param {any[]} models  before views of them are made
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

/** Of a model's views: now, or once the last of them is removed. */
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
      view.once("remove", () => setTimeout(() => forgetViews(manager, model), 0)); // its own removal comes first
    }
  }
}

/** Whether what a view is part of is removed: tabs and bqplot's figures leave some of their views. */
async function isLeft(/** @type {any} */ view) {
  for (let whole = view.options?.parent; whole; whole = whole.options?.parent) {
    const views = await Promise.all(Object.values(whole.model?.views ?? {}));
    if (!views.includes(whole)) return true;
  }
  return false;
}
