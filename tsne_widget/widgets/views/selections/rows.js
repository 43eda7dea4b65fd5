// Rows of the list of named selections: a button that selects, and a menu to combine, rename and delete.
import { fullCount } from "../../frontend/classes.js";
import { iconButton, popover } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";

/** @typedef {{item: HTMLElement, buttons: HTMLButtonElement[], counted: HTMLElement}} Row  buttons: one that selects, one that opens the menu */
/** @typedef {{name: string, color: string, count: number, wrong: number | undefined}} Listed  wrong: undefined if unknown */

/** @type {{action: string, text: (name: string) => string, label: string, key: string, icon?: import("../../frontend/icons.js").IconName, sign?: string}[]} */
const ACTIONS = [
  { action: "add", sign: "+", label: "Add to the selection", text: (name) => `Add ${name} to the selection`, key: "Shift" },
  { action: "subtract", sign: "−", label: "Take away from the selection", text: (name) => `Take ${name} away from the selection`, key: "Alt" },
  { action: "intersect", sign: "∩", label: "Keep what is in both", text: (name) => `Keep what is in both ${name} and the selection`, key: "Ctrl" },
  { action: "rename", icon: "edit", label: "Rename", text: (name) => `Rename ${name}`, key: "F2" },
  { action: "drop", icon: "trash", label: "Delete", text: (name) => `Delete ${name}`, key: "Del" },
];

/** @param {Listed} listed @param {(action: string) => void} act @returns {Row} */
export function makeRow({ name, color, count, wrong }, act) {
  const item = element("li");
  const pick = item.appendChild(textButton(""));
  pick.className = "tw-pick";
  pick.appendChild(element("span", "tw-swatch")).style.background = color;
  pick.append(element("span", "tw-name", name));
  const counts = pick.appendChild(element("span", "tw-small tw-muted tw-counts-of"));
  const counted = counts.appendChild(element("span"));
  const known = wrong === undefined ? "" : ` · ${wrong ? fullCount(wrong) : "none"} wrong`;
  counts.append(`${fullCount(count)}${known}`);
  const menu = iconButton(`Actions on ${name}`, "more");
  const choices = element("div");
  const { root, open } = popover(menu, choices, {
    onOpen: () => {
      choices.replaceChildren(...ACTIONS.map((one) => makeItem(name, one, () => {
        open(false);
        menu.focus();
        act(one.action);
      })));
      /** @type {HTMLElement} */ (choices.firstElementChild).focus();
      choices.scrollIntoView({ block: "nearest" });
    },
  });
  choices.addEventListener("keydown", (event) => moveInMenu(choices, event));
  item.append(root);
  return { item, buttons: [pick, menu], counted };
}

/** Show how many pictures of a row are selected. @param {Row} row @param {Listed} listed @param {number} selected */
export function showOverlap({ buttons: [pick], counted }, { name, count, wrong }, selected) {
  counted.textContent = selected ? `${fullCount(selected)} selected of ` : "";
  const parts = [name, `${fullCount(count)} pictures`, ...(wrong === undefined ? [] : [`${fullCount(wrong)} wrong`]), `${fullCount(selected)} of them selected`];
  pick.setAttribute("aria-label", `Select ${parts.join(", ")}`);
  pick.title = `Select ${parts.join("\n")}`;
}

function makeItem(/** @type {string} */ name, /** @type {typeof ACTIONS[number]} */ { sign, icon: iconName, label, text, key }, /** @type {() => void} */ act) {
  const made = textButton("", act);
  made.className = "tw-item";
  made.setAttribute("aria-label", text(name));
  const mark = made.appendChild(element("span", "tw-sign", sign ?? ""));
  if (iconName) mark.append(icon(iconName));
  made.append(element("span", "", label), element("kbd", "", key));
  return made;
}

function moveInMenu(/** @type {HTMLElement} */ choices, /** @type {KeyboardEvent} */ event) {
  const items = /** @type {HTMLElement[]} */ ([...choices.children]);
  const at = items.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  items[(to + items.length) % items.length].focus();
}
