// The legend of an exported page; same as views/legend/view.py.
import { LEGEND_TITLES } from "../../frontend/constants.js";
import { accuraciesOf, asView, countedCodes, packBits } from "./counting.js";
import { makeModel } from "./model.js";

/** @param {import("./exploration.js").Exploration} exploration */
export function makeLegendModel(exploration) {
  const { record, state } = exploration;
  const classes = record.printableNames.length;
  const counts = countedCodes(record.codes, null, classes);
  /** @type {{code: number, wasAlone: boolean, selected: Uint32Array} | null} */
  let toggled = null; // the state before the last click, which a double click restores

  function turn(/** @type {number[]} */ codes, /** @type {(flag: number) => number} */ to) {
    const visible = Uint8Array.from(state.visible);
    for (const code of codes) visible[code] = to(visible[code]);
    exploration.show(visible);
  }

  const isAlone = (/** @type {number} */ code) => state.visible[code] === 1 && state.visible.reduce((sum, flag) => sum + flag, 0) === 1;

  function toggle(/** @type {any} */ { code }) {
    toggled = { code, wasAlone: isAlone(code), selected: state.selected.filter((row) => record.codes[row] === code) };
    turn([code], (flag) => 1 - flag);
  }

  function showOnly(/** @type {any} */ { code, second_click: isSecond }) {
    const before = isSecond && toggled?.code === code ? toggled : null;
    toggled = null;
    const wasAlone = before ? before.wasAlone : isAlone(code);
    exploration.show(state.visible.map((_, k) => Number(wasAlone || k === code)));
    if (before?.selected.length) exploration.select(before.selected, "add");
  }

  const model = makeModel({
    title: LEGEND_TITLES[record.kind], names: record.printableNames, colors: record.colors, counts: Array.from(counts),
    accuracies: asView(accuraciesOf(record, counts)), visible: null, selected_counts: null, is_key: true, sorted_by: "order",
  }, {
    toggle,
    only: showOnly,
    all: ({ visible }) => exploration.show(state.visible.map(() => Number(visible))),
    show: ({ codes, visible }) => turn(codes, () => Number(visible)),
    invert: ({ codes }) => turn(codes, (flag) => 1 - flag),
  });
  exploration.follow(() => model.set("visible", packBits(state.visible)), "visible");
  exploration.follow(() => model.set("selected_counts", asView(countedCodes(record.codes, state.selected, classes))), "selected");
  exploration.follow(() => model.set("is_key", [record.kind, "prediction"].includes(state.colorBy)), "colorBy");
  return model;
}
