// The keys that work while the focus is anywhere inside the application.
import { element } from "./elements.js";

/** @typedef {{keys: string[], command: string, title: string, detail?: any}} Shortcut */

/** Keys in lower case; `mod` is Ctrl, or Cmd on a Mac. @type {Shortcut[]} */
export const SHORTCUTS = [
  { keys: ["l"], command: "lasso", title: "Lasso" },
  { keys: ["b", "r"], command: "rectangle", title: "Box" },
  { keys: ["p"], command: "pan", title: "Move the map" },
  { keys: ["z"], command: "zoom-selection", title: "Zoom to the selection" },
  { keys: ["0"], command: "reset", title: "Show the whole map" },
  { keys: ["n"], command: "labels", title: "Names of the classes" },
  { keys: ["m"], command: "mistakes", title: "Mistakes: marked, only, plain" },
  { keys: ["f"], command: "find", title: "Find pictures" },
  { keys: ["c"], command: "colour", title: "Colour" },
  { keys: ["s"], command: "sort", title: "Sort the pictures" },
  { keys: ["g"], command: "headings", title: "Group the pictures" },
  { keys: ["k"], command: "keep", title: "Keep the selection" },
  { keys: ["w"], command: "window", title: "Full window" },
  ...[1, 2, 3, 4, 5, 6].map((number) => ({ keys: [String(number)], command: "panel", title: "Panel", detail: number - 1 })),
  { keys: ["mod+z"], command: "undo", title: "Undo" },
  { keys: ["mod+shift+z", "mod+y"], command: "redo", title: "Redo" },
  { keys: ["escape"], command: "back", title: "One step back" },
  { keys: ["?"], command: "keys", title: "This list" },
];

const TEXT_FIELDS = "input:not([type=range], [type=checkbox], [type=radio], [type=button]), textarea, [contenteditable=true]";

/**
 * Run the command of a key that no view has used, and keep every key from the notebook.
 * @param {HTMLElement} root @param {import("./commands.js").Commands} commands
 */
export function listenToKeys(root, commands) {
  root.addEventListener("keydown", (event) => {
    const target = /** @type {Element | null} */ (event.composedPath()[0] instanceof Element ? event.composedPath()[0] : null);
    if (event.defaultPrevented || event.isComposing || (target?.matches(TEXT_FIELDS) && event.key !== "Escape")) return;
    if (target instanceof HTMLSelectElement && !event.ctrlKey && !event.metaKey) return;
    const pressed = nameOf(event);
    const shortcut = SHORTCUTS.find(({ keys }) => keys.includes(pressed));
    if (!shortcut || !commands.run(shortcut.command, shortcut.detail)) return;
    event.preventDefault();
  });
}

/** @param {KeyboardEvent} event */
function nameOf({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  const name = key.toLowerCase();
  if (altKey) return "";
  if (ctrlKey || metaKey) return `mod+${shiftKey ? "shift+" : ""}${name}`;
  return name;
}

/** The list of keys whose commands exist. @param {import("./commands.js").Commands} commands */
export function listOfKeys(commands) {
  const list = element("dl", "tw-keys");
  list.setAttribute("aria-label", "Keys");
  const panels = SHORTCUTS.filter(({ command }) => command === "panel");
  for (const shortcut of SHORTCUTS.filter(({ command }) => commands.has(command))) {
    if (shortcut.command === "panel") {
      if (shortcut === panels[0]) addKeys(list, ["1–6"], "Panels");
    } else addKeys(list, shortcut.keys, shortcut.title);
  }
  addKeys(list, ["shift", "alt", "ctrl"], "With a gesture: add, take away, keep both");
  return list;
}

function addKeys(/** @type {HTMLElement} */ list, /** @type {string[]} */ keys, /** @type {string} */ title) {
  const term = list.appendChild(element("dt"));
  for (const key of keys) term.append(element("kbd", "", readable(key)));
  list.append(element("dd", "", title));
}

function readable(/** @type {string} */ key) {
  const parts = key.split("+").map((part) => ({ mod: "Ctrl", escape: "Esc" })[part] ?? part.replace(/^./, (first) => first.toUpperCase()));
  return parts.join("+");
}
