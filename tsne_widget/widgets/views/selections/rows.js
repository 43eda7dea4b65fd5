// Rows of the list of named selections, with buttons to select, combine, rename and delete.
import { fullCount, shortCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";

/** @typedef {{item: HTMLElement, buttons: HTMLButtonElement[], overlap: HTMLElement}} Row */

const OPERATIONS = [
  { mode: "add", sign: "+", verb: "Add", rest: "to the selection" },
  { mode: "subtract", sign: "−", verb: "Subtract", rest: "from the selection" },
  { mode: "intersect", sign: "∩", verb: "Intersect", rest: "with the selection" },
];

/** @param {string} name @param {string} color @param {number} count @returns {Row} */
export function makeRow(name, color, count) {
  const item = element("li");
  const pick = item.appendChild(textButton(""));
  pick.className = "tw-pick";
  pick.dataset.action = "replace";
  pick.appendChild(element("span", "tw-swatch")).style.background = color;
  pick.append(element("span", "tw-name", name));
  const overlap = pick.appendChild(element("span", "tw-overlap"));
  pick.append(element("span", "tw-count", shortCount(count)));
  const others = [
    ...OPERATIONS.map(({ mode, sign, verb, rest }) => actionButton(sign, `${verb} ${name} ${rest}`, mode)),
    actionButton("✎", `Rename ${name}`, "rename"),
    actionButton("✕", `Delete ${name}`, "drop"),
  ];
  item.append(...others);
  return { item, buttons: [pick, ...others], overlap };
}

/** Show how many samples of a row are selected. @param {Row} row @param {string} name @param {number} count @param {number} selected */
export function showOverlap({ buttons: [pick], overlap }, name, count, selected) {
  overlap.textContent = selected ? shortCount(selected) : "";
  const parts = [name, `${fullCount(count)} samples`, `${fullCount(selected)} of them selected`];
  pick.setAttribute("aria-label", `Select ${parts.join(", ")}`);
  pick.title = `Select ${parts.join("\n")}`;
}

/** @type {(sign: string, label: string, action: string) => HTMLButtonElement} */
function actionButton(sign, label, action) {
  const button = textButton(sign);
  button.setAttribute("aria-label", label);
  button.title = label;
  button.dataset.action = action;
  return button;
}
