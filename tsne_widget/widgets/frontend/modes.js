// What the keys held during a click mean, everywhere: as for a lasso on the map.

/** How what is clicked meets what is selected. @param {MouseEvent | KeyboardEvent} event */
export function modeOf(event) {
  if (event.shiftKey) return "add";
  if (event.altKey) return "subtract";
  return event.ctrlKey || event.metaKey ? "intersect" : "replace";
}

/** For the tooltips of what can be clicked like that. */
export const MODES_HELP = "Shift adds, Alt subtracts, Ctrl keeps only these of what is selected";
