// Parts of the diagnosis: the bar of causes, the contrasts, the meters of the map, the numbers.
import { fullCount } from "../../frontend/classes.js";
import { element, svgElement, textButton } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";

/**
 * @typedef {{name: string, title: string, rule: string, count: number}} Cause
 * @typedef {{name: string, words: string, numbers: string, title: string, curves: number[][], marks: number[]}} Contrast
 *   curves of the mistakes and of the others; marks: their medians, 0 … 1
 * @typedef {{title: string, meaning: string, value: number, whole: number | null}} Meter
 * @typedef {{title: string, points_to: string, meaning: string, selected: string, whole: string, lacking: string}} Finding
 * @typedef {(name: string, event: MouseEvent) => void} Choose
 */

const [WIDTH, HEIGHT, FOOT] = [132, 34, 7]; // pixels of a pair of curves; the marks are in the foot

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

/** What differs, its numbers and both distributions. @param {Contrast} contrast @param {Choose} choose */
export function contrastRow({ name, words, numbers, title, curves, marks }, choose) {
  const row = textButton("", (event) => choose(name, event));
  row.className = "tw-contrast";
  row.title = `${title} Click to colour the map by it.`;
  const text = row.appendChild(element("span"));
  text.append(element("b", "", words), `: ${numbers}`);
  const svg = row.appendChild(svgElement("svg", "", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": true }));
  const most = Math.max(...curves.flat(), 1e-9);
  const [mine, others] = curves.map((curve) => curve.map((share, k) => point(k / (curve.length - 1), share / most)));
  const base = HEIGHT - FOOT;
  svg.append(
    svgElement("path", "tw-others", { d: `M0 ${base}L${others.join("L")}L${WIDTH} ${base}Z` }),
    svgElement("path", "tw-mine", { d: `M0 ${base}L${mine.join("L")}L${WIDTH} ${base}Z` }),
    svgElement("path", "tw-mine-line", { d: `M${mine.join("L")}` }),
    svgElement("path", "tw-others-mark", { d: mark(marks[1]) }),
    svgElement("path", "tw-mine-mark", { d: mark(marks[0]) }),
  );
  return row;
}

function point(/** @type {number} */ x, /** @type {number} */ y) {
  return `${(x * WIDTH).toFixed(1)} ${(HEIGHT - FOOT - y * (HEIGHT - FOOT - 2)).toFixed(1)}`;
}

/** A triangle below a place, 0 … 1. @param {number} at */
function mark(at) {
  const x = 3.5 + at * (WIDTH - 7);
  return `M${x.toFixed(1)} ${HEIGHT - FOOT + 1}l3.5 6h-7z`;
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
