// The evidence in a picture: a map over it, which class it speaks for, and what covering a tenth changes.
import { iconButton, segmented } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { drawEvidence, mapIn } from "../../frontend/evidence.js";
import { followTheme } from "../../frontend/theme.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/tiles.js").Tile} Tile */
/** @typedef {{holds: boolean, shares: number[], others: [name: string, count: number][]}} Test */
/** @typedef {{row: number, tile: Tile, classes: Record<string, string>, other: string}} Shown */

const SIDE = 256; // pixels of the canvas
const STRENGTH = 80; // per cent of opacity at first

/** Owns the parts of the close look that say what the model looked at. */
export class EvidenceParts {
  #model;
  #canvas = element("canvas", "tw-evidence-map");
  #slider = element("input", "tw-evidence-slider");
  #doing = element("p", "tw-small tw-muted");
  /** @type {HTMLElement | null} */
  #picture = null;
  /** @type {Shown | null} */
  #shown = null;
  #target = "difference";
  /** @type {any} */
  #answer = null; // the message with the map, and the map
  /** @type {ReturnType<typeof segmented> | null} */
  #choice = null;

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.controls = element("div", "tw-evidence-controls");
    this.said = element("div", "tw-look-evidence");
    this.#canvas.setAttribute("role", "img");
    Object.assign(this.#slider, { type: "range", min: "0", max: "100", value: String(STRENGTH) });
    this.#slider.setAttribute("aria-label", "Strength of the evidence over the picture");
    this.#slider.addEventListener("input", () => this.#fade());
    this.#doing.setAttribute("role", "status");
    this.release = followTheme(this.#canvas, () => this.#draw());
  }

  /** Show the controls for another sample and ask for its evidence. @param {number} row @param {Tile} tile @param {{name: string}[]} probabilities @param {HTMLElement} picture */
  show(row, tile, probabilities, picture) {
    const isNew = row !== this.#shown?.row;
    const runnerUp = probabilities.find(({ name }) => name !== tile.prediction)?.name ?? "";
    const other = tile.wrong ? tile.label ?? "" : runnerUp;
    this.#picture = picture;
    this.#shown = { row, tile, other, classes: { prediction: tile.prediction ?? "", label: tile.label ?? "", difference: tile.prediction ?? "" } };
    if (isNew) [this.#answer, this.#target] = [null, tile.wrong ? "difference" : "prediction"];
    this.#build();
  }

  /** Whether evidence can be computed, or is stored. */
  get #isThere() {
    return Boolean(this.#shown?.tile.prediction && this.#shown.tile.url && this.#model.get("evidence"));
  }

  /** Follow what the model can do now. */
  #build() {
    this.controls.replaceChildren();
    this.controls.hidden = false;
    this.said.replaceChildren();
    if (!this.#shown) return;
    if (!this.#isThere) {
      this.#showRemedy();
      return;
    }
    const { prediction } = this.#shown.classes;
    const options = [{ name: "prediction", text: prediction, title: `What speaks for ${prediction}` }];
    if (this.#shown.tile.wrong) options.push({ name: "label", text: this.#shown.classes.label, title: `What speaks for ${this.#shown.classes.label}, the label` });
    if (this.#shown.other) options.push({ name: "difference", text: `${prediction}, not ${this.#shown.other}`, title: `What speaks for ${prediction} and against ${this.#shown.other}` });
    this.#choice = segmented("Evidence for", options, (name) => this.#choose(name));
    const key = element("div", "tw-evidence-key tw-caption");
    key.append(dot("for"), "for", dot("against"), "against", this.#slider);
    this.controls.append(element("b", "tw-small", "Evidence for"), this.#choice.root, key);
    this.#choice.show(this.#target);
    this.said.append(this.#doing);
    if (this.#answer) this.#showAnswer();
    else this.#ask();
  }

  /** What to do for evidence where there is no model. */
  #showRemedy() {
    const code = this.#model.get("evidence_code");
    if (!code || !this.#shown?.tile.prediction) return;
    const line = element("div", "tw-code");
    line.append(element("code", "", code), iconButton("Copy the code", "copy", () => { void navigator.clipboard?.writeText(code); }));
    this.said.append(element("p", "tw-small tw-muted", "What did the model look at? This takes the model and its data:"), line);
  }

  #choose(/** @type {string} */ target) {
    this.#target = target;
    this.#choice?.show(target);
    if (this.#slider.value === "0") this.#slider.value = String(STRENGTH);
    this.#ask();
  }

  #ask() {
    this.#doing.textContent = "Finding the evidence …";
    this.said.replaceChildren(this.#doing);
    this.#model.send({ kind: "evidence", row: this.#shown?.row, target: this.#target });
  }

  /** @param {any} message @param {DataView} data */
  receive(message, data) {
    if (message.row !== this.#shown?.row || message.target !== this.#target) return;
    this.#answer = { ...message, map: message.height ? mapIn(message, data) : null };
    if (this.#isThere) this.#showAnswer();
  }

  #showAnswer() {
    const { map, test, why } = this.#answer;
    this.controls.hidden = !map && this.#model.get("evidence") === "stored"; // nothing to choose from
    if (map) this.said.replaceChildren(...(test ? [this.#verdict(test), this.#bars(test)] : [element("p", "tw-small tw-muted", "This map was not tested.")]));
    else this.said.replaceChildren(element("p", "tw-small tw-muted", why));
    this.#draw();
  }

  #draw() {
    const { map, test } = this.#answer ?? {};
    const image = this.#picture?.querySelector("img");
    if (!map || !image || !this.#shown) {
      this.#canvas.remove();
      this.#fade();
      return;
    }
    const { tile, other } = this.#shown;
    const against = this.#target === "difference" ? ` and against ${other}` : "";
    this.#canvas.setAttribute("aria-label", `Where the picture speaks for ${this.#shown.classes[this.#target]}${against}`);
    if (this.#canvas.parentElement !== this.#picture) this.#picture?.append(this.#canvas);
    const { width, height } = /** @type {{width: number, height?: number}} */ (tile);
    drawEvidence(this.#canvas, map, { shape: height ? width / height : 1, outline: Boolean(test), side: SIDE });
    this.#fade();
  }

  /** Lay the map over the grey picture as strongly as the slider says; at 0 the picture has its colours. */
  #fade() {
    const strength = Number(this.#slider.value) / 100;
    const isOver = strength > 0 && this.#canvas.isConnected;
    this.#canvas.style.opacity = String(strength);
    this.#canvas.hidden = !isOver;
    this.#picture?.classList.toggle("tw-is-grey", isOver);
  }

  #verdict(/** @type {Test} */ { holds, others }) {
    const name = this.#shown?.classes[this.#target] ?? "";
    const line = element("p", "tw-say");
    const [other, count] = others[0] ?? ["", 0];
    const says = count === 4 ? `it says ${other} every time` : `it says ${other} ${count} of 4 times`;
    const holding = other ? `With the outlined tenth covered ${says}.` : "Covering the outlined tenth makes the model clearly less sure than covering other places.";
    const little = "Covering the outlined tenth does not change clearly more than covering another one.";
    line.append(element("b", "", holds ? "The evidence holds." : "The evidence explains little."), ` ${holds ? holding : little} How sure it is of ${name}:`);
    return line;
  }

  #bars(/** @type {Test} */ { shares }) {
    const list = element("ul", "tw-evidence-bars");
    const digits = Math.min(...shares) > 0.99 ? 2 : 0; // of a very sure model the digits tell
    ["as it is", "another tenth covered", "the outline covered"].forEach((words, k) => {
      const item = list.appendChild(element("li"));
      const track = element("span", "tw-track");
      const bar = track.appendChild(element("span"));
      bar.style.width = `${100 * shares[k]}%`;
      bar.dataset.kind = k === 2 ? "for" : "";
      item.append(element("span", "", words), track, element("span", "tw-class-share", `${(100 * shares[k]).toFixed(digits)}\u202f%`));
    });
    return list;
  }

  /** Follow whether evidence can be had at all. */
  follow() {
    if (this.#shown && !this.#answer?.map) this.#build();
  }
}

/** @param {"for" | "against"} kind */
function dot(kind) {
  const made = element("span", "tw-dot");
  made.style.background = `var(--tw-${kind})`;
  return made;
}
