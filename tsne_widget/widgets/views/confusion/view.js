// The confusion panel: a sentence, the matrix, the most confused pairs, and the metrics per class.
import { fullCount } from "../../frontend/classes.js";
import { emptyState, segmented } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { describeCell, readCounts } from "./counts.js";
import { PairList, fillSentence } from "./pairs.js";
import { ClassTable } from "./perclass.js";
import { MatrixPixels } from "./pixels.js";
import { MatrixTable } from "./table.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/picker.js").Block} Block */

const TRAITS = [
  "counts", "chosen", "report", "chosen_report", "pairs", "chosen_pairs", "spread", "chosen_spread", "order", "doubt",
  "counts_selection", "shows_shares",
];
const MANY = 30; // classes, from which on the pairs come first
const READABLE_CELL = 20; // pixels; two digits fit
const KEYS = "Shift adds, Alt takes away, Ctrl keeps both. Drag over a block.";
const HINTS = { table: `Click a cell or a name to select its pictures. ${KEYS}`, pixels: `Point at a cell to read it, click to select its pictures. ${KEYS}` };

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = el.appendChild(element("section", "tw-content tw-confusion tw-scroll"));
  root.setAttribute("aria-label", "Confusion");
  const lacking = model.get("lacking");
  if (lacking) {
    const code = lacking === "labels" ? "FeatureSet.from_arrays(X, labels, predictions=p)" : "FeatureSet.from_arrays(X, y, predictions=p)";
    const sentence = "So nothing can be right or wrong. This panel counts which label is predicted as which class.";
    root.append(emptyState(`This record has no ${lacking}`, sentence, code));
    return () => {};
  }
  const confusion = new Confusion(model, root);
  return () => confusion.release();
}

class Confusion {
  #model;
  #root;
  /** @type {string[]} */
  #names;
  #sentence = element("p", "tw-say");
  #doubt = element("p", "tw-say tw-doubt");
  #controls = element("div", "tw-controls");
  #matrix = element("div", "tw-matrix-part");
  #heading = element("div", "tw-section");
  #hint = element("p", "tw-caption tw-muted tw-cellhint");
  #pairsHeading = element("b", "tw-title tw-section", "Most confused pairs");
  #counted;
  #unit;
  #pairs;
  #classes;
  #table;
  /** @type {MatrixPixels | null} */
  #pixels = null; // made when it is needed first, in the order that the kernel sends
  #counts;
  #resized = new ResizeObserver(() => this.#layOut());
  #unfollow;

  /** @param {ViewModel} model @param {HTMLElement} root */
  constructor(model, root) {
    this.#model = model;
    this.#root = root;
    this.#names = model.get("names");
    this.#counts = readCounts(model);
    const colors = model.get("colors");
    const select = (/** @type {number[]} */ place, /** @type {MouseEvent} */ event) => this.#select(place, event);
    this.#counted = segmented("Pictures counted", [{ name: "all", text: "All" }, { name: "selected", text: "Selected" }], (name) => this.#put("counts_selection", name === "selected"));
    this.#unit = segmented("Unit", [{ name: "counts", text: "Counts" }, { name: "shares", text: "% of label" }], (name) => this.#put("shows_shares", name === "shares"));
    this.#controls.append(this.#counted.root, this.#unit.root);
    this.#table = this.#names.length && this.#names.length < MANY ? this.#makeTable() : null;
    this.#pairs = new PairList(this.#names, colors, select);
    this.#classes = new ClassTable(this.#names, select);
    this.#hint.setAttribute("role", "status");
    this.#unfollow = follow(model, [[changesOf(...TRAITS), once(() => this.#update())]]);
    root.append(this.#sentence, this.#doubt, this.#controls);
    this.#update();
    this.#resized.observe(root);
  }

  release() {
    this.#unfollow();
    this.#resized.disconnect();
    this.#pixels?.release();
  }

  #put(/** @type {string} */ trait, /** @type {boolean} */ value) {
    this.#model.set(trait, value);
    this.#model.save_changes();
    this.#update();
  }

  #makeTable() {
    return new MatrixTable(this.#names, {
      point: (place) => this.#say(place && describeCell(this.#counts, this.#names, place)),
      choose: ({ rows, columns }, event) => {
        const codes = ([first, last] = rows) => Array.from({ length: last - first + 1 }, (_, k) => first + k);
        this.#choose(codes(), codes(columns), event);
      },
    });
  }

  #makePixels() {
    /** @type {MatrixPixels} */
    const pixels = new MatrixPixels(this.#names, this.#model.get("order"), {
      point: (place) => this.#say(place && pixels.describe(place)),
      choose: ({ rows, columns }, event) => this.#choose(pixels.codesIn(rows), pixels.codesIn(columns), event),
    });
    return pixels;
  }

  #say(/** @type {string | null} */ text) {
    this.#hint.textContent = text || HINTS[this.#hasPixels ? "pixels" : "table"];
  }

  // ---- showing ----

  /** Show the latest counts from the kernel. */
  #update() {
    const counts = this.#counts = readCounts(this.#model);
    this.#counted.show(counts.isSelection ? "selected" : "all");
    const selected = /** @type {HTMLButtonElement} */ (this.#counted.buttons.get("selected"));
    selected.disabled = !counts.chosenReport.length;
    selected.title = selected.disabled ? "Select some pictures first" : "Count only the selected pictures";
    this.#unit.show(this.#model.get("shows_shares") ? "shares" : "counts");
    this.#doubt.textContent = this.#model.get("doubt");
    this.#doubt.hidden = !this.#doubt.textContent;
    if (counts.allReport.length) {
      this.#pairs.show(counts);
      this.#classes.show(counts);
    }
    this.#layOut();
  }

  get #hasPixels() {
    return this.#names.length >= MANY || (this.#table?.cellIn(this.#width) ?? 0) < READABLE_CELL;
  }

  get #width() {
    const styles = getComputedStyle(this.#root);
    return this.#root.clientWidth - Number.parseFloat(styles.paddingLeft) - Number.parseFloat(styles.paddingRight);
  }

  /** Arrange the parts for the width of the panel, and draw the matrix. */
  #layOut() {
    const width = this.#width;
    if (width <= 0 || !this.#counts.allReport.length) return; // hidden, or not counted yet
    const [counts, isShare, hasPixels] = [this.#counts, this.#model.get("shows_shares"), this.#hasPixels];
    const hasMatrix = counts.all.length > 0;
    fillSentence(this.#sentence, counts, this.#names, hasPixels, (place, event) => this.#select(place, event));
    this.#unit.root.hidden = !hasMatrix;
    if (hasPixels && hasMatrix) this.#pixels ??= this.#makePixels();
    const matrix = hasPixels ? this.#pixels : this.#table;
    matrix?.resize(width);
    matrix?.show(counts, isShare);
    this.#arrange(hasMatrix && matrix ? matrix.root : null, hasPixels);
  }

  /** Put the pairs before a matrix of pixels, and after a matrix of numbers. @param {HTMLElement | null} matrix @param {boolean} hasPixels */
  #arrange(matrix, hasPixels) {
    const kind = `${Boolean(matrix)} ${hasPixels}`;
    if (this.#root.dataset.kind === kind) return;
    this.#root.dataset.kind = kind;
    const c = fullCount(this.#names.length);
    this.#heading.replaceChildren(
      element("b", "tw-title", matrix ? `All ${c} × ${c}` : `A matrix of ${c} classes is too large to draw`),
      element("span", "tw-small tw-muted", matrix ? "confused classes side by side; grey is right" : "the limit is 100"),
    );
    this.#say(null);
    if (matrix) this.#matrix.replaceChildren(matrix, this.#hint);
    const pairs = [this.#pairs.root];
    const parts = hasPixels
      ? [this.#controls, ...pairs, this.#heading, ...(matrix ? [this.#matrix] : [])]
      : [this.#controls, this.#matrix, this.#pairsHeading, ...pairs];
    this.#root.replaceChildren(this.#sentence, this.#doubt, ...parts, this.#classes.root);
  }

  // ---- selecting ----

  /** Select the pictures with these labels and predictions; a code of −1 means all of them. */
  #choose(/** @type {number[]} */ labels, /** @type {number[]} */ predictions, /** @type {MouseEvent | KeyboardEvent} */ event) {
    if (labels.length === 1 && predictions.length === 1) this.#select([labels[0], predictions[0]], event);
    else this.#model.send({ kind: "block", labels, predictions, mode: modeOf(event) });
  }

  /** Select the pictures of a cell; of a whole row if the column is −1, and the other way round. */
  #select(/** @type {number[]} */ [row, column], /** @type {MouseEvent | KeyboardEvent} */ event) {
    const mode = modeOf(event);
    if (column < 0) this.#model.send({ kind: "label", code: row, mode });
    else if (row < 0) this.#model.send({ kind: "prediction", code: column, mode });
    else this.#model.send({ kind: "cell", label: row, prediction: column, mode });
  }
}

export default render;
