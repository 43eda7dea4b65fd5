// The diagnosis of an exported page, without what needs neighbours in feature space; same as views/diagnosis/view.py.
import { DIAGNOSIS_PAIRS, MAX_SENTENCE, MAX_SHORTCUTS } from "../../frontend/constants.js";
import { fullCount, percent } from "../../frontend/classes.js";
import { comparedProperties } from "./contrast.js";
import { contrastReport } from "./contrast_report.js";
import { confusionOf } from "./counting.js";
import { makeModel } from "./model.js";
import { printable } from "./text.js";

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {import("./model.js").Model} frame  says which panel is open
 */
export function makeDiagnosisModel(exploration, frame) {
  const { record, state } = exploration;
  const { labels, predictions, wrong } = record;
  const columns = comparedProperties(record);
  let [compared, isStale] = ["", true];
  /** @type {Map<string, number[]>} */
  let differing = new Map();
  const model = makeModel({
    lacking: Object.entries({ labels, predictions }).filter(([, codes]) => !codes).map(([name]) => name).join(" and "),
    doubt: record.confusion.doubt, verdict: "", summary: "", pairs: [], causes: [],
    contrasts: [], no_difference: "", compared: [], against: "", shortcuts: [], shortcuts_note: "",
    trust: [], trust_sentence: "", trust_lacking: "", cluster: "", findings: [], layer: "", title: "", has_selection: false,
    cost: "", is_waiting: false, is_running: false, evidence: { total: 0 },
  }, {
    pair({ label, prediction, mode }) {
      const among = state.selected.length && mode === "replace" ? state.selected : exploration.visibleRows();
      exploration.select(among.filter((row) => labels?.[row] === label && predictions?.[row] === prediction), mode);
    },
    color({ name }) {
      if ([...model.get("contrasts"), ...model.get("shortcuts")].some((one) => one.name === name)) exploration.put("colorBy", name);
    },
    compare({ name }) {
      compared = name;
      show();
    },
    contrast({ name, mode }) {
      const rows = differing.get(name);
      if (rows) exploration.select(rows, mode);
    },
  });

  function show() {
    isStale = true;
    if (frame.get("panel") !== "diagnosis") return;
    isStale = false;
    const [here, visible] = [state.selected, exploration.visibleRows()];
    const { traits, rows } = contrastReport(exploration, columns, compared);
    differing = rows;
    model.set({
      ...traits, ...shortcutsOf(record, here), ...mistakesOf(record, here.length ? here : visible, here.length ? visible : null),
      title: `${here.length ? `${fullCount(here.length)} selected, compared with ` : ""}all ${fullCount(visible.length)} visible`,
      has_selection: here.length > 0,
    });
  }

  exploration.follow(show, "selected", "visible");
  frame.on("change:panel", () => { if (isStale) show(); });
  return model;

  /** How many are wrong, and the most frequent confusions. @param {import("./record.js").SharedRecord} given @param {Uint32Array} rows @param {Uint32Array | null} visible  of a selection */
  function mistakesOf({ names, printableNames }, rows, visible) {
    if (!labels || !predictions) return { summary: "", pairs: [] };
    const share = (/** @type {Uint32Array} */ some) => some.reduce((count, row) => count + wrong[row], 0) / some.length;
    const count = rows.reduce((found, row) => found + wrong[row], 0);
    const line = `${fullCount(count)} of ${fullCount(rows.length)} ${count === 1 ? "is" : "are"} wrong, ${percent(share(rows))}`;
    const { pairs } = confusionOf(labels, predictions, rows, names.length, []);
    const numbers = new Uint32Array(pairs.buffer, pairs.byteOffset, Math.min(3 * DIAGNOSIS_PAIRS, pairs.byteLength / 4));
    return {
      summary: !count ? "" : visible ? `${line} against ${percent(share(visible))} everywhere.` : `${line}.`,
      pairs: Array.from({ length: numbers.length / 3 }, (_, k) => {
        const [label, prediction, times] = numbers.subarray(3 * k, 3 * k + 3);
        return { label, prediction, count: times, text: `${printableNames[label]} → ${printableNames[prediction]}` };
      }),
    };
  }
}

/** The shortcuts, found before the page was saved, if nothing or one class is selected. @param {import("./record.js").SharedRecord} record @param {Uint32Array} rows */
function shortcutsOf({ labels, shortcuts, printableNames }, rows) {
  const classes = new Set(labels ? Array.from(rows, (row) => labels[row]) : []);
  if (!shortcuts || classes.size > 1) return { shortcuts: [], shortcuts_note: "" };
  const [only] = classes;
  const telling = shortcuts.telling.filter((/** @type {any} */ one) => !classes.size || one.label === only);
  const parts = [];
  if (telling.length > MAX_SHORTCUTS) parts.push(`${fullCount(telling.length - MAX_SHORTCUTS)} more classes: explorer.shortcuts() lists them.`);
  if (!telling.length) parts.push(`No property alone tells ${only >= 0 ? printableNames[only] : "a class"}.`);
  if (shortcuts.few && !classes.size) parts.push(shortcuts.few);
  return { shortcuts: telling.slice(0, MAX_SHORTCUTS).map((/** @type {any} */ one) => one.shown), shortcuts_note: printable([...parts, ...shortcuts.untested].join(" "), MAX_SENTENCE) };
}
