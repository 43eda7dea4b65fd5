// What can change on a shared page, in one place, as ExplorerState is in a notebook. No DOM.
import { combineRows } from "../../frontend/geometry.js";
import { fullCount } from "../../frontend/classes.js";

const MAX_UNDO = 50;

/**
 * @typedef {{name: string, color: string, rows: Uint32Array}} Named
 * @typedef {ReturnType<typeof makeExploration>} Exploration
 */

/**
 * Views follow this and write only to it. Selected rows are ascending, and of classes that are shown.
 * @param {import("./record.js").SharedRecord} record
 * @param {{visible: Uint8Array, selected: Uint32Array, selections: Named[], colorBy: string}} start
 */
export function makeExploration(record, start) {
  /** @type {Map<string, (() => void)[]>} */
  const followers = new Map();
  const state = {
    visible: start.visible,
    selected: start.selected.filter((row) => start.visible[record.codes[row]] === 1),
    selections: start.selections,
    colorBy: start.colorBy,
    message: "",
    hovered: /** @type {number | null} */ (null),
    focus: /** @type {number | null} */ (null),
  };
  /** @type {Uint32Array[]} */
  let past = [];
  /** @type {Uint32Array[]} */
  let future = [];

  /** Change one thing, and call who follows it. @param {keyof typeof state} name @param {any} value */
  function put(name, value) {
    if (state[name] === value) return;
    /** @type {any} */ (state)[name] = value;
    for (const show of followers.get(name) ?? []) show();
  }

  function follow(/** @type {() => void} */ show, /** @type {(keyof typeof state)[]} */ ...names) {
    for (const name of names) followers.set(name, [...(followers.get(name) ?? []), show]);
    show();
  }

  const isShown = (/** @type {number} */ row) => state.visible[record.codes[row]] === 1;

  function setSelected(/** @type {Iterable<number>} */ rows) {
    const wanted = new Set(rows);
    const kept = Uint32Array.from(wanted).filter(isShown).sort();
    const hidden = wanted.size - kept.length;
    put("message", hidden ? `${fullCount(hidden)} of ${fullCount(wanted.size)} rows belong to hidden classes and were not selected` : "");
    if (kept.length === state.selected.length && kept.every((row, k) => row === state.selected[k])) return;
    put("selected", kept);
  }

  function select(/** @type {Iterable<number>} */ rows, /** @type {string} */ mode = "replace") {
    const before = state.selected;
    setSelected(combineRows(before, Uint32Array.from(rows), mode));
    if (state.selected === before) return;
    past = [...past.slice(1 - MAX_UNDO), before];
    future = [];
  }

  function travel(/** @type {Uint32Array[]} */ from, /** @type {Uint32Array[]} */ to) {
    const rows = from.pop();
    if (!rows) return;
    to.push(state.selected);
    setSelected(rows);
  }

  /** Show exactly these classes; rows of hidden ones leave the selection first. */
  function show(/** @type {Uint8Array} */ visible) {
    select(state.selected.filter((row) => visible[record.codes[row]] === 1));
    if (!visible.every((flag, code) => flag === state.visible[code])) put("visible", visible);
  }

  function visibleRows() {
    return Uint32Array.from({ length: record.n }, (_, row) => row).filter(isShown);
  }

  return {
    record, state, put, follow, select, show, isShown, visibleRows,
    undo: () => travel(past, future),
    redo: () => travel(future, past),
  };
}
