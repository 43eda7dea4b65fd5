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
    names: record.printableNames.slice(0, c), colors: record.colors.slice(0, c), lacking, doubt: record.confusion.doubt,
    units: [], order: [], has_groups: record.confusion.groups.names.length > 0, by_group: false, by_confusion: false, counts: null, chosen: null, report: null, chosen_report: null, pairs: null, chosen_pairs: null, spread: [], chosen_spread: [],
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
  const unitsShown = () => (model.get("by_group") && model.get("has_groups") ? record.confusion.groups : record.confusion.classes);
  const countVisible = () => {
    const { table, report, pairs, spread } = confusionOf(labels, predictions, exploration.visibleRows(), c, unitsShown().codes);
    model.set({ counts: table, report, pairs, spread });
  };
  const countSelected = () => {
    const nothing = { table: null, report: null, pairs: null, spread: [] };
    const found = state.selected.length ? confusionOf(labels, predictions, state.selected, c, unitsShown().codes) : nothing;
    model.set({ chosen: found.table, chosen_report: found.report, chosen_pairs: found.pairs, chosen_spread: found.spread });
  };
  const showUnits = () => {
    const { names, codes, order } = unitsShown();
    model.set({ units: names.map((name, unit) => [name, codes[unit]]), order });
    countVisible();
    countSelected();
  };
  exploration.follow(countVisible, "visible");
  exploration.follow(countSelected, "selected");
  model.on("change:by_group", showUnits);
  showUnits();
  return model;
}
