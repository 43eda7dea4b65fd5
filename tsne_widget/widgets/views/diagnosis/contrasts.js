// What sets samples apart: a sentence each, with both distributions; and shortcuts.
import { iconButton } from "../../frontend/controls.js";
import { element, svgElement, textButton } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";

/**
 * @typedef {{name: string, words: string, numbers: string, title: string}} Said
 * @typedef {Said & {curves: number[][], marks: number[]}} Contrast
 *   curves of those here and of the others, or none for shares; marks: their medians or shares, 0 … 1
 */

const [WIDTH, HEIGHT, FOOT] = [132, 34, 7]; // pixels of a pair of curves; the marks are in the foot
const [BAR, GAP] = [9, 4]; // pixels of a bar of a share

/**
 * A difference: a click selects the samples that have it, the button colours the map.
 * @param {Contrast} contrast @param {string} who  those that are selected
 * @param {(event: MouseEvent) => void} select @param {() => void} color
 */
export function contrastRow({ words, numbers, title, curves, marks }, who, select, color) {
  const row = element("div", "tw-contrast-row");
  const main = row.appendChild(textButton("", select));
  main.className = "tw-contrast";
  main.title = `${title} Click to select the ${who} that have it. ${MODES_HELP}`;
  main.append(sentence(words, numbers), curves.length ? curvesOf(curves, marks) : barsOf(marks));
  row.append(iconButton("Colour the map by it", "paint", color));
  return row;
}

/** A property that alone tells a class; a click colours the map by it. @param {Said} said @param {() => void} color */
export function shortcutRow({ words, numbers, title }, color) {
  const row = textButton("", color);
  row.className = "tw-contrast tw-shortcut";
  row.title = `${title} Click to colour the map by it.`;
  row.append(sentence(words, numbers));
  return row;
}

function sentence(/** @type {string} */ words, /** @type {string} */ numbers) {
  const text = element("span");
  text.append(element("b", "", words), `: ${numbers}`);
  return text;
}

/** @param {number[][]} curves @param {number[]} marks */
function curvesOf(curves, marks) {
  const svg = drawing();
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
  return svg;
}

/** Two bars, mine above that of the others. @param {number[]} shares */
function barsOf(shares) {
  const svg = drawing();
  const top = (HEIGHT - 2 * BAR - GAP) / 2;
  ["tw-mine-mark", "tw-others-mark"].forEach((kind, k) => {
    const place = { y: top + k * (BAR + GAP), height: BAR, rx: 1.5 };
    svg.append(
      svgElement("rect", "tw-bar-whole", { ...place, width: WIDTH }),
      svgElement("rect", kind, { ...place, width: Math.max(1.5, shares[k] * WIDTH) }),
    );
  });
  return svg;
}

function drawing() {
  return svgElement("svg", "", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": true });
}

function point(/** @type {number} */ x, /** @type {number} */ y) {
  return `${(x * WIDTH).toFixed(1)} ${(HEIGHT - FOOT - y * (HEIGHT - FOOT - 2)).toFixed(1)}`;
}

/** A triangle below a place, 0 … 1. @param {number} at */
function mark(at) {
  const x = 3.5 + at * (WIDTH - 7);
  return `M${x.toFixed(1)} ${HEIGHT - FOOT + 1}l3.5 6h-7z`;
}
