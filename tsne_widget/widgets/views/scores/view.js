// The scores panel: whether the model's numbers can be trusted, and a histogram of every score.
import { typed } from "../../frontend/bytes.js";
import { percent } from "../../frontend/classes.js";
import { TOPS } from "../../frontend/constants.js";
import { button, emptyState } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { Histogram } from "../../frontend/histogram.js";
import { modeOf } from "../../frontend/modes.js";
import { Diagram } from "./diagram.js";
import { barsOf, numbersOf, verdict, withInterval } from "./words.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const scores = new ScoresPanel(model, el);
  return follow(model, [
    [changesOf("bins", "numbers", "temperature", "is_fitting", "of_class"), once(() => scores.showReliability())],
    [changesOf("histograms", "counts"), once(() => scores.showHistograms())],
    ["change:missing", () => scores.showMissing()],
  ]);
}

class ScoresPanel {
  #model;
  #root = element("section", "tw-content tw-scores tw-scroll");
  #sentence = element("p", "tw-say");
  #class = element("select");
  #diagram;
  #numbers = element("dl", "tw-facts tw-small");
  #list = element("div", "tw-histograms");
  #none = element("p", "tw-small tw-muted", "No scores yet: they need logits, labels or features.");
  #how = element("span", "tw-small tw-muted", "drag on a histogram");
  #missing = element("div", "tw-missing");
  /** @type {Map<string, Histogram>} */
  #histograms = new Map();

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#root.setAttribute("aria-label", "Scores");
    this.#diagram = new Diagram((first, last, event) => model.send({ kind: "bar", first, last, mode: modeOf(event) }));
    this.#root.append(...this.#reliabilityParts(), ...this.#histogramParts());
    el.appendChild(this.#root);
    this.showReliability();
    this.showHistograms();
    this.showMissing();
  }

  #reliabilityParts() {
    const lacking = this.#model.get("lacking");
    if (lacking) {
      const sentence = "So nothing tells how sure the model is and whether it is right. The histograms below need less.";
      return [emptyState(`This record has no ${lacking}`, sentence, "FeatureSet.from_arrays(X, y, logits=logits)")];
    }
    const line = element("label", "tw-of-class tw-small tw-muted");
    line.append("Pictures predicted as ", this.#class);
    const names = this.#model.get("names");
    this.#class.append(...["any class", ...names].map((name, k) => Object.assign(element("option", "", name), { value: String(k - 1) })));
    this.#class.addEventListener("change", () => {
      this.#model.set("of_class", Number(this.#class.value));
      this.#model.save_changes();
    });
    return [this.#sentence, line, this.#diagram.root, this.#numbers];
  }

  #histogramParts() {
    const heading = element("div", "tw-section");
    this.#how.title = "A drag or a click selects. Shift adds, Alt takes away, Ctrl keeps what is in both.";
    heading.append(element("b", "tw-title", "Select by a score"), this.#how);
    return [heading, this.#list, this.#none, this.#missing];
  }

  showReliability() {
    const model = this.#model;
    if (model.get("lacking") || !model.get("numbers")) return;
    const [values, code] = [typed(model.get("numbers"), Float32Array), model.get("of_class")];
    if (!values.length) return;
    const [numbers, bars] = [numbersOf(values), barsOf(typed(model.get("bins"), Float32Array))];
    const who = code < 0 ? "The model" : `“${model.get("names")[code]}”`;
    const [said, why] = verdict(numbers, bars, who);
    this.#sentence.replaceChildren(element("b", "", said), ` ${why}`);
    this.#class.value = String(code);
    this.#diagram.root.hidden = !bars.length;
    this.#diagram.update(bars);
    const facts = [["Right", withInterval(numbers.right, numbers.samples)], ...this.#tops(numbers), ["Calibration error", this.#errors(numbers)]];
    this.#numbers.replaceChildren(...facts.flatMap(([name, text]) => [element("dt", "tw-muted", name), element("dd", "", text)]));
    this.#numbers.title = "In brackets: the 95 % interval. The calibration error is the mean gap between promised and kept, over the columns.";
  }

  #tops(/** @type {import("./words.js").Numbers} */ { samples, within }) {
    const c = this.#model.get("names").length;
    return TOPS.map((k, place) => [k, within[place]]).filter(([k]) => k < c).map(([k, count]) => [`Label among the first ${k}`, withInterval(count, samples)]);
  }

  #errors(/** @type {import("./words.js").Numbers} */ { error, after }) {
    const temperature = this.#model.get("temperature");
    const before = percent(error, 1) || "–";
    if (this.#model.get("is_fitting")) return `${before} · fitting a temperature …`;
    return temperature ? `${before} · ${percent(after, 1) || "–"} once the logits are divided by ${temperature.toFixed(2)}` : before;
  }

  showHistograms() {
    const listed = this.#model.get("histograms");
    const counts = typed(this.#model.get("counts"), Uint32Array);
    let start = 0;
    const shown = listed.map((/** @type {any} */ { name, title, low, high }) => {
      const made = this.#histograms.get(name) ?? this.#make(name, title);
      made.update({ low, high }, counts.subarray(start, start + 4 * low.length));
      start += 4 * low.length;
      made.root.hidden = !low.length; // no picture has a value
      return made.root;
    });
    this.#none.hidden = shown.length > 0;
    this.#how.hidden = !shown.length;
    if (shown.some((/** @type {Node} */ root, /** @type {number} */ k) => this.#list.children[k] !== root) || shown.length !== this.#list.children.length) this.#list.replaceChildren(...shown);
  }

  #make(/** @type {string} */ name, /** @type {string} */ title) {
    const head = element("div", "tw-histogram-head");
    head.append(element("b", "tw-small", title));
    const made = new Histogram(title, head, (first, last, event) => this.#model.send({ kind: "range", name, first, last, mode: modeOf(event) }));
    this.#histograms.set(name, made);
    return made;
  }

  showMissing() {
    const missing = this.#model.get("missing");
    this.#missing.hidden = !missing.length;
    const buttons = missing.map((/** @type {string[]} */ [name, title]) => {
      const made = button(title, () => {
        made.disabled = true;
        this.#model.send({ kind: "compute", name });
      }, "edge");
      made.title = `Compute “${title}” for all pictures`;
      return made;
    });
    this.#missing.replaceChildren(element("span", "tw-small tw-muted", "Compute:"), ...buttons);
  }
}

export default render;
