// What ipywidgets and bqplot keep in the page of a widget that is not shown any more.

/**
 * Let go of the views of widgets and of all widgets that their traits refer to, as they are removed.
 *
 * A model's `state_change` is a promise of what it did last. Where that was to make a view, it holds
 * the view and its elements; so do the listeners of views for messages. JupyterLab keeps a model even
 * when the kernel has closed its widget.
 * @param {any} manager  of widgets
 * @param {any} start  a model, or IPY_MODEL_ and its id
 * @param {any} gone  a view that is removed: bqplot leaves some views that are part of it
 */
export async function forgetViews(manager, start, gone = null) {
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
      letGo(value, gone);
      pending.push(...Object.values(value.attributes));
    } else if (Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype)) {
      for (const one of Object.values(value)) pending.push(one);
    }
  }
}

const PREFIX = "IPY_MODEL_";

/** Of a model's views: now, or once the last of them is removed. */
async function letGo(/** @type {any} */ model, /** @type {any} */ gone) {
  model.state_change = model.state_change.then(() => {});
  const views = Object.entries(model.views ?? {});
  if (!views.length) model.off("msg:custom");
  for (const [id, made] of views) {
    const view = await made;
    if (model.views && id in model.views) {
      view.once("remove", () => letGo(model, null));
      if (gone && isPart(view, gone)) view.remove();
    } else letGo(model, null);
  }
}

function isPart(/** @type {any} */ view, /** @type {any} */ whole) {
  for (let one = view.options?.parent; one; one = one.options?.parent) if (one === whole) return true;
  return false;
}
