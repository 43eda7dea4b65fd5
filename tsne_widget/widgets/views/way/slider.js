// From the first map to the last: a slider that moves the points, and lines between their places.
import { button } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const STEPS = 100; // of the slider
const NONE = -1; // no share

export class Slider {
  root = element("div", "tw-slider");
  #model;
  #from = element("span");
  #slider = Object.assign(element("input"), { type: "range", max: String(STEPS) });
  #to = element("span");
  #lines = button("Lines", () => this.#model.send({ kind: "lines", shows: !this.#model.get("lines") }));
  #note = element("span");
  #asked = NONE; // the share sent to the kernel, until the kernel has shown it
  #wanted = NONE; // the slider's latest share

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.root.append(this.#from, this.#slider, this.#to, this.#lines, this.#note);
    this.#slider.addEventListener("input", () => this.#input());
  }

  /** Show the names of the maps, whether points can move, and whether lines are drawn. */
  show() {
    const [names, hasLines] = [this.#model.get("names"), this.#model.get("lines")];
    const [first, last] = [names[0], names[names.length - 1]];
    this.#from.textContent = first;
    this.#to.textContent = last;
    const title = `Move the points from their places in ${first} to those in ${last}`;
    this.#slider.setAttribute("aria-label", title);
    this.#slider.title = title;
    this.#slider.disabled = !this.#model.get("can_morph");
    this.#lines.setAttribute("aria-pressed", String(hasLines));
    this.#lines.title = `Draw lines on the map of ${last} from the places of the selected samples in ${first}`;
    this.#note.textContent = this.#model.get("lines_note");
  }

  /** Show how far the points have moved, and request the next step if the slider has moved again. */
  showShare() {
    const share = this.#model.get("morph");
    const isAsked = this.#asked >= 0;
    if (isAsked && share !== this.#asked) return;
    this.#asked = NONE;
    if (isAsked && this.#wanted !== share) this.#ask(this.#wanted);
    else this.#slider.value = String(Math.round(STEPS * share));
    this.#slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the way`);
  }

  #input() {
    const share = this.#slider.valueAsNumber / STEPS;
    if (share !== this.#model.get("morph") || this.#asked >= 0) this.#ask(share);
  }

  /** Request one step at a time: the next is sent after the kernel has shown this one. */
  #ask(/** @type {number} */ share) {
    this.#wanted = share;
    if (this.#asked >= 0) return;
    this.#asked = share;
    this.#model.send({ kind: "morph", share });
  }
}
