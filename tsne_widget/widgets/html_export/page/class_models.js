// The models of legend, confusion matrix and toolbar of a shared page: what legend.py, confusion.py
// and toolbar.py do in a notebook.
import { fold } from "../../frontend/classes.js";
import { accuraciesOf, asView, confusionOf, countedCodes, packBits } from "./counting.js";
import { makeModel } from "./model.js";
import { shownText } from "./record.js";

/** @typedef {import("./exploration.js").Exploration} Exploration */

const TITLES = { label: "Classes", prediction: "Predicted classes", "": "" };

/** @param {Exploration} exploration */
export function makeLegendModel(exploration) {
  const { record, state } = exploration;
  const classes = record.shownNames.length;
  const counts = countedCodes(record.codes, null, classes);
  /** @type {{code: number, wasAlone: boolean, selected: Uint32Array} | null} */
  let toggled = null; // what the last click found: the second of a double click takes it back

  function turn(/** @type {number[]} */ codes, /** @type {(flag: number) => number} */ to) {
    const visible = Uint8Array.from(state.visible);
    for (const code of codes) visible[code] = to(visible[code]);
    exploration.show(visible);
  }

  const isAlone = (/** @type {number} */ code) => state.visible[code] === 1 && state.visible.reduce((sum, flag) => sum + flag, 0) === 1;

  const model = makeModel({
    title: TITLES[record.kind], names: record.shownNames, colors: record.colors, counts: Array.from(counts),
    accuracies: asView(accuraciesOf(record, counts)), visible: null, selected_counts: null, is_key: true, sorted_by: "order",
  }, {
    toggle({ code }) {
      const selected = state.selected.filter((row) => record.codes[row] === code);
      toggled = { code, wasAlone: isAlone(code), selected };
      turn([code], (flag) => 1 - flag);
    },
    only({ code, second_click: isSecond }) {
      const before = isSecond && toggled?.code === code ? toggled : null;
      toggled = null;
      const wasAlone = before ? before.wasAlone : isAlone(code);
      exploration.show(state.visible.map((_, k) => Number(wasAlone || k === code)));
      if (before?.selected.length) exploration.select(before.selected, "add");
    },
    all: ({ visible }) => exploration.show(state.visible.map(() => Number(visible))),
    show: ({ codes, visible }) => turn(codes, () => Number(visible)),
    invert: ({ codes }) => turn(codes, (flag) => 1 - flag),
  });
  exploration.follow(() => model.set("visible", packBits(state.visible)), "visible");
  exploration.follow(() => model.set("selected_counts", asView(countedCodes(record.codes, state.selected, classes))), "selected");
  exploration.follow(() => model.set("is_key", [record.kind, "prediction"].includes(state.colorBy)), "colorBy");
  return model;
}

/** @param {Exploration} exploration */
export function makeConfusionModel(exploration) {
  const { record, state } = exploration;
  const { labels, predictions } = record;
  const missing = [labels ? "" : "labels", predictions ? "" : "predictions"].filter(Boolean).join(" and ");
  const c = record.names.length;

  function choose(/** @type {(row: number) => boolean} */ fits, /** @type {string} */ mode) {
    exploration.select(exploration.visibleRows().filter((row) => labels && labels[row] >= 0 && fits(row)), mode);
  }

  const model = makeModel({
    names: record.shownNames.slice(0, c), lacking: missing && `The confusion of classes needs ${missing}.`,
    counts: null, chosen: null, report: null, chosen_report: null, pairs: null, chosen_pairs: null,
    counts_selection: false, shows_shares: false,
  }, {
    cell: ({ label, prediction, mode }) => choose((row) => labels?.[row] === label && predictions?.[row] === prediction, mode),
    label: ({ code, mode }) => choose((row) => labels?.[row] === code, mode),
    prediction: ({ code, mode }) => choose((row) => predictions?.[row] === code, mode),
  });
  if (!labels || !predictions) return model;
  exploration.follow(() => {
    const { table, report, pairs } = confusionOf(labels, predictions, exploration.visibleRows(), c);
    model.set({ counts: table, report, pairs });
  }, "visible");
  exploration.follow(() => {
    const { selected } = state;
    const found = selected.length ? confusionOf(labels, predictions, selected, c) : { table: null, report: null, pairs: null };
    model.set({ chosen: found.table, chosen_report: found.report, chosen_pairs: found.pairs });
  }, "selected");
  return model;
}

/** @param {Exploration} exploration */
export function makeToolbarModel(exploration) {
  const { record, state } = exploration;
  const isJudged = Boolean(record.labels && record.predictions);
  const mistakes = (/** @type {Uint32Array} */ rows) => rows.reduce((sum, row) => sum + record.wrong[row], 0);

  function select(/** @type {Uint32Array} */ rows, /** @type {string} */ mode, /** @type {string} */ none) {
    const among = rows.filter(exploration.isShown);
    if (among.length) exploration.select(among, mode);
    else exploration.put("message", `${none} among the samples shown${rows.length ? `; ${rows.length.toLocaleString("en")} in hidden classes` : ""}`);
  }

  const model = makeModel({
    total: record.n, shown: 0, selected: 0, misclassified: -1, selected_misclassified: 0, message: "", busy: "",
    maps: [], map: -1, home: "",
    fit: { condition: "none", title: "", iteration: 0, total: 0, divergence: null },
    lenses: record.lenses.map(({ name, title, meaning }) => ({ name, title, meaning, lacking: "" })),
  }, {
    misclassified: () => exploration.select(exploration.visibleRows().filter((row) => record.wrong[row])),
    clear: () => exploration.select([]),
    lens({ name, mode }) {
      const lens = record.lenses.find((one) => one.name === name);
      if (lens) select(foundBy(lens, record, exploration.visibleRows()), mode, `${lens.title}: there are none`);
    },
    search: ({ text, mode }) => select(matching(record, text), mode, `No match for “${shownText(text.trim())}”`),
  });
  exploration.follow(() => {
    const shown = exploration.visibleRows();
    model.set({
      shown: shown.length, misclassified: isJudged ? mistakes(shown) : -1, selected: state.selected.length,
      selected_misclassified: mistakes(state.selected), message: state.message,
    });
  }, "visible", "selected", "message");
  return model;
}

/** What a lens finds among some rows. @returns {Uint32Array} */
function foundBy(/** @type {import("./record.js").Lens} */ lens, /** @type {any} */ record, /** @type {Uint32Array} */ among) {
  const rows = lens.only_wrong ? among.filter((row) => record.wrong[row]) : among;
  const values = record.scores.get(lens.score)?.values;
  if (!values) return rows;
  const known = rows.filter((row) => !Number.isNaN(values[row]));
  return known.sort((a, b) => (lens.highest ? values[b] - values[a] : values[a] - values[b]) || a - b).slice(0, lens.limit);
}

/** Rows whose path or class has a text in it, or whose id it is; #12 is an id and nothing else. */
function matching(/** @type {import("./record.js").SharedRecord} */ record, /** @type {string} */ text) {
  const wanted = text.trim();
  const id = /^#?(\d{1,18})$/.exec(wanted)?.[1].replace(/^0+(?=\d)/, "");
  const folded = fold(wanted);
  const named = record.names.map((name) => fold(name).includes(folded));
  const hasName = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => Boolean(codes && codes[row] >= 0 && named[codes[row]]);
  return Uint32Array.from({ length: record.n }, (_, row) => row).filter((row) => {
    if (id !== undefined && String(record.ids[row]) === id) return true;
    if (wanted.startsWith("#") && id !== undefined) return false;
    return hasName(record.labels, row) || hasName(record.predictions, row) || Boolean(record.paths && fold(record.paths[row]).includes(folded));
  });
}
