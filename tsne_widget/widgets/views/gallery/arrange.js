// The gallery's header: the source of the samples, their order and groups, and the picture size.
import { MAX_TILE, MIN_TILE } from "../../frontend/constants.js";
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { setOptions } from "./options.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{key: string, name: string, lacks: string}} Sort */
/** @typedef {{key: keyof typeof GROUP_WORDS, lacks: string}} Grouping */

const SOURCE_WORDS = { selection: "Selection", visible: "Visible" };
const GROUP_WORDS = { none: "none", label: "label", prediction: "prediction", confusion: "confusion" };
const SIZES = { min: MIN_TILE, max: MAX_TILE, step: 8 };

/**
 * @param {ViewModel} model
 * @param {(size: number) => void} resize  called while the slider moves
 * @returns {{root: HTMLElement, release: () => void}}
 */
export function makeHead(model, resize) {
  return new Head(model, resize);
}

class Head {
  root = element("div", "tw-head");
  #model;
  #sources = new Map(Object.entries(SOURCE_WORDS).map(([source, word]) => [source, textButton(word, () => this.#arrange({ source }))]));
  #size = Object.assign(element("input"), { type: "range", ...SIZES });
  #sort = element("select");
  #direction = textButton("", () => this.#arrange({ descending: !this.#model.get("descending") }));
  #sortNote = element("span", "tw-sort-note");
  #group = element("select");

  /** @param {ViewModel} model @param {(size: number) => void} resize */
  constructor(model, resize) {
    this.#model = model;
    this.#build();
    this.#listen(resize);
    /** @type {[string, () => void][]} */
    const changes = [
      [changesOf("sorts", "sorted_by", "sort_note", "descending", "groupings", "group_by"), () => this.#showOptions()],
      [changesOf("source", "source_counts"), () => this.#showSources()],
      [changesOf("tile_size"), () => this.#showSize()],
    ];
    this.release = follow(model, changes);
    for (const [, show] of changes) show();
  }

  #build() {
    const sources = element("div", "tw-sources");
    sources.setAttribute("role", "group");
    sources.setAttribute("aria-label", "Samples to show");
    for (const [source, button] of this.#sources) button.dataset.source = source;
    sources.append(...this.#sources.values());
    this.#size.setAttribute("aria-label", "Size of the pictures in pixels");
    this.#direction.className = "tw-direction";
    this.#sortNote.setAttribute("role", "status");
    const order = element("div", "tw-order"); // kept on one line
    order.append(labelled("Sort", this.#sort), this.#direction);
    this.root.append(sources, labelled("Size", this.#size), order, this.#sortNote, labelled("Group", this.#group));
  }

  #listen(/** @type {(size: number) => void} */ resize) {
    this.#sort.addEventListener("change", () => this.#arrange({ sort: this.#sort.value }));
    this.#group.addEventListener("change", () => this.#arrange({ group: this.#group.value }));
    this.#size.addEventListener("input", () => resize(Number(this.#size.value)));
    this.#size.addEventListener("change", () => this.#arrange({ size: Number(this.#size.value) }));
  }

  #arrange(/** @type {object} */ wanted) {
    this.#model.send({ kind: "arrange", ...wanted });
  }

  #showOptions() {
    /** @type {[Sort[], Grouping[]]} */
    const [sorts, groupings] = [this.#model.get("sorts"), this.#model.get("groupings")];
    setOptions(this.#sort, sorts.map(({ key, name, lacks }) => ({ key, words: name, lacks })), this.#model.get("sorted_by"));
    setOptions(this.#group, groupings.map(({ key, lacks }) => ({ key, words: GROUP_WORDS[key], lacks })), this.#model.get("group_by"));
    this.#sortNote.textContent = this.#model.get("sort_note");
    const isDescending = this.#model.get("descending");
    this.#direction.textContent = isDescending ? "↓" : "↑";
    this.#direction.title = isDescending ? "Highest first; click for the lowest" : "Lowest first; click for the highest";
    this.#direction.setAttribute("aria-label", isDescending ? "Sorted from high to low" : "Sorted from low to high");
  }

  #showSources() {
    const counts = this.#model.get("source_counts");
    [...this.#sources].forEach(([source, button], i) => {
      button.setAttribute("aria-pressed", String(source === this.#model.get("source")));
      button.textContent = `${SOURCE_WORDS[/** @type {keyof typeof SOURCE_WORDS} */ (source)]} ${(counts[i] ?? 0).toLocaleString("en")}`;
    });
  }

  #showSize() {
    this.#size.value = String(this.#model.get("tile_size"));
  }
}

/** @param {string} word @param {HTMLElement} field */
function labelled(word, field) {
  const label = element("label");
  label.append(element("span", "", word), field);
  return label;
}
