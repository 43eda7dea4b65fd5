// The scores of an exported page; same as views/scores/view.py.
import { GROUP_SCORES, TITLES, TOPS } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { binCounts, binsOf } from "./histograms.js";
import { makeModel } from "./model.js";
import { binsFor, reliability } from "./reliability.js";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeScoresModel(exploration) {
  const { record, state, isVisible } = exploration;
  const { labels, predictions, wrong, calibration } = record;
  const [sure, ranks] = ["confidence", "label_rank"].map((name) => record.scores.get(name)?.values);
  const lacking = Object.entries({ logits: record.probabilities, labels }).filter(([, has]) => !has).map(([name]) => name).join(" and ");
  const shown = [...record.scores.values()].filter(({ name }) => !GROUP_SCORES.includes(name)); // their values are no amounts
  const made = shown.map(binsOf);
  const model = makeModel({
    names: record.kind ? record.printableNames.slice(0, record.known) : [], lacking, of_class: -1, bins: null, numbers: null,
    temperature: calibration?.temperature ?? 0, is_fitting: false, missing: [], counts: null,
    histograms: shown.map(({ name, title }, k) => ({ name, title: TITLES[name] ?? title, low: made[k].low, high: made[k].high })),
  }, {
    bar({ first, last, mode }) {
      const bins = boundsOf(model.get("bins"));
      const inside = (/** @type {number} */ row) => sure && sure[row] >= bins[5 * first] && sure[row] <= bins[5 * last + 1];
      exploration.select(countedRows().filter(inside), mode);
    },
    range({ name, first, last, mode }) {
      const at = shown.findIndex((one) => one.name === name);
      if (at < 0) return;
      const { codes } = made[at];
      exploration.select(exploration.visibleRows().filter((row) => codes[row] >= first && codes[row] <= last), mode);
    },
    compute() {},
  });

  /** Visible rows with a label and a prediction, of the chosen class. */
  function countedRows() {
    const code = model.get("of_class");
    return exploration.visibleRows().filter((row) => labels && predictions && labels[row] >= 0 && predictions[row] >= 0 && (code < 0 || predictions[row] === code));
  }

  function showReliability() {
    if (!sure || !ranks || lacking) return;
    const rows = countedRows();
    const right = Array.from(rows, (row) => !wrong[row]);
    const bins = binsFor(rows.length);
    const before = reliability(Array.from(rows, (row) => sure[row]), right, bins);
    const after = calibration ? reliability(Array.from(rows, (row) => calibration.confidence[row]), right, bins).error : NaN;
    const mean = rows.length ? rows.reduce((sum, row) => sum + sure[row], 0) / rows.length : NaN;
    const within = TOPS.map((/** @type {number} */ k) => rows.filter((row) => ranks[row] <= k).length);
    model.set({
      bins: asView(Float32Array.from(before.bins.flat())),
      numbers: asView(Float32Array.from([rows.length, right.filter(Boolean).length, mean, before.error, after, ...within])),
    });
  }

  exploration.follow(showReliability, "visible");
  exploration.follow(() => {
    const parts = made.map((bins) => binCounts(bins, exploration));
    const whole = new Uint32Array(parts.flatMap((part) => Array.from(new Uint32Array(part.buffer))));
    model.set("counts", asView(whole));
  }, "visible", "selected");
  model.on("change:of_class", showReliability);
  return model;
}

/** @param {DataView} view */
function boundsOf(view) {
  return new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4);
}
