// The diagnosis panel: sentences, and the table of findings.
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { makeBody, makeCaption, makeHead } from "./table.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const RUNNING = "Comparing every sample with its neighbours in feature space …";
const NO_SELECTION = "Select samples to see whether their errors point to the label, the model or the map.";

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const diagnosis = new Diagnosis(model, el);
  return follow(model, [
    [changesOf("title", "layer", "sentences", "findings", "cost", "is_running"), once(() => diagnosis.show())],
  ]);
}

class Diagnosis {
  #model;
  #root = element("section", "tw-diagnosis tw-scroll");
  #doing = element("div", "tw-doing");
  #compute = textButton("Compute", () => this.#model.send({ kind: "compute" }));
  #cost = element("span");
  #said = element("div", "tw-said");
  #table = element("table");
  #layer = element("p", "tw-layer");

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#root.setAttribute("aria-label", "Diagnosis of the selection");
    this.#root.tabIndex = 0; // lets keys scroll it
    this.#doing.append(this.#compute, this.#cost);
    this.#said.setAttribute("role", "status");
    this.#root.append(this.#doing, this.#said, this.#table, this.#layer);
    el.appendChild(this.#root);
    this.show();
  }

  show() {
    /** @type {import("./table.js").Finding[]} */
    const findings = this.#model.get("findings");
    const hasSelection = findings.some((finding) => finding.selected);
    this.#showProgress(findings.length > 0);
    this.#layer.textContent = this.#model.get("layer") && `Layer: ${this.#model.get("layer")}`;
    /** @type {string[]} */
    const sentences = hasSelection ? this.#model.get("sentences") : [NO_SELECTION];
    this.#said.replaceChildren(...(findings.length ? sentences : []).map((sentence) => element("p", "", sentence)));
    this.#table.hidden = !findings.length;
    this.#table.replaceChildren(makeCaption(this.#model.get("title")), makeHead(hasSelection), makeBody(findings, hasSelection));
  }

  /** Show the cost of the computation, or that it is running. @param {boolean} hasFindings */
  #showProgress(hasFindings) {
    const [isRunning, cost] = [this.#model.get("is_running"), this.#model.get("cost")];
    this.#doing.hidden = !cost && !(isRunning && !hasFindings);
    this.#compute.hidden = isRunning;
    this.#cost.textContent = isRunning
      ? RUNNING
      : `Compares every sample with its neighbours in feature space. Runs once and takes ${cost} on a laptop.`;
    this.#root.setAttribute("aria-busy", String(isRunning));
  }
}

export default render;
