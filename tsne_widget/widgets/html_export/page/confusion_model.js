// The confusion matrix of an exported page; same as views/confusion/view.py.
import { confusionOf } from "./counting.js";
import { makeModel } from "./model.js";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeConfusionModel(exploration) {
  const { record, state } = exploration;
  const { labels, predictions } = record;
  const lacking = Object.entries({ labels, predictions }).filter(([, codes]) => !codes).map(([name]) => name).join(" and ");
  const c = record.kind ? record.names.length : 0;
  const values = {
    names: record.printableNames.slice(0, c), colors: record.colors.slice(0, c), lacking, ...record.confusion,
    counts: null, chosen: null, report: null, chosen_report: null, pairs: null, chosen_pairs: null, spread: [], chosen_spread: [],
    counts_selection: false, shows_shares: false,
  };
  if (!labels || !predictions) return makeModel(values, {});

  /** Select counted rows: visible, with a known label. */
  function choose(/** @type {(row: number) => boolean} */ fits, /** @type {string} */ mode) {
    exploration.select(exploration.visibleRows().filter((row) => labels[row] >= 0 && fits(row)), mode);
  }

  const model = makeModel(values, {
    cell: ({ label, prediction, mode }) => choose((row) => labels[row] === label && predictions[row] === prediction, mode),
    block: ({ labels: rows, predictions: columns, mode }) => choose((row) => rows.includes(labels[row]) && columns.includes(predictions[row]), mode),
    label: ({ code, mode }) => choose((row) => labels[row] === code, mode),
    prediction: ({ code, mode }) => choose((row) => predictions[row] === code, mode),
  });
  exploration.follow(() => {
    const { table, report, pairs, spread } = confusionOf(labels, predictions, exploration.visibleRows(), c);
    model.set({ counts: table, report, pairs, spread });
  }, "visible");
  exploration.follow(() => {
    const nothing = { table: null, report: null, pairs: null, spread: [] };
    const found = state.selected.length ? confusionOf(labels, predictions, state.selected, c) : nothing;
    model.set({ chosen: found.table, chosen_report: found.report, chosen_pairs: found.pairs, chosen_spread: found.spread });
  }, "selected");
  return model;
}
