// How the keys held during a gesture combine its samples with the selection, in every view.

/** @typedef {"replace" | "add" | "subtract" | "intersect"} Mode */

/** @param {MouseEvent | KeyboardEvent} event @returns {Mode} */
export function modeOf(event) {
  if (event.shiftKey) return "add";
  if (event.altKey) return "subtract";
  return event.ctrlKey || event.metaKey ? "intersect" : "replace";
}

/** For the tooltips of everything that can be clicked with these keys. */
export const MODES_HELP = "Shift adds, Alt subtracts, Ctrl intersects with the selection";
