// A histogram of visible pictures, with the wrong and the selected ones; a drag over it selects.
import { BRUSH_KEYS, makeBrush } from "./brush.js";
import { fullCount } from "./classes.js";
import { element, svgElement } from "./elements.js";
import { paint } from "./palette.js";

/**
 * @typedef {{low: string[], high: string[]}} Bins  smallest and largest value of each bin as text
 * @typedef {{all: number, wrong: number, selected: number}} Sum
 */
const HEIGHT = 100; // of the drawing, which is stretched
const LEAST = 3; // height of the smallest bar

export class Histogram {
  root = element("div", "tw-histogram");
  #plot = element("div", "tw-histogram-plot");
  #svg = svgElement("svg", "", { preserveAspectRatio: "none", "aria-hidden": true });
  #mark = element("i", "tw-brush");
  #said = element("span", "tw-caption tw-muted tw-said");
  /** @type {Bins} */
  #bins = { low: [], high: [] };
  /** @type {ArrayLike<number>} */
  #counts = [];
  #title;

  /** @param {string} title @param {HTMLElement} head  gets the words about the bars @param {(first: number, last: number, event: MouseEvent | KeyboardEvent) => void} choose */
  constructor(title, head, choose) {
    this.#title = title;
    this.#said.setAttribute("role", "status");
    head.append(this.#said);
    this.#plot.append(this.#svg, this.#mark);
    this.root.append(head, this.#plot);
    this.#plot.setAttribute("aria-roledescription", "histogram");
    makeBrush(this.#plot, { count: () => this.#bins.low.length, show: (range) => this.#show(range), choose });
    this.#show(null);
  }

  /** @param {Bins} bins @param {ArrayLike<number>} counts  four per bin, see binCounts() @param {string[]} colors  of the bars; [] shows the wrong ones */
  update(bins, counts, colors = []) {
    this.#bins = bins;
    this.#counts = counts;
    const count = bins.low.length;
    this.#svg.setAttribute("viewBox", `0 0 ${count || 1} ${HEIGHT}`);
    const hasSelection = Array.from(counts).some((value, k) => k % 4 > 1 && value);
    const most = Math.max(1, ...bins.low.map((_, k) => sumOf(counts, k, k).all));
    const bars = bins.low.flatMap((_, k) => {
      const [right, wrong, chosenRight, chosenWrong] = Array.from({ length: 4 }, (_one, kind) => counts[4 * k + kind] ?? 0);
      const parts = [[chosenWrong, "tw-wrong-bar", true], [chosenRight, "", true], [wrong, "tw-wrong-bar", !hasSelection], [right, "", !hasSelection]];
      const { all } = sumOf(counts, k, k);
      const full = HEIGHT * Math.sqrt(all / most); // a root keeps small bars visible beside a large one
      let top = HEIGHT;
      return parts.filter(([value]) => value).map(([value, name, isFull]) => {
        const height = Math.max(LEAST, (Number(value) / all) * full);
        top -= height;
        const bar = svgElement("rect", String(name), { x: k + 0.05, y: top, width: 0.9, height });
        if (!isFull) bar.setAttribute("opacity", "0.35");
        if (colors.length) /** @type {SVGElement} */ (bar).style.fill = paint(colors[Math.floor(((k + 0.5) / count) * colors.length)]);
        return bar;
      });
    });
    this.#svg.replaceChildren(...bars);
    const { all, wrong } = sumOf(counts, 0, count - 1);
    this.#plot.setAttribute("aria-label", `${this.#title}: ${fullCount(all)} pictures, ${fullCount(wrong)} wrong, from ${bins.low[0] ?? "–"} to ${bins.high[count - 1] ?? "–"}. ${BRUSH_KEYS}`);
  }

  /** Outline a range of bars, and say what is in it. */
  #show(/** @type {[number, number] | null} */ range) {
    const count = this.#bins.low.length;
    this.#mark.hidden = !range;
    if (!range || !count) {
      this.#said.textContent = "";
      return;
    }
    const [first, last] = range;
    this.#mark.style.left = `${(100 * first) / count}%`;
    this.#mark.style.width = `${(100 * (last - first + 1)) / count}%`;
    const { all, wrong } = sumOf(this.#counts, first, last);
    const [low, high] = [this.#bins.low[first], this.#bins.high[last]];
    this.#said.textContent = `${low === high ? low : `${low} to ${high}`}: ${fullCount(all)}${wrong ? `, ${fullCount(wrong)} wrong` : ""}`;
  }
}

/** Counts in the bins first to last. @param {ArrayLike<number>} counts @param {number} first @param {number} last @returns {Sum} */
export function sumOf(counts, first, last) {
  const sum = { all: 0, wrong: 0, selected: 0 };
  for (let k = 4 * first; k < 4 * last + 4; k++) {
    const value = counts[k] ?? 0;
    sum.all += value;
    if (k % 2) sum.wrong += value;
    if (k % 4 > 1) sum.selected += value;
  }
  return sum;
}
