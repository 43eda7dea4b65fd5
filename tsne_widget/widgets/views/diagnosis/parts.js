// Parts of the diagnosis: the bar of causes, the meters of the map, the numbers.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";

/**
 * @typedef {{name: string, title: string, rule: string, count: number}} Cause
 * @typedef {{title: string, meaning: string, value: number, whole: number | null}} Meter
 * @typedef {{title: string, points_to: string, meaning: string, selected: string, whole: string, lacking: string}} Finding
 * @typedef {(name: string, event: MouseEvent) => void} Choose
 */

/**
 * One bar, divided by cause, and a legend of buttons.
 * @param {Cause[]} causes @param {Choose} choose
 */
export function causesBar(causes, choose) {
  const root = element("div");
  const total = causes.reduce((sum, { count }) => sum + count, 0);
  const bar = root.appendChild(element("div", "tw-stack"));
  bar.setAttribute("aria-hidden", "true"); // the legend has the same numbers
  const legend = root.appendChild(element("div", "tw-causes"));
  causes.forEach(({ name, title, rule, count }, k) => {
    const part = bar.appendChild(element("i", `tw-cause-${name}`));
    part.style.flexGrow = String(count);
    const made = legend.appendChild(textButton("", (event) => choose(name, event)));
    made.title = `${rule} Click to select them. ${MODES_HELP}`;
    const counted = k ? fullCount(count) : `${fullCount(count)} of ${fullCount(total)}`;
    made.append(element("i", `tw-dot tw-cause-${name}`), element("b", "", counted), ` ${title}`);
  });
  return root;
}

/** @param {Meter[]} meters */
export function trustMeters(meters) {
  const root = element("div", "tw-trust");
  for (const { title, meaning, value, whole } of meters) {
    const name = root.appendChild(element("span", "tw-muted", title));
    name.title = meaning;
    const bar = root.appendChild(element("span", "tw-meter"));
    bar.appendChild(element("i")).style.width = `${100 * value}%`;
    if (whole !== null) bar.appendChild(element("u")).style.left = `${100 * whole}%`;
    root.append(element("span", "", value.toFixed(2)));
  }
  return root;
}

/** Every number, with what it means on a line of its own. @param {Finding[]} findings @param {boolean} hasSelection */
export function numbersTable(findings, hasSelection) {
  const table = element("table");
  const head = table.appendChild(element("thead")).appendChild(element("tr"));
  head.append(element("td"), ...["selected", "all"].slice(hasSelection ? 0 : 1).map((text) => {
    const cell = element("th", "tw-number", text);
    cell.scope = "col";
    return cell;
  }));
  for (const { title, points_to: pointsTo, meaning, selected, whole, lacking } of findings) {
    const body = table.appendChild(element("tbody"));
    const row = body.appendChild(element("tr"));
    const name = row.appendChild(element("th", "", title));
    name.scope = "row";
    row.append(...(hasSelection ? [selected, whole] : [whole]).map((text) => element("td", "tw-number", text || "–")));
    const more = body.appendChild(element("tr")).appendChild(element("td", "tw-muted", lacking || `Points to ${pointsTo}. ${meaning}`));
    more.colSpan = hasSelection ? 3 : 2;
  }
  return table;
}
