// Keeps the keys pressed in a view away from the notebook around it.

/**
 * Keep key events inside an element. JupyterLab listens in the capture phase, before the element, and
 * skips elements that have this attribute. Other notebooks listen on an outer element, which the event
 * does not reach.
 * @param {HTMLElement} root
 */
export function keepKeys(root) {
  root.dataset.lmSuppressShortcuts = "true";
  for (const kind of ["keydown", "keypress", "keyup"]) root.addEventListener(kind, (event) => event.stopPropagation());
}

/** Whether a modifier other than Shift is held. @param {KeyboardEvent | MouseEvent} event */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}
