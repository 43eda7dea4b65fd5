// The named selections of an exported page; same as views/selections/view.py.
import { AUTOMATIC, MAX_CHARACTERS } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { problemOfName } from "./exploration.js";
import { makeModel } from "./model.js";
import { printable, quoted } from "./text.js";

/** @typedef {import("./exploration.js").Named} Named */

/** @param {import("./exploration.js").Exploration} exploration */
export function makeSelectionsModel(exploration) {
  return new Selections(exploration).model;
}

/** Answers the messages of the view and keeps its traits up to date. */
class Selections {
  /** The selection deleted last, which can be restored. @type {{one: Named, place: number} | null} */
  #dropped = null;
  /** Version of the list; messages about older versions are ignored. */
  #epoch = 0;

  /** @param {import("./exploration.js").Exploration} exploration */
  constructor(exploration) {
    this.exploration = exploration;
    this.state = exploration.state;
    this.model = makeModel({
      epoch: 0, names: [], colors: [], counts: [], wrong: [], kept: "", selected: 0, overlaps: null, dropped: "", max_characters: MAX_CHARACTERS,
      judged: [], ...classCounts(exploration.record),
    }, {
      name: (content) => {
        this.model.set("kept", "");
        this.#name(content.name.trim());
      },
      keep: () => this.#keep(),
      rename: (content) => {
        this.model.set("kept", "");
        this.#rename(this.#listed(content), content.name.trim());
      },
      drop: (content) => this.#drop(this.#listed(content)),
      restore: () => this.#restore(),
      class: ({ code, mode }) => {
        const { labels, n } = exploration.record;
        if (labels) exploration.select(Array.from({ length: n }, (_, row) => row).filter((row) => labels[row] === code), mode);
      },
      select: (content) => {
        const one = this.#listed(content);
        if (one) exploration.select(Array.from(one.rows), content.mode);
      },
    });
    exploration.follow(() => this.#show(), "selections");
    exploration.follow(() => this.#showSelected(), "selected");
  }

  /** The selection that a message is about. @returns {Named | undefined} */
  #listed(/** @type {any} */ content) {
    return content.epoch === this.#epoch ? this.state.selections[content.index] : undefined;
  }

  /** Name the selected rows; an existing selection of this name is replaced. */
  #name(/** @type {string} */ wanted) {
    const { selected: rows, selections } = this.state;
    const isKnown = selections.some((one) => one.name === wanted);
    this.exploration.putSelections(isKnown
      ? selections.map((one) => (one.name === wanted ? { ...one, rows } : one))
      : [...selections, { name: wanted, rows }]);
  }

  /** Name the selected rows with the first number that is free. */
  #keep() {
    const names = this.state.selections.map((one) => one.name);
    if (!this.state.selected.length) return;
    let number = 1;
    while (names.includes(`${AUTOMATIC} ${number}`)) number += 1;
    const name = `${AUTOMATIC} ${number}`;
    this.#name(name);
    this.model.set("kept", this.state.selections.some((one) => one.name === name) ? name : "");
  }

  #rename(/** @type {Named | undefined} */ one, /** @type {string} */ wanted) {
    const { selections } = this.state;
    if (!one || one.name === wanted) return;
    const isTaken = selections.some((other) => other.name === wanted);
    const problem = problemOfName(wanted)
      || (isTaken && `there is a selection ${quoted(wanted)} already; choose another name, or drop it first`);
    if (problem) this.exploration.put("message", problem);
    else this.exploration.putSelections(selections.map((other) => (other === one ? { ...one, name: wanted } : other)));
  }

  #drop(/** @type {Named | undefined} */ one) {
    const { selections } = this.state;
    if (!one) return;
    this.#dropped = { one, place: selections.indexOf(one) };
    this.exploration.putSelections(selections.filter((other) => other !== one));
  }

  #restore() {
    if (!this.#dropped) return;
    const { one: { name, rows }, place } = this.#dropped;
    const { selections } = this.state;
    this.exploration.putSelections([...selections.slice(0, place), { name, rows }, ...selections.slice(place)]);
  }

  #show() {
    const { selections } = this.state;
    if (selections.some((one) => one.name === this.#dropped?.one.name)) this.#dropped = null;
    this.#epoch += 1;
    const { labels, predictions, wrong } = this.exploration.record;
    const wrongIn = (/** @type {Named} */ one) => Array.from(one.rows).reduce((sum, row) => sum + wrong[row], 0);
    if (!selections.some((one) => printable(one.name) === this.model.get("kept"))) this.model.set("kept", "");
    this.model.set({
      names: selections.map((one) => printable(one.name)), colors: selections.map((one) => one.color),
      counts: selections.map((one) => one.rows.length), wrong: labels && predictions ? selections.map(wrongIn) : [],
      judged: labels && predictions ? selections.map((one) => Array.from(one.rows).filter((row) => isJudged(this.exploration.record, row)).length) : [],
      dropped: this.#dropped ? printable(this.#dropped.one.name) : "", epoch: this.#epoch,
    });
    this.#showSelected();
  }

  /** Count the selected rows in total and in each named selection. */
  #showSelected() {
    const selected = new Set(this.state.selected);
    const overlaps = this.state.selections.map(({ rows }) => Array.from(rows).filter((row) => selected.has(row)).length);
    this.model.set({ selected: selected.size, overlaps: asView(Uint32Array.from(overlaps)) });
  }
}

/** Whether label and prediction of a row are known. @param {import("./record.js").SharedRecord} record @param {number} row */
function isJudged({ labels, predictions }, row) {
  return Boolean(labels && predictions && labels[row] >= 0 && predictions[row] >= 0);
}

/** Judged and right rows of each class and in all, which do not change. @param {import("./record.js").SharedRecord} record */
function classCounts(record) {
  const { labels, predictions, known, wrong, n, printableNames } = record;
  if (!labels || !predictions) return { whole: [], classes: [], class_counts: null };
  const counts = new Uint32Array(2 * known);
  const whole = [0, 0];
  for (let row = 0; row < n; row++) {
    if (!isJudged(record, row)) continue;
    const right = 1 - wrong[row];
    counts[2 * labels[row]]++;
    counts[2 * labels[row] + 1] += right;
    whole[0]++;
    whole[1] += right;
  }
  return { whole, classes: printableNames.slice(0, known), class_counts: asView(counts) };
}
