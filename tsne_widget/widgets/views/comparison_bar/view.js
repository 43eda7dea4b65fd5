// The bar above compared maps: changes to select, the slider between the maps, and progress.
import { makeBar, makeMessage, makeProgress } from "../../frontend/bars.js";
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { Changes } from "./changes.js";
import { Way } from "./way.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{title: string, iteration: number, total: number, divergence: number | null}} Fit */

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const bar = new ComparisonBar(model, el);
  const { changes, way } = bar;
  /** @type {[string, () => void][]} */
  const parts = [
    [changesOf("visible", "selected", "message", "busy", "lines", "lines_note", "can_morph"), () => bar.show()],
    [changesOf("changes"), () => changes.show()],
    [changesOf("fit"), () => bar.showFit()],
    [changesOf("morph"), () => way.showShare()],
  ];
  for (const [, show] of parts) show();
  bar.showNotes(model.get("notes"));
  return follow(model, parts);
}

class ComparisonBar {
  changes;
  way;
  showNotes;
  #model;
  #bar;
  #clear = textButton("Clear", () => this.#model.send({ kind: "clear" }));
  #progress;
  #stop = textButton("Stop", () => this.#model.send({ kind: "stop" }));
  #showMessage;

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.changes = new Changes(model);
    this.way = new Way(model);
    this.#bar = makeBar(el, "tw-comparison");
    const { root, actions, showNotes } = this.#bar;
    this.showNotes = showNotes;
    actions.append(this.changes.root, this.#clear);
    root.appendChild(this.way.root);
    this.#progress = makeProgress(root);
    this.#progress.root.appendChild(this.#stop);
    this.#stop.title = "Stop this map, keep its current state and start the next map";
    this.#showMessage = makeMessage(root);
  }

  /** Show the counts, the message and the slider. */
  show() {
    const [selected, names] = [this.#model.get("selected"), this.#model.get("names")];
    this.#showSummary();
    this.#bar.showBusy(this.#model.get("busy"));
    this.#clear.disabled = !selected;
    this.#showMessage(this.#model.get("message"));
    this.changes.root.setAttribute("aria-label", `Select what changed from ${names[0]} to ${names[names.length - 1]}`);
    this.way.show();
  }

  /** Show the progress of the running map. */
  showFit() {
    const { root, doing, show } = this.#progress;
    /** @type {Fit} */
    const { title, iteration, total, divergence } = this.#model.get("fit");
    root.hidden = !title;
    if (!title) return;
    const measure = divergence === null ? "" : ` · KL ${divergence.toFixed(3)}`;
    doing.textContent = iteration ? `${title} · iteration ${fullCount(iteration)} of ${fullCount(total)}${measure}` : title;
    show(iteration, total);
    this.#stop.hidden = !total;
  }

  #showSummary() {
    const [total, visible, selected, names] = ["total", "visible", "selected", "names"].map((name) => this.#model.get(name));
    const part = visible === total ? "" : `${fullCount(visible)} of `;
    const selection = selected ? `${fullCount(selected)} selected` : "drag around points to select them in all maps";
    this.#bar.summary.replaceChildren(`${part}${fullCount(total)} samples in ${names.length} maps · `, element("b", "", selection));
  }
}

export default render;
