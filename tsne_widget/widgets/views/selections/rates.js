// How often the model is right in each saved selection and class, against the rest, with 95 % intervals.
import { fullCount, percent, points } from "../../frontend/classes.js";
import { segmented } from "../../frontend/controls.js";
import { closest, element, textButton } from "../../frontend/elements.js";
import { difference, wilson } from "../../frontend/intervals.js";

/** @typedef {{name: string, color: string, samples: number, right: number, index: number, isClass: boolean}} Part */

const HEADS = [["", ""], ["pictures", "with a label and a prediction"], ["right", "and its 95 % interval"], ["rest", "right among all other pictures"], ["±", "points against the rest; bold if the 95 % interval excludes 0"]];

export class Rates {
  root = element("details", "tw-fold tw-rates");
  #table = element("table");
  #body = element("tbody");
  #hasClasses = false;
  /** @type {Part[]} */
  #parts = [];
  /** @type {number[]} */
  #whole = [];
  #switch;

  /** @param {(part: Part, event: MouseEvent) => void} choose */
  constructor(choose) {
    this.#switch = segmented("Parts compared", [{ name: "selections", text: "Saved" }, { name: "classes", text: "Saved and classes" }], (name) => {
      this.#hasClasses = name === "classes";
      this.#fill();
    });
    const head = this.#table.appendChild(element("thead")).appendChild(element("tr"));
    head.append(...HEADS.map(([text, title]) => {
      const cell = element(text ? "th" : "td", text ? "tw-number" : "", text);
      cell.title = title;
      return cell;
    }));
    this.#table.append(this.#body);
    this.root.append(element("summary", "", "How often each is right, against the rest"), this.#switch.root, this.#table);
    this.#body.addEventListener("click", (event) => {
      const made = closest(event, "button");
      if (made) choose(this.#parts[Number(made.dataset.part)], event);
    });
  }

  /** @param {Part[]} parts  selections, then classes @param {number[]} whole  judged and right pictures in all; [] if unknown */
  show(parts, whole) {
    this.#parts = parts;
    this.#whole = whole;
    this.root.hidden = !whole.length || !parts.length;
    const hasSelections = parts.some((one) => !one.isClass);
    this.#switch.root.hidden = !hasSelections;
    if (!hasSelections) this.#hasClasses = true;
    this.#fill();
  }

  #fill() {
    this.#switch.show(this.#hasClasses ? "classes" : "selections");
    if (this.root.hidden) return;
    const rows = this.#parts.map((part, k) => ({ part, k })).filter(({ part }) => this.#hasClasses || !part.isClass);
    this.#body.replaceChildren(...rows.map(({ part, k }) => this.#row(part, k)));
  }

  #row(/** @type {Part} */ part, /** @type {number} */ k) {
    const { name, color, samples, right } = part;
    const rest = [this.#whole[1] - right, this.#whole[0] - samples];
    const row = element("tr");
    const made = row.appendChild(element("th")).appendChild(textButton(""));
    made.dataset.part = String(k);
    made.title = `Select ${name}`;
    const swatch = element("span", "tw-swatch");
    swatch.style.background = color;
    made.append(...(color ? [swatch] : []), name);
    const [low, high] = wilson(right, samples).map((share) => Math.round(100 * share));
    const cell = (/** @type {string} */ text) => row.appendChild(element("td", "tw-number", text || "–"));
    cell(fullCount(samples));
    const share = cell(percent(right / samples));
    if (samples) share.append(element("span", "tw-muted", ` ${low} to ${high}`));
    cell(percent(rest[0] / rest[1]));
    const change = cell(points(right / samples - rest[0] / rest[1]));
    const [least, most] = difference([right, samples], rest);
    const isClear = least > 0 || most < 0;
    if (isClear) change.replaceChildren(element("b", most < 0 ? "tw-is-wrong" : "", change.textContent ?? ""));
    if (samples && rest[1]) change.title = `${(100 * least).toFixed(1)} to ${(100 * most).toFixed(1)} points (95 %): ${isClear ? "it differs from the rest" : "it may be chance"}`;
    return row;
  }
}
