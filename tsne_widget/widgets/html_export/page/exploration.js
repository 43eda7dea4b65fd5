// The state of an exported page; same rules as state/explorer_state.py. No DOM.
import { combineRows } from "../../frontend/geometry.js";
import { MAX_SELECTIONS, MAX_UNDO, RESERVED_NAMES, SELECTION_COLORS } from "../../frontend/constants.js";
import { makeFields } from "./fields.js";
import { unpack } from "./record.js";
import { hiddenRows, quoted } from "./text.js";

/**
 * @typedef {{name: string, color: string, slot: number, rows: ArrayLike<number>}} Named
 * @typedef {{name: string, color?: string, slot?: number, rows: ArrayLike<number>}} Entry  a new selection has no slot
 * @typedef {{visible: Uint8Array, selected: Uint32Array, selections: Named[], colorBy: string}} Start
 * @typedef {{visible: Uint8Array, selected: Uint32Array, selections: Named[], colorBy: string, message: string,
 *   ranking: Ranking | null, hovered: number | null, focus: number | null}} State
 * @typedef {{score: string, highest_first: boolean}} Ranking  how a finder ordered the selected rows
 * @typedef {ReturnType<typeof makeExploration>} Exploration
 */

/**
 * The state that the page opens with.
 * @param {any} data  what record.py and content.py wrote
 * @param {import("./record.js").SharedRecord} record
 * @returns {Start}
 */
export function startOf(data, record) {
  return {
    visible: Uint8Array.from(record.printableNames, (_, code) => Number(!data.hidden.includes(code))),
    selected: unpack(data.selected),
    selections: data.selections.map((/** @type {any} */ one) => ({ ...one, rows: unpack(one.rows) })),
    colorBy: data.color_by || record.kind,
  };
}

/**
 * Views follow this state and write only to it. Selected rows are ascending and of visible classes.
 * @param {import("./record.js").SharedRecord} record
 * @param {Start} start
 */
export function makeExploration(record, start) {
  /** @type {State} */
  const state = {
    visible: start.visible,
    selected: start.selected.filter((row) => start.visible[record.codes[row]] === 1),
    selections: start.selections,
    colorBy: start.colorBy,
    message: "",
    ranking: null,
    hovered: null,
    focus: null,
  };
  const { put, follow } = makeFields(state);
  const isVisible = (/** @type {number} */ row) => state.visible[record.codes[row]] === 1;
  const { select, undo, redo, canTravel } = makeSelecting(state, put, isVisible);

  /** Show exactly these classes; rows of hidden classes are deselected first. */
  function show(/** @type {Uint8Array} */ visible) {
    const kept = state.selected.filter((row) => visible[record.codes[row]] === 1);
    if (kept.length < state.selected.length) select(kept);
    if (!areEqual(visible, state.visible)) put("visible", visible);
  }

  function visibleRows() {
    return Uint32Array.from({ length: record.n }, (_, row) => row).filter(isVisible);
  }

  /** Replace the named selections; if they are refused, a message says why. @param {Entry[]} entries */
  function putSelections(entries) {
    const problem = problemOf(entries);
    if (problem) return put("message", problem);
    const named = withSlots(entries);
    if (!areEqualLists(named, state.selections)) put("selections", named);
  }

  return { record, state, put, follow, select, show, isVisible, visibleRows, putSelections, undo, redo, canTravel };
}

/**
 * Changes of the selected rows, with undo and redo.
 * @param {State} state
 * @param {(name: keyof State, value: any) => void} put
 * @param {(row: number) => boolean} isVisible
 */
function makeSelecting(state, put, isVisible) {
  /** @type {Uint32Array[]} */
  let past = [];
  /** @type {Uint32Array[]} */
  let future = [];

  /** Select those rows whose class is visible; a message counts the others. */
  function setSelected(/** @type {Iterable<number>} */ rows, /** @type {Ranking | null} */ ranking = null) {
    const wanted = new Set(rows);
    const kept = Uint32Array.from(wanted).filter(isVisible).sort();
    put("message", hiddenRows(wanted.size - kept.length, wanted.size));
    if (areEqual(kept, state.selected)) return put("ranking", ranking);
    state.ranking = ranking; // before others see the new rows
    put("selected", kept);
  }

  function select(/** @type {Iterable<number>} */ rows, /** @type {string} */ mode = "replace", /** @type {Ranking | null} */ ranking = null) {
    const before = state.selected;
    setSelected(combineRows(before, Uint32Array.from(rows), mode), ranking);
    if (state.selected === before) return;
    past = [...past.slice(1 - MAX_UNDO), before];
    future = [];
  }

  /** Move to the last selection of one list; the current selection goes to the other list. */
  function travel(/** @type {Uint32Array[]} */ from, /** @type {Uint32Array[]} */ to) {
    const rows = from.pop();
    if (!rows) return;
    to.push(state.selected);
    setSelected(rows);
  }

  return { select, undo: () => travel(past, future), redo: () => travel(future, past), canTravel: () => ({ can_undo: past.length > 0, can_redo: future.length > 0 }) };
}

/** The reason why selections are refused; "" if they are accepted. @param {Entry[]} entries */
function problemOf(entries) {
  if (entries.length > MAX_SELECTIONS) return `${MAX_SELECTIONS} selections can have names, got ${entries.length}; drop some`;
  return entries.map(({ name }) => problemOfName(name)).find(Boolean) ?? "";
}

/** The reason why a name is refused; "" if it is accepted. @param {string} name */
export function problemOfName(name) {
  return RESERVED_NAMES.includes(name)
    ? `${quoted(name)} cannot name a selection, because select() uses the word; choose another name`
    : "";
}

/** Give each new entry the first free slot and the colour of that slot. @param {Entry[]} entries @returns {Named[]} */
function withSlots(entries) {
  const taken = new Set(entries.map((one) => one.slot));
  let next = 0;
  return entries.map((one) => {
    let { slot, color } = one;
    if (slot === undefined) {
      while (taken.has(next)) next += 1;
      slot = next++;
    }
    return { name: one.name, rows: one.rows, slot, color: color ?? SELECTION_COLORS[slot % SELECTION_COLORS.length] };
  });
}

/** @param {ArrayLike<number>} one @param {ArrayLike<number>} other */
function areEqual(one, other) {
  if (one.length !== other.length) return false;
  for (let k = 0; k < one.length; k++) if (one[k] !== other[k]) return false;
  return true;
}

/** @param {Named[]} one @param {Named[]} other */
function areEqualLists(one, other) {
  return one.length === other.length && one.every(({ name, rows }, k) => name === other[k].name && areEqual(rows, other[k].rows));
}
