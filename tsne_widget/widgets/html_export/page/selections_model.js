// The named selections of an exported page, as views/selections/view.py in a notebook.
import { MAX_CHARACTERS } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { problemOfName } from "./exploration.js";
import { makeModel } from "./model.js";
import { printable, quoted } from "./text.js";

/** @typedef {import("./exploration.js").Named} Named */

/** @param {import("./exploration.js").Exploration} exploration */
export function makeSelectionsModel(exploration) {
  const { state } = exploration;
  /** @type {{one: Named, place: number} | null} */
  let dropped = null; // the last one, for restore
  let epoch = 0;

  const listed = (/** @type {any} */ content) => (content.epoch === epoch ? state.selections[content.index] : undefined);

  function name(/** @type {any} */ content) {
    const wanted = content.name.trim();
    const isKnown = state.selections.some((one) => one.name === wanted);
    const rows = state.selected;
    exploration.putSelections(isKnown
      ? state.selections.map((one) => (one.name === wanted ? { ...one, rows } : one))
      : [...state.selections, { name: wanted, rows }]);
  }

  function rename(/** @type {any} */ content) {
    const [one, wanted] = [listed(content), content.name.trim()];
    if (!one || one.name === wanted) return;
    const isTaken = state.selections.some((other) => other.name === wanted);
    const problem = problemOfName(wanted)
      || (isTaken && `there is a selection ${quoted(wanted)} already; choose another name, or drop it first`);
    if (problem) exploration.put("message", problem);
    else exploration.putSelections(state.selections.map((other) => (other === one ? { ...one, name: wanted } : other)));
  }

  function drop(/** @type {any} */ content) {
    const one = listed(content);
    if (!one) return;
    dropped = { one, place: state.selections.indexOf(one) };
    exploration.putSelections(state.selections.filter((other) => other !== one));
  }

  function restore() {
    if (!dropped) return;
    const { one: { name: itsName, rows }, place } = dropped;
    exploration.putSelections([...state.selections.slice(0, place), { name: itsName, rows }, ...state.selections.slice(place)]);
  }

  const model = makeModel({ epoch, names: [], colors: [], counts: [], selected: 0, overlaps: null, dropped: "", max_characters: MAX_CHARACTERS }, {
    name, rename, drop, restore,
    select(content) {
      const one = listed(content);
      if (one) exploration.select(Array.from(one.rows), content.mode);
    },
    undo: exploration.undo,
    redo: exploration.redo,
  });

  function showSelected() {
    const selected = new Set(state.selected);
    const overlaps = state.selections.map(({ rows }) => Array.from(rows).filter((row) => selected.has(row)).length);
    model.set({ selected: selected.size, overlaps: asView(Uint32Array.from(overlaps)) });
  }

  exploration.follow(() => {
    if (dropped && state.selections.some((one) => one.name === dropped?.one.name)) dropped = null;
    epoch += 1;
    model.set({
      names: state.selections.map((one) => printable(one.name)), colors: state.selections.map((one) => one.color),
      counts: state.selections.map((one) => one.rows.length), dropped: dropped ? printable(dropped.one.name) : "", epoch,
    });
    showSelected();
  }, "selections");
  exploration.follow(showSelected, "selected");
  return model;
}
