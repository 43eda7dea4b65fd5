// The legend of an exported page; same as views/legend/view.py.
import { LEGEND_TITLES, MANY_CLASSES } from "../../frontend/constants.js";
import { colorChoices, currentColoring } from "./coloring.js";
import { accuraciesOf, asView, countedCodes, packBits } from "./counting.js";
import { binCounts, binsOf } from "./histograms.js";
import { makeModel } from "./model.js";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeLegendModel(exploration) {
  const { record, state } = exploration;
  const classes = record.printableNames.length;
  const counts = countedCodes(record.codes, null, classes);
  const accuracies = accuraciesOf(record, counts);
  const isRanked = classes >= MANY_CLASSES && accuracies.some(Number.isFinite);
  /** @type {{code: number, wasAlone: boolean, step: number} | null} */
  let toggled = null; // the last click; a double click makes one step of both clicks

  function turn(/** @type {number[]} */ codes, /** @type {(flag: number) => number} */ to) {
    const visible = Uint8Array.from(state.visible);
    for (const code of codes) visible[code] = to(visible[code]);
    exploration.show(visible);
  }

  const isAlone = (/** @type {number} */ code) => state.visible[code] === 1 && state.visible.reduce((sum, flag) => sum + flag, 0) === 1;

  function toggle(/** @type {any} */ { code }) {
    const wasAlone = isAlone(code);
    turn([code], (flag) => 1 - flag);
    toggled = { code, wasAlone, step: exploration.steps() };
  }

  function showOnly(/** @type {any} */ { code, second_click: isSecond }) {
    const before = isSecond && toggled?.code === code && toggled.step === exploration.steps() ? toggled : null;
    toggled = null;
    const wasAlone = before ? before.wasAlone : isAlone(code);
    exploration.show(state.visible.map((_, k) => Number(wasAlone || k === code)), before !== null);
  }

  const model = makeModel({
    title: LEGEND_TITLES[record.kind], names: record.printableNames, colors: record.colors, counts: Array.from(counts),
    accuracies: asView(accuracies), gains: null, visible: null, selected_counts: null, is_key: true, sorted_by: isRanked ? "accuracy" : "order",
    color_by: "", color_choices: [], key: {}, mistakes: "", bins: {}, bin_counts: null,
  }, {
    toggle,
    only: showOnly,
    all: ({ visible }) => exploration.show(state.visible.map(() => Number(visible))),
    show: ({ codes, visible }) => turn(codes, () => Number(visible)),
    invert: ({ codes }) => turn(codes, (flag) => 1 - flag),
    color({ name }) {
      const isPossible = model.get("color_choices").some((/** @type {string[]} */ [choice, , lacking]) => choice === name && !lacking);
      if (isPossible) exploration.put("colorBy", name);
    },
    range({ first, last, mode }) {
      const bins = coloredBins();
      if (bins) exploration.select(exploration.visibleRows().filter((row) => bins.codes[row] >= first && bins.codes[row] <= last), mode);
    },
    mistakes: ({ how }) => exploration.put("mistakes", how),
  });
  exploration.follow(() => model.set("visible", packBits(state.visible)), "visible");
  exploration.follow(() => model.set("selected_counts", asView(countedCodes(record.codes, state.chosen, classes))), "chosen");
  exploration.follow(() => model.set("is_key", [record.kind, "prediction"].includes(state.colorBy)), "colorBy");
  exploration.follow(() => model.set("mistakes", state.mistakes), "mistakes");
  exploration.follow(() => model.set("color_choices", colorChoices(record, state.selections.length)), "selections");
  exploration.follow(() => model.set({ color_by: state.colorBy, key: currentColoring(exploration).key }), "colorBy", "selections");
  exploration.follow(() => {
    const bins = coloredBins();
    model.set({ bins: bins ? { low: bins.low, high: bins.high } : {}, bin_counts: bins && binCounts(bins, exploration) });
  }, "colorBy", "visible", "selected");
  return model;

  /** The bins of the score that colours the map; null if it is none. */
  function coloredBins() {
    const score = record.scores.get(state.colorBy);
    return score ? binsOf(score) : null;
  }
}
