// What the points' colours say on a shared page: a colour per row, and the key to them. No DOM.
import { shownText } from "./record.js";
import { countedCodes } from "./counting.js";

const TAIL = 0.01; // share of amounts at either end that take the end's colour, as in a notebook
const RAMP_STOPS = 42; // of 255 colours, every so many for the bar of the key

/**
 * @typedef {{texels: Uint16Array, palette: string[], key: any}} Coloring
 *   texels: place of each row's colour in the palette
 */

/**
 * Names of what the map can be coloured by, their titles, and what is lacking.
 * @param {import("./record.js").SharedRecord} record
 * @param {number} selections  how many have names
 * @returns {[string, string, string][]}
 */
export function colorChoices({ labels, predictions, scores, titles }, selections) {
  const needs = { label: labels ? "" : "needs labels", prediction: predictions ? "" : "needs predictions" };
  return [
    ["label", titles.label, needs.label],
    ["prediction", titles.prediction, needs.prediction],
    ["correct", titles.correct, labels && predictions ? "" : "needs labels and predictions"],
    ["selection", titles.selection, selections ? "" : "needs a named selection"],
    ...[...scores.values()].map(({ name, title }) => /** @type {[string, string, string]} */ ([name, title, ""])),
  ];
}

/**
 * @param {import("./record.js").SharedRecord} record
 * @param {string} name  one of the choices; "" where there are no classes
 * @param {{name: string, color: string, rows: Uint32Array}[]} selections
 * @returns {Coloring}
 */
export function coloringOf(record, name, selections) {
  const { n, known, unknownColor, shownNames, colors } = record;
  const title = record.titles[name] ?? name;
  const score = record.scores.get(name);
  if (score) return ofAmounts(score.values, record, title);
  if (name === "correct") {
    const { labels, predictions } = record;
    const texels = Uint16Array.from(record.wrong, (wrong, row) => (labels && predictions && labels[row] >= 0 && predictions[row] >= 0 ? wrong : 2));
    return ofCodes(texels, ["right", "wrong"], [...record.rightAndWrong, unknownColor], title, "unknown");
  }
  if (name === "selection") {
    const texels = new Uint16Array(n).fill(selections.length);
    for (let k = selections.length - 1; k >= 0; k--) for (const row of selections[k].rows) texels[row] = k;
    return ofCodes(texels, selections.map((one) => shownText(one.name)), [...selections.map((one) => one.color), unknownColor], title, "in none");
  }
  const codes = name === "prediction" && record.predictions ? record.predictions : record.codes;
  const texels = Uint16Array.from({ length: n }, (_, row) => (codes[row] < 0 || codes[row] >= known ? known : codes[row]));
  const coloring = ofCodes(texels, shownNames.slice(0, known), [...colors.slice(0, known), unknownColor], title, "unknown");
  return { ...coloring, key: { ...coloring.key, entries: [] } }; // the legend says what these mean
}

/** @returns {Coloring} */
function ofCodes(/** @type {Uint16Array} */ texels, /** @type {string[]} */ names, /** @type {string[]} */ palette, /** @type {string} */ title, /** @type {string} */ unknownName) {
  const counts = countedCodes(texels, null, palette.length);
  const entries = names.map((name, k) => [name, palette[k], counts[k]]).filter(([, , count]) => count);
  return { texels, palette, key: keyOf({ title, entries, unknown: counts[names.length], unknown_name: unknownName }) };
}

/** @returns {Coloring} */
function ofAmounts(/** @type {Float32Array} */ values, /** @type {import("./record.js").SharedRecord} */ { ramp, unknownColor }, /** @type {string} */ title) {
  const palette = [...ramp, unknownColor];
  const inside = values.filter(Number.isFinite).sort();
  const texels = new Uint16Array(values.length).fill(ramp.length);
  const unknown = values.length - inside.length;
  if (!inside.length) return { texels, palette, key: keyOf({ title, low: "–", high: "–", unknown }) };
  const at = (/** @type {number} */ share) => inside[Math.round(share * (inside.length - 1))];
  let [low, high] = [at(TAIL), at(1 - TAIL)];
  if (low === high) [low, high] = [inside[0], inside[inside.length - 1]];
  values.forEach((value, row) => {
    if (!Number.isFinite(value)) return;
    const share = (Math.min(high, Math.max(low, value)) - low) / (high - low || 1);
    texels[row] = Math.round(share * (ramp.length - 1));
  });
  const text = (/** @type {number} */ value) => String(Number(value.toPrecision(4)));
  return {
    texels,
    palette,
    key: keyOf({
      title, unknown,
      low: `${inside[0] < low ? "≤ " : ""}${text(low)}`, high: `${inside[inside.length - 1] > high ? "≥ " : ""}${text(high)}`,
      ramp: ramp.filter((_, k) => k % RAMP_STOPS === 0),
    }),
  };
}

function keyOf(/** @type {any} */ known) {
  return { title: "", entries: [], more: 0, low: "", high: "", ramp: [], unknown: 0, unknown_name: "unknown", ...known };
}
