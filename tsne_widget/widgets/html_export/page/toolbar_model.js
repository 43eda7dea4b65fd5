// The toolbar of an exported page; same as views/toolbar/view.py.
import { fullCount } from "../../frontend/classes.js";
import { FINDERS, FOUND, MAX_SENTENCE } from "../../frontend/constants.js";
import { csvFile } from "./csv.js";
import { makeModel } from "./model.js";
import { foundByText, isCondition } from "./search.js";
import { printable } from "./text.js";

/** @typedef {import("./record.js").SharedRecord} SharedRecord */

const NEEDS_KERNEL = "A condition needs the notebook. Here you can search for a class, an id or a part of a path.";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeToolbarModel(exploration) {
  const { record, state } = exploration;
  const isJudged = Boolean(record.labels && record.predictions);
  const finders = FINDERS.filter(({ score, only_misclassified: isOfMistakes }) =>
    (!score || record.scores.has(score)) && (isJudged || !isOfMistakes));
  const mistakes = (/** @type {Uint32Array} */ rows) => rows.reduce((sum, row) => sum + record.wrong[row], 0);

  /** Select those rows that are visible, or say that there are none. */
  function select(/** @type {Uint32Array} */ rows, /** @type {string} */ mode, /** @type {string} */ none, /** @type {any} */ ranking = null) {
    const among = rows.filter(exploration.isVisible);
    if (among.length) return exploration.select(among, mode, ranking);
    const hidden = rows.length ? `; ${fullCount(rows.length)} in hidden classes` : "";
    exploration.put("message", printable(`${none} among the visible pictures${hidden}`, MAX_SENTENCE));
  }

  const model = makeModel({
    total: record.n, visible: 0, selected: 0, misclassified: -1, selected_misclassified: 0, hidden: 0, message: "", busy: "", done: -1, found: "", search_error: "",
    can_undo: false, can_redo: false, files: ["csv"], notes: record.notes.record,
    finders: [],
  }, {
    misclassified: () => exploration.select(exploration.visibleRows().filter((row) => record.wrong[row])),
    clear: () => exploration.select([]),
    undo: () => exploration.undo(),
    redo: () => exploration.redo(),
    download() {
      const { name, type, text } = csvFile(exploration);
      model.reply({ kind: "file", name, type }, [new DataView(new TextEncoder().encode(text).buffer)]);
    },
    finder({ name, mode }) {
      const finder = finders.find((one) => one.name === name);
      const isRanked = Boolean(finder?.score) && ["replace", "intersect"].includes(mode);
      if (finder) select(foundBy(finder, record, exploration.visibleRows()), mode, `${finder.title}: none`, isRanked ? finder : null);
    },
    search({ text, mode }) {
      if (isCondition(record, text)) return model.set({ found: "", search_error: NEEDS_KERNEL });
      const { rows, what } = foundByText(record, text);
      const hidden = rows.filter((row) => !exploration.isVisible(row)).length;
      const note = hidden ? `, ${fullCount(hidden)} of them in hidden classes` : "";
      const said = printable(`${fullCount(rows.length)} ${what}${note}`, MAX_SENTENCE);
      if (hidden === rows.length) return model.set({ found: "", search_error: said });
      exploration.select(rows, mode);
      model.set({ found: said, search_error: "" });
    },
  });
  const count = (/** @type {typeof FINDERS[number]} */ finder, /** @type {Uint32Array} */ visible) => (
    finder.above === null ? null : foundBy(finder, record, visible).length
  );
  exploration.follow(() => {
    const visible = exploration.visibleRows();
    model.set({
      finders: finders.map((one) => ({ name: one.name, title: one.title, meaning: one.meaning, lacking: "", count: count(one, visible) })),
    });
  }, "visible");
  exploration.follow(() => {
    const visible = exploration.visibleRows();
    model.set({
      visible: visible.length, misclassified: isJudged ? mistakes(visible) : -1, selected: state.selected.length,
      selected_misclassified: mistakes(state.selected), hidden: state.chosen.length - state.selected.length,
      message: state.message, can_undo: state.canUndo, can_redo: state.canRedo,
    });
  }, "visible", "chosen", "message", "canUndo", "canRedo");
  return model;
}

/**
 * Rows that a finder finds among some rows; same as finder_rows() in analysis/finders.py.
 * @param {typeof FINDERS[number]} finder @param {SharedRecord} record @param {Uint32Array} among
 * @returns {Uint32Array}
 */
function foundBy(finder, record, among) {
  const rows = finder.only_misclassified ? among.filter((row) => record.wrong[row]) : among;
  const values = record.scores.get(finder.score)?.values;
  if (!values) return rows;
  const { above } = finder;
  const known = rows.filter((row) => (above === null ? !Number.isNaN(values[row]) : values[row] > above));
  const sign = finder.highest_first ? -1 : 1;
  return known.sort((a, b) => compare(sign * values[a], sign * values[b]) || a - b).slice(0, above === null ? FOUND : undefined);
}

/** Compare numbers; subtraction fails for infinite values, whose difference is NaN. @param {number} a @param {number} b */
function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
