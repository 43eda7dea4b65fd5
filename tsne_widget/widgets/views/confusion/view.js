// The confusion panel: a sentence, the matrix, the most confused pairs, and the metrics per class.
import { fullCount, percent } from "../../frontend/classes.js";
import { emptyState, segmented } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { mistakesIn, readCounts, totals, unitCounts } from "./counts.js";
import { PairList, fillSentence } from "./pairs.js";
import { ClassTable } from "./perclass.js";
import { MatrixPixels } from "./pixels.js";
import { MatrixTable } from "./table.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/picker.js").Block} Block */

const TRAITS = [
  "counts", "chosen", "report", "chosen_report", "pairs", "chosen_pairs", "spread", "chosen_spread", "order", "doubt",
  "counts_selection", "shows_shares", "by_group", "by_confusion", "units",
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
  #grouped;
  #ordered;
  /** @type {MatrixTable | null} */
  #table = null;
  /** @type {MatrixPixels | null} */
  #pixels = null; // made when it is needed first
  #drawn = ""; // the units and the order that the matrices show
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
    this.#grouped = segmented("Rows of the matrix", [{ name: "classes", text: "Classes" }, { name: "groups", text: "Groups" }], (name) => this.#put("by_group", name === "groups"));
    this.#ordered = segmented("Order of the matrix", [{ name: "given", text: "As given" }, { name: "confusion", text: "By confusion", title: "Confused classes side by side" }], (name) => this.#put("by_confusion", name === "confusion"));
    this.#grouped.root.hidden = !model.get("has_groups");
    this.#controls.append(this.#counted.root, this.#unit.root, this.#grouped.root, this.#ordered.root);
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

  /** Names of the rows of the matrix. @returns {string[]} */
  get #unitNames() {
    return this.#model.get("units").map((/** @type {[string, number[]]} */ [name]) => name);
  }

  /** Codes of the classes of each row. @returns {number[][]} */
  get #unitCodes() {
    return this.#model.get("units").map((/** @type {[string, number[]]} */ [, codes]) => codes);
  }

  /** Make the matrices anew if what they show in which order has changed. */
  #prepare() {
    const model = this.#model;
    const names = this.#unitNames;
    const drawn = JSON.stringify([names, model.get("order"), model.get("by_confusion")]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#pixels?.release();
    this.#pixels = null;
    this.#root.dataset.kind = "";
    this.#table = names.length && names.length < MANY ? this.#make(MatrixTable, model.get("by_confusion") ? model.get("order") : []) : null;
  }

  /** @template {MatrixTable | MatrixPixels} T @param {new (...args: ConstructorParameters<typeof MatrixTable>) => T} Matrix @param {number[]} order @returns {T} */
  #make(Matrix, order) {
    /** @type {T} */
    const matrix = new Matrix(this.#unitNames, order, {
      point: (place) => this.#say(place && matrix.describe(place)),
      choose: ({ rows, columns }, event) => this.#choose(matrix.unitsIn(rows), matrix.unitsIn(columns), event),
    });
    return matrix;
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
    this.#grouped.show(this.#model.get("by_group") ? "groups" : "classes");
    this.#ordered.show(this.#model.get("by_confusion") ? "confusion" : "given");
    this.#prepare();
    this.#doubt.textContent = this.#model.get("doubt");
    this.#doubt.hidden = !this.#doubt.textContent;
    if (counts.allReport.length) {
      this.#pairs.show(counts);
      this.#classes.show(counts);
    }
    this.#layOut();
  }

  get #hasPixels() {
    return this.#model.get("units").length >= MANY || (this.#table?.cellIn(this.#width) ?? 0) < READABLE_CELL;
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
    fillSentence(this.#sentence, counts, this.#names, hasPixels || this.#names.length >= MANY, (place, event) => this.#select(place, event));
    this.#unit.root.hidden = !hasMatrix;
    this.#ordered.root.hidden = !hasMatrix || hasPixels;
    if (hasPixels && hasMatrix) this.#pixels ??= this.#make(MatrixPixels, this.#model.get("order"));
    const matrix = hasPixels ? this.#pixels : this.#table;
    matrix?.resize(width);
    matrix?.show(unitCounts(counts, this.#unitCodes), isShare);
    this.#arrange(hasMatrix && matrix ? matrix.root : null, hasPixels);
  }

  /** Put the pairs before a matrix of pixels, and after a matrix of numbers. @param {HTMLElement | null} matrix @param {boolean} hasPixels */
  #arrange(matrix, hasPixels) {
    const kind = `${Boolean(matrix)} ${hasPixels}`;
    this.#heading.replaceChildren(
      element("b", "tw-title", this.#title()),
      element("span", "tw-small tw-muted", matrix ? "confused ones side by side; grey is right" : ""),
    );
    if (this.#root.dataset.kind === kind) return;
    this.#root.dataset.kind = kind;
    this.#say(null);
    if (matrix) this.#matrix.replaceChildren(matrix, this.#hint);
    const pairs = [this.#pairs.root];
    const parts = hasPixels
      ? [this.#controls, ...pairs, this.#heading, ...(matrix ? [this.#matrix] : [])]
      : [this.#controls, this.#matrix, this.#pairsHeading, ...pairs];
    this.#root.replaceChildren(this.#sentence, this.#doubt, ...parts, this.#classes.root);
  }

  /** What a matrix of many rows shows. */
  #title() {
    const [shown, c] = [this.#model.get("units").length, this.#names.length];
    if (!shown) return "No class is confused with another";
    if (this.#model.get("by_group") || shown === c) return `All ${fullCount(shown)} × ${fullCount(shown)}`;
    const { pictures, right } = totals(this.#counts.report);
    const share = percent(mistakesIn(this.#counts.table, shown) / (pictures - right));
    return `The ${fullCount(shown)} of ${fullCount(c)} classes that are confused most${share ? `: ${share} of the mistakes` : ""}`;
  }

  // ---- selecting ----

  /** Select the pictures whose labels and predictions are in these rows and columns; −1 means all of them. */
  #choose(/** @type {number[]} */ rows, /** @type {number[]} */ columns, /** @type {MouseEvent | KeyboardEvent} */ event) {
    const codes = this.#unitCodes;
    const every = () => this.#names.map((_, code) => code);
    const [labels, predictions] = [rows, columns].map((units) => (units[0] < 0 ? [-1] : units.flatMap((unit) => codes[unit])));
    if (labels.length === 1 && predictions.length === 1) return this.#select([labels[0], predictions[0]], event);
    const all = (/** @type {number[]} */ given) => (given[0] < 0 ? every() : given);
    this.#model.send({ kind: "block", labels: all(labels), predictions: all(predictions), mode: modeOf(event) });
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
