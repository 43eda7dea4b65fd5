// The toolbar of an exported page; same as views/toolbar/view.py.
import { fold, fullCount } from "../../frontend/classes.js";
import { FINDERS, FOUND, MAX_SENTENCE } from "../../frontend/constants.js";
import { csvFile } from "./csv.js";
import { makeModel } from "./model.js";
import { printable } from "./text.js";

/** @typedef {import("./record.js").SharedRecord} SharedRecord */

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
    exploration.put("message", printable(`${none} among the visible samples${hidden}`, MAX_SENTENCE));
  }

  const model = makeModel({
    total: record.n, visible: 0, selected: 0, misclassified: -1, selected_misclassified: 0, message: "", busy: "",
    can_undo: false, can_redo: false, files: ["csv"], notes: record.notes.record,
    finders: finders.map(({ name, title, meaning }) => ({ name, title, meaning, lacking: "" })),
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
    search: ({ text, mode }) => select(matchingRows(record, text), mode, `No match for “${printable(text.trim())}”`),
  });
  exploration.follow(() => {
    const visible = exploration.visibleRows();
    model.set({
      visible: visible.length, misclassified: isJudged ? mistakes(visible) : -1, selected: state.selected.length,
      selected_misclassified: mistakes(state.selected), message: state.message, ...exploration.canTravel(),
    });
  }, "visible", "selected", "message");
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

/** Rows whose id, path or class matches a text; same as matching_rows() in analysis/text_search.py. */
function matchingRows(/** @type {SharedRecord} */ record, /** @type {string} */ text) {
  const { ids, names, labels, predictions, paths, n } = record;
  const wanted = text.trim();
  const id = /^#?(\d{1,18})$/.exec(wanted)?.[1].replace(/^0+(?=\d)/, "");
  const isOnlyId = wanted.startsWith("#") && id !== undefined;
  const folded = isOnlyId ? "" : fold(wanted);
  const isNamed = names.map((name) => folded !== "" && fold(name).includes(folded));
  const hasName = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => Boolean(codes && codes[row] >= 0 && isNamed[codes[row]]);
  return Uint32Array.from({ length: n }, (_, row) => row).filter((row) => (
    (id !== undefined && String(ids[row]) === id)
    || hasName(labels, row) || hasName(predictions, row)
    || Boolean(folded && paths && fold(paths[row]).includes(folded))
  ));
}
