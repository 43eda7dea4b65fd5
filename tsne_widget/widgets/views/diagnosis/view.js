// The diagnosis panel: a verdict, the causes of the mistakes, what sets them apart, and the map's trust.
import { fullCount } from "../../frontend/classes.js";
import { button, emptyState, segmented } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { followTheme } from "../../frontend/theme.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";
import { contrastRow, shortcutRow } from "./contrasts.js";
import { drawEvidence } from "../../frontend/evidence.js";
import { causesBar, numbersTable, trustMeters } from "./parts.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const TRAITS = [
  "lacking", "doubt", "verdict", "summary", "pairs", "causes", "contrasts", "no_difference", "compared", "against", "shortcuts", "shortcuts_note",
  "trust", "trust_sentence", "trust_lacking",
  "cluster", "findings", "layer", "title", "has_selection", "cost", "is_waiting", "is_running",
  "evidence",
];

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const diagnosis = new Diagnosis(model, el);
  return both(
    follow(model, [[changesOf(...TRAITS), once(() => diagnosis.show())]]),
    followTheme(el, () => diagnosis.show()),
  );
}

/** @param {() => void} one @param {() => void} other */
const both = (one, other) => () => { one(); other(); };

class Diagnosis {
  #model;
  #root = element("section", "tw-content tw-diagnosis tw-scroll");
  #doing = element("div", "tw-doing tw-small tw-muted");
  #said = element("div");
  #numbers = element("details", "tw-fold");
  #mean = element("canvas", "tw-mean-map");

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#root.setAttribute("aria-label", "Diagnosis");
    this.#root.tabIndex = 0; // lets keys scroll it
    this.#doing.setAttribute("role", "status");
    this.#mean.setAttribute("role", "img");
    this.#root.append(this.#doing, this.#said, this.#numbers);
    el.appendChild(this.#root);
    this.show();
  }

  show() {
    const model = this.#model;
    this.#showProgress();
    const hasFocus = this.#said.contains(document.activeElement);
    this.#said.replaceChildren(...this.#mistakes(), ...this.#contrasts(), ...this.#shortcuts(), ...this.#looked(), ...this.#map());
    this.#drawMean();
    if (hasFocus) this.#root.focus(); // a replaced button loses the focus
    const findings = model.get("findings");
    this.#numbers.hidden = !findings.length;
    this.#numbers.replaceChildren(
      element("summary", "", "All numbers"), element("p", "tw-caption tw-muted", `${model.get("title")}.`),
      numbersTable(findings, model.get("has_selection")), element("p", "tw-caption tw-muted", model.get("layer")),
    );
  }

  /** Show that the neighbours are being compared, or offer it if it takes very long. */
  #showProgress() {
    const [isRunning, isWaiting, cost] = ["is_running", "is_waiting", "cost"].map((name) => this.#model.get(name));
    this.#root.setAttribute("aria-busy", String(isRunning));
    this.#doing.hidden = !isWaiting && !(isRunning && (cost || !this.#model.get("findings").length));
    const bar = element("div", "tw-wait");
    const takes = cost && `, ${cost}, once`;
    if (isWaiting) {
      const compare = button("Compare them", () => this.#model.send({ kind: "compute" }), "link");
      this.#doing.replaceChildren(`Labels and map are judged by neighbours in feature space, which takes ${cost}. `, compare);
    } else this.#doing.replaceChildren(`Comparing every picture with its neighbours${takes} …`, bar);
  }

  /** @returns {HTMLElement[]} */
  #mistakes() {
    const [lacking, verdict, doubt, causes] = ["lacking", "verdict", "doubt", "causes"].map((name) => this.#model.get(name));
    if (lacking) {
      const code = lacking === "labels" ? "FeatureSet.from_arrays(X, labels, logits=z)" : "FeatureSet.from_arrays(X, y, logits=z)";
      return [emptyState(`This record has no ${lacking}`, "So nothing can be right or wrong. The map can be judged all the same.", code)];
    }
    const parts = verdict ? [element("p", "tw-verdict", verdict)] : [];
    if (doubt) parts.push(element("p", "tw-say tw-doubt", doubt));
    if (causes.length) parts.push(causesBar(causes, (name, event) => this.#model.send({ kind: "cause", name, mode: modeOf(event) })));
    if (this.#model.get("summary")) parts.push(this.#summary());
    return parts;
  }

  #summary() {
    const line = element("p", "tw-say", this.#model.get("summary"));
    this.#model.get("pairs").forEach((/** @type {{label: number, prediction: number, count: number, text: string}} */ { label, prediction, count, text }, /** @type {number} */ k) => {
      const link = button(text, (event) => this.#model.send({ kind: "pair", label, prediction, mode: modeOf(event) }), "link");
      link.title = `Select these mistakes. ${MODES_HELP}`;
      line.append(k ? " and " : " Most often ", link, ` (${fullCount(count)})`);
    });
    if (this.#model.get("pairs").length) line.append(".");
    return line;
  }

  /** @returns {HTMLElement[]} */
  #contrasts() {
    const [contrasts, rest, compared, against] = ["contrasts", "no_difference", "compared", "against"].map((name) => this.#model.get(name));
    if (!compared.length) return [];
    const [who] = compared;
    const heading = element("div", "tw-section");
    heading.append(element("b", "tw-title", `What sets the ${who} apart`), element("span", "tw-small tw-muted", against));
    if (compared.length > 1) heading.append(this.#choice(who));
    const those = who === "mistakes" ? who : "selected pictures";
    const rows = contrasts.map((/** @type {import("./contrasts.js").Contrast} */ one) => contrastRow(
      one, those,
      (event) => this.#model.send({ kind: "contrast", name: one.name, mode: modeOf(event) }),
      () => this.#model.send({ kind: "color", name: one.name }),
    ));
    return [heading, ...rows, ...(rest ? [element("p", "tw-small tw-muted tw-rest", rest)] : [])];
  }

  /** A switch between what is compared. @param {string} who */
  #choice(who) {
    const options = [{ name: "mistakes", text: "Mistakes" }, { name: "selection", text: "Selection" }];
    const { root, show } = segmented("What is compared", options, (name) => this.#model.send({ kind: "compare", name }));
    root.classList.add("tw-whom");
    show(who);
    return root;
  }

  /** @returns {HTMLElement[]} */
  #shortcuts() {
    const [shortcuts, note] = ["shortcuts", "shortcuts_note"].map((name) => this.#model.get(name));
    if (!shortcuts.length && !note) return [];
    const heading = element("div", "tw-section");
    heading.append(element("b", "tw-title", "Shortcuts"), element("span", "tw-small tw-muted", "a property that alone tells a class"));
    const rows = shortcuts.map((/** @type {import("./contrasts.js").Said} */ one) => shortcutRow(one, () => this.#model.send({ kind: "color", name: one.name })));
    return [heading, ...rows, ...(note ? [element("p", "tw-small tw-muted tw-rest", note)] : [])];
  }

  /** What the model looked at: the mean map of the pictures, or the offer to compute it. @returns {HTMLElement[]} */
  #looked() {
    const { count, total, is_running: isRunning, can_compute: canCompute, sentence } = this.#model.get("evidence");
    if (!total) return [];
    const heading = element("div", "tw-section");
    heading.append(element("b", "tw-title", "What the model looked at"), element("span", "tw-small tw-muted", count ? `in ${fullCount(count)} of ${fullCount(total)} pictures` : ""));
    const said = element("div", "tw-looked");
    const text = element("p", "tw-say", sentence && `${sentence}; spread evenly, it would be 33\u202f%. `);
    if (canCompute) {
      const compute = button(isRunning ? "Stop" : count ? "Compute the others" : `Find the evidence in ${fullCount(total)} pictures`, () => this.#model.send({ kind: "evidence" }), "link");
      text.append(...(isRunning ? ["Finding the evidence … "] : []), compute);
    }
    if (count) said.append(this.#mean);
    said.append(text);
    return [heading, said];
  }

  /** Draw the mean map, once it is on the page and has the theme's colours. */
  #drawMean() {
    const { count, values, height, width } = this.#model.get("evidence");
    if (!count || !this.#mean.isConnected) return;
    this.#mean.setAttribute("aria-label", "Mean evidence for the prediction and against the label");
    drawEvidence(this.#mean, { height, width, values }, { shape: width / height, outline: false, side: 96 });
  }

  /** @returns {HTMLElement[]} */
  #map() {
    const [meters, sentence, lacking, cluster] = ["trust", "trust_sentence", "trust_lacking", "cluster"].map((name) => this.#model.get(name));
    if (!meters.length && !lacking) return [];
    const heading = element("div", "tw-section");
    heading.append(element("b", "tw-title", "Can the map be believed here?"));
    if (!meters.length) return [heading, element("p", "tw-say tw-muted", `Unknown: ${lacking}.`)];
    const notes = [this.#model.get("has_selection") ? "The stroke is the whole map’s value." : "", cluster].filter(Boolean);
    return [heading, element("p", "tw-say", sentence), trustMeters(meters), ...notes.map((text) => element("p", "tw-caption tw-muted tw-rest", text))];
  }
}

export default render;
