// What ipywidgets keeps in the page of a widget that is not shown any more.

/**
 * Let go of the views of a widget and of all widgets that its traits refer to.
 *
 * A model's `state_change` is a promise of what it did last. Where that was to make a view, it holds
 * the view and its elements for as long as the kernel does not close the widget, though the view is
 * removed; one that resolves to nothing takes its place, as after any change of a trait.
 * @param {any} manager  of widgets
 * @param {string} id  of the widget's model
 */
export async function forgetViews(manager, id) {
  const seen = new Set();
  /** @type {any[]} */
  const pending = [PREFIX + id];
  while (pending.length) {
    let value = pending.pop();
    if (typeof value === "string" && value.startsWith(PREFIX)) {
      const named = value.slice(PREFIX.length);
      if (!manager?.has_model?.(named)) continue; // it is closed, or none
      value = await manager.get_model(named).catch(() => null); // its class may not load here
    }
    if (value?.state_change) {
      if (seen.has(value)) continue;
      seen.add(value);
      value.state_change = value.state_change.then(() => {});
      pending.push(...Object.values(value.attributes));
    } else if (Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype)) {
      for (const one of Object.values(value)) pending.push(one);
    }
  }
}

const PREFIX = "IPY_MODEL_";
