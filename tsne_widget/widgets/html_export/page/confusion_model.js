// The confusion matrix of an exported page; same as views/confusion/view.py.
import { confusionOf } from "./counting.js";
import { makeModel } from "./model.js";
import { needs } from "./text.js";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeConfusionModel(exploration) {
  const { record, state } = exploration;
  const { labels, predictions } = record;
  const lacking = needs({ labels, predictions });
  const c = record.kind ? record.names.length : 0;
  const values = {
    names: record.printableNames.slice(0, c), lacking: lacking && `The confusion matrix ${lacking}.`,
    counts: null, chosen: null, report: null, chosen_report: null, pairs: null, chosen_pairs: null,
    counts_selection: false, shows_shares: false,
  };
  if (!labels || !predictions) return makeModel(values, {});

  /** Select counted rows: visible, with a known label. */
  function choose(/** @type {(row: number) => boolean} */ fits, /** @type {string} */ mode) {
    exploration.select(exploration.visibleRows().filter((row) => labels[row] >= 0 && fits(row)), mode);
  }

  const model = makeModel(values, {
    cell: ({ label, prediction, mode }) => choose((row) => labels[row] === label && predictions[row] === prediction, mode),
    label: ({ code, mode }) => choose((row) => labels[row] === code, mode),
    prediction: ({ code, mode }) => choose((row) => predictions[row] === code, mode),
  });
  exploration.follow(() => {
    const { table, report, pairs } = confusionOf(labels, predictions, exploration.visibleRows(), c);
    model.set({ counts: table, report, pairs });
  }, "visible");
  exploration.follow(() => {
    const found = state.selected.length ? confusionOf(labels, predictions, state.selected, c) : { table: null, report: null, pairs: null };
    model.set({ chosen: found.table, chosen_report: found.report, chosen_pairs: found.pairs });
  }, "selected");
  return model;
}
