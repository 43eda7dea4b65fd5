// Modes: how a gesture combines samples with the selection, by the modifier keys held.

/** @typedef {"replace" | "add" | "subtract" | "intersect"} Mode */

/** @param {MouseEvent | KeyboardEvent} event @returns {Mode} */
export function modeOf(event) {
  if (event.shiftKey) return "add";
  if (event.altKey) return "subtract";
  return event.ctrlKey || event.metaKey ? "intersect" : "replace";
}

/** Sentence for tooltips of everything that accepts these keys. */
export const MODES_HELP = "Shift adds, Alt subtracts, Ctrl intersects with the selection";
