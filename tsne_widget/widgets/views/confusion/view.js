// The confusion panel: the matrix, the most confused pairs, and the metrics per class.
import { element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { Board } from "./board.js";
import { readCounts } from "./counts.js";
import { Header } from "./header.js";
import { ClassTable, makePairTable } from "./tables.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const TRAITS = ["counts", "chosen", "report", "chosen_report", "pairs", "chosen_pairs", "counts_selection", "shows_shares"];

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = el.appendChild(element("section", "tw-confusion tw-scroll"));
  root.setAttribute("aria-label", "Confusion matrix");
  const lacking = model.get("lacking");
  if (lacking) {
    root.appendChild(element("p", "tw-remark", lacking));
    return () => {};
  }
  const confusion = new Confusion(model, root);
  return () => confusion.release();
}

class Confusion {
  #model;
  #header;
  #board;
  #tables = element("div", "tw-tables");
  #pairTable;
  #classTable;
  #unfollow;

  /** @param {ViewModel} model @param {HTMLElement} root */
  constructor(model, root) {
    this.#model = model;
    /** @type {import("./board.js").Select} */
    const select = (place, event) => this.#select(place, event);
    this.#header = new Header(model, { update: () => this.#update(), resize: () => this.#board.schedule() });
    root.append(this.#header.root, this.#header.note);
    this.#board = new Board(model, root, { header: this.#header, counts: readCounts(model), select });
    root.append(this.#tables);
    this.#pairTable = makePairTable(this.#tables, model.get("names"), select);
    this.#classTable = new ClassTable(this.#tables, model.get("names"), select);
    this.#unfollow = follow(model, [[changesOf(...TRAITS), once(() => this.#update())]]);
    this.#update();
  }

  release() {
    this.#unfollow();
    this.#board.release();
  }

  /** Show the latest counts from the kernel. */
  #update() {
    const counts = readCounts(this.#model);
    this.#header.show(counts);
    if (counts.allReport.length) {
      this.#pairTable.show(counts);
      this.#classTable.show(counts);
    }
    this.#tables.hidden = !counts.allReport.length;
    this.#board.show(counts);
  }

  /** Select the samples of a cell; of a whole row if the column is −1, and the other way round. */
  #select(/** @type {number[]} */ [row, column], /** @type {MouseEvent | KeyboardEvent} */ event) {
    const mode = modeOf(event);
    if (column < 0) this.#model.send({ kind: "label", code: row, mode });
    else if (row < 0) this.#model.send({ kind: "prediction", code: column, mode });
    else this.#model.send({ kind: "cell", label: row, prediction: column, mode });
  }
}

export default render;
