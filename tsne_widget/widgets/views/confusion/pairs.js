// The most confused pairs, and the sentence about them.
import { fullCount, percent } from "../../frontend/classes.js";
import { button, twoToneMark } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";
import { totals } from "./counts.js";

/** @typedef {import("./counts.js").Counts} Counts */
/** @typedef {(place: number[], event: MouseEvent) => void} Select  place: label and prediction */
/** @typedef {{label: number, prediction: number, count: number, whole: number}} Pair  whole: pictures with the label */

const FEW = 6; // pairs that are listed at first

/** @param {Counts} counts @returns {Pair[]} */
export function pairsOf({ pairs, report }) {
  const found = [];
  for (let k = 0; k < pairs.length; k += 3) {
    found.push({ label: pairs[k], prediction: pairs[k + 1], count: pairs[k + 2], whole: report[3 * pairs[k]] });
  }
  return found;
}

export class PairList {
  root = element("div", "tw-pairs");
  #names;
  #colors;
  #select;
  #isWhole = false;

  /** @param {string[]} names @param {string[]} colors @param {Select} select */
  constructor(names, colors, select) {
    this.#names = names;
    this.#colors = colors;
    this.#select = select;
  }

  /** @param {Counts} counts */
  show(counts) {
    const found = pairsOf(counts);
    const listed = this.#isWhole ? found : found.slice(0, FEW);
    const focused = [...this.root.children].indexOf(/** @type {Element} */ (document.activeElement));
    this.root.replaceChildren(...listed.map((pair) => this.#row(pair, found[0].count)));
    if (listed.length < found.length) {
      this.root.append(button(`${found.length - FEW} more pairs`, () => {
        this.#isWhole = true;
        this.show(counts);
        /** @type {HTMLElement} */ (this.root.children[FEW]).focus();
      }, "link"));
    }
    if (focused >= 0) /** @type {HTMLElement | undefined} */ (this.root.children[focused])?.focus(); // a replaced row loses the focus
  }

  #row(/** @type {Pair} */ { label, prediction, count, whole }, /** @type {number} */ most) {
    const [from, to] = [this.#names[label], this.#names[prediction]];
    const row = textButton("", (event) => this.#select([label, prediction], event));
    row.className = "tw-pair";
    row.title = `${from}, predicted ${to}: ${percent(count / whole, 1)} of the pictures with this label. ${MODES_HELP}`;
    const bar = element("span", "tw-meter");
    bar.appendChild(element("i")).style.width = `${(100 * count) / most}%`;
    row.append(
      twoToneMark(this.#colors[label], this.#colors[prediction]), element("span", "tw-pair-name", `${from} → ${to}`),
      element("span", "tw-muted", `${fullCount(count)} of ${fullCount(whole)}`), bar,
    );
    return row;
  }
}

/**
 * Fill the sentence on how much is right, and which pairs are confused most.
 * @param {HTMLElement} root @param {Counts} counts @param {string[]} names @param {boolean} isLarge  whether pairs are summarised @param {Select} select
 */
export function fillSentence(root, counts, names, isLarge, select) {
  const { pictures, right } = totals(counts.report);
  if (!pictures) {
    root.replaceChildren("No picture here has a label and a prediction.");
    return;
  }
  const of = counts.isSelection ? ` of the ${fullCount(pictures)} selected` : "";
  const first = element("b", "", `${percent(right / pictures, 1)}${of} right.`);
  first.title = `${fullCount(right)} of ${fullCount(pictures)} ${counts.isSelection ? "selected" : "shown"} pictures with a label and a prediction`;
  root.replaceChildren(first, " ", ...mistakes(counts, names, isLarge, pictures - right, select), comparison(counts));
}

/** The right share of the other set of pictures, if some are selected. */
function comparison(/** @type {Counts} */ { isSelection, allReport, chosenReport }) {
  if (!chosenReport.length) return "";
  const { pictures, right } = totals(isSelection ? allReport : chosenReport);
  if (pictures < 2) return "";
  return isSelection ? ` Of all ${fullCount(pictures)}: ${percent(right / pictures, 1)}.` : ` Of the ${fullCount(pictures)} selected: ${percent(right / pictures, 1)}.`;
}

function mistakes(
  /** @type {Counts} */ counts, /** @type {string[]} */ names, /** @type {boolean} */ isLarge, /** @type {number} */ wrong, /** @type {Select} */ select,
) {
  const found = pairsOf(counts);
  const link = (/** @type {(count: string, whole: string) => string} */ after, { label, prediction, count, whole } = found[0]) => {
    const made = button(`${names[label]} → ${names[prediction]}`, (event) => select([label, prediction], event), "link");
    made.append(element("span", "tw-after", after(fullCount(count), fullCount(whole)))); // in the button, or else a long name pushes it to the next line
    made.title = `Select the ${fullCount(count)} of ${fullCount(whole)} pictures. ${MODES_HELP}`;
    return made;
  };
  if (!found.length) return ["No mistakes."];
  const [, half] = counts.spread;
  const possible = names.length * (names.length - 1);
  if (isLarge) {
    const where = `Half of the ${fullCount(wrong)} mistakes lie in ${fullCount(half)} of ${fullCount(possible)} pairs. Worst: `;
    return [wrong > 1 ? where : "The only mistake: ", link((count, whole) => `, ${count} of ${whole}.`)];
  }
  if (found.length === 1) return ["Most often ", link((count) => ` (${count}).`)];
  return ["Most often ", link((count) => ` (${count})`), " and ", link((count) => ` (${count}).`, found[1])];
}
