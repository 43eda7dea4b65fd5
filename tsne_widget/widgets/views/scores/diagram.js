// The reliability diagram: columns of equally many pictures, what each promises and what it keeps.
import { BRUSH_KEYS, makeBrush } from "../../frontend/brush.js";
import { fullCount, percent } from "../../frontend/classes.js";
import { element, svgElement } from "../../frontend/elements.js";
import { wilson } from "../../frontend/intervals.js";

/** @typedef {import("./words.js").Bar} Bar */

const HEIGHT = 100; // of the drawing, which is stretched
const LINES = [0, 0.5, 1];

export class Diagram {
  root = element("div", "tw-reliability");
  #plot = element("div", "tw-reliability-plot");
  #svg = svgElement("svg", "", { preserveAspectRatio: "none", "aria-hidden": true });
  #mark = element("i", "tw-brush");
  #feet = element("div", "tw-reliability-feet tw-caption tw-muted");
  #said = element("p", "tw-caption tw-muted tw-cellhint");
  /** @type {Bar[]} */
  #bars = [];

  /** @param {(first: number, last: number, event: MouseEvent | KeyboardEvent) => void} choose */
  constructor(choose) {
    const scale = element("div", "tw-reliability-scale tw-caption tw-muted");
    scale.append(...LINES.map((share) => element("span", "", percent(share))).reverse());
    this.#plot.append(this.#svg, this.#mark);
    this.#plot.setAttribute("aria-roledescription", "reliability diagram");
    this.#said.setAttribute("role", "status");
    this.root.append(keyOf(), scale, this.#plot, this.#feet, this.#said);
    makeBrush(this.#plot, { count: () => this.#bars.length, show: (range) => this.#show(range), choose });
    this.#show(null);
  }

  /** @param {Bar[]} bars */
  update(bars) {
    this.#bars = bars;
    this.#svg.setAttribute("viewBox", `0 0 ${bars.length || 1} ${HEIGHT}`);
    const y = (/** @type {number} */ share) => HEIGHT * (1 - share);
    const line = (/** @type {string} */ name, /** @type {number[]} */ [x1, y1, x2, y2]) => svgElement("line", name, { x1, y1, x2, y2, "vector-effect": "non-scaling-stroke" });
    this.#svg.replaceChildren(
      ...LINES.map((share) => line("tw-grid", [0, y(share), bars.length, y(share)])),
      ...bars.flatMap(({ samples, promised, kept }, k) => {
        const [low, high] = wilson(Math.round(kept * samples), samples);
        return [
          svgElement("rect", promised > kept ? "tw-broken" : "tw-beyond", { x: k + 0.06, width: 0.88, y: y(Math.max(promised, kept)), height: HEIGHT * Math.abs(promised - kept) }),
          line("tw-spread", [k + 0.5, y(high), k + 0.5, y(low)]),
          line("tw-promised", [k + 0.06, y(promised), k + 0.94, y(promised)]),
          line("tw-kept", [k + 0.06, y(kept), k + 0.94, y(kept)]),
        ];
      }),
    );
    this.#feet.replaceChildren(...bars.map(({ promised }) => element("span", "", String(Math.round(100 * promised)))));
    this.#plot.setAttribute("aria-label", `How often the model is right, by how sure it is. ${bars.map(describe).join("; ")}. ${BRUSH_KEYS}`);
    this.#show(null);
  }

  #show(/** @type {[number, number] | null} */ range) {
    const count = this.#bars.length;
    this.#mark.hidden = !range;
    this.#said.textContent = "Columns of equally many pictures, by how sure the model is (mean, in %). Click or drag to select.";
    if (!range || !count) return;
    const [first, last] = range;
    this.#mark.style.left = `${(100 * first) / count}%`;
    this.#mark.style.width = `${(100 * (last - first + 1)) / count}%`;
    this.#said.textContent = describe(merged(this.#bars.slice(first, last + 1)));
  }
}

/** One bar for several. @param {Bar[]} bars @returns {Bar} */
export function merged(bars) {
  const samples = bars.reduce((sum, one) => sum + one.samples, 0);
  const mean = (/** @type {"promised" | "kept"} */ name) => bars.reduce((sum, one) => sum + one.samples * one[name], 0) / samples;
  return { low: bars[0].low, high: bars[bars.length - 1].high, samples, promised: mean("promised"), kept: mean("kept") };
}

function describe(/** @type {Bar} */ { low, high, samples, promised, kept }) {
  return `${percent(low, 1)} to ${percent(high, 1)} sure: ${fullCount(samples)} pictures, promised ${percent(promised, 1)}, kept ${percent(kept, 1)}`;
}

function keyOf() {
  const key = element("div", "tw-reliability-key tw-caption tw-muted");
  for (const [name, text] of [["tw-kept", "right"], ["tw-promised", "promised"], ["tw-broken", "promised, not kept"]]) {
    const entry = key.appendChild(element("span"));
    entry.append(element("i", name), text);
  }
  return key;
}
