// The state of an exported page; same rules as state/explorer_state.py. No DOM.
import { combineRows } from "../../frontend/geometry.js";
import { MAX_SELECTIONS, MAX_UNDO, MISTAKES, RESERVED_NAMES, SELECTION_COLORS } from "../../frontend/constants.js";
import { makeFields } from "./fields.js";
import { unpack } from "./record.js";
import { hiddenRows, quoted } from "./text.js";

/**
 * @typedef {{name: string, color: string, slot: number, rows: ArrayLike<number>}} Named
 * @typedef {{name: string, color?: string, slot?: number, rows: ArrayLike<number>}} Entry  a new selection has no slot
 * @typedef {{score: string, highest_first: boolean}} Ranking  how a finder ordered the selected rows
 * @typedef {{visible: Uint8Array, chosen: Uint32Array, selections: Named[], colorBy: string}} Start
 * @typedef {{visible: Uint8Array, selected: Uint32Array, chosen: Uint32Array, canUndo: boolean, canRedo: boolean, ranking: Ranking | null,
 *   selections: Named[], colorBy: string, mistakes: string, message: string, lit: ArrayLike<number> | null, hovered: number | null, focus: number | null}} State
 *   chosen: the selection, rows of hidden classes included; selected: its rows of visible classes
 * @typedef {{chosen: Uint32Array, visible: Uint8Array}} Moment  what one step of undo restores
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
    chosen: unpack(data.selected),
    selections: data.selections.map((/** @type {any} */ one) => ({ ...one, rows: unpack(one.rows) })),
    colorBy: data.color_by || record.kind,
  };
}

/**
 * Views follow this state and write only to it. Rows are ascending.
 * @param {import("./record.js").SharedRecord} record
 * @param {Start} start
 */
export function makeExploration(record, start) {
  /** @type {State} */
  const state = {
    visible: start.visible,
    chosen: start.chosen,
    selected: start.chosen.filter((row) => start.visible[record.codes[row]] === 1),
    canUndo: false,
    canRedo: false,
    selections: start.selections,
    colorBy: start.colorBy,
    mistakes: MISTAKES[0],
    message: "",
    ranking: null,
    lit: null,
    hovered: null,
    focus: null,
  };
  const { put, putAll, follow } = makeFields(state);
  const isVisible = (/** @type {number} */ row) => state.visible[record.codes[row]] === 1;
  const selecting = makeSelecting(record, state, putAll);

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

  return { record, state, put, follow, isVisible, visibleRows, putSelections, ...selecting };
}

/**
 * Changes of the selection and the visible classes, with undo and redo; same as state/selecting.py.
 * @param {import("./record.js").SharedRecord} record
 * @param {State} state
 * @param {(values: Partial<State>) => void} putAll
 */
function makeSelecting(record, state, putAll) {
  /** @type {Moment[]} */
  let past = [];
  /** @type {Moment[]} */
  let future = [];
  let steps = 0;
  const now = () => ({ chosen: state.chosen, visible: state.visible });

  /** @param {Moment} moment @param {string} message */
  function move({ chosen, visible }, message = state.message, /** @type {Ranking | null} */ ranking = null) {
    steps += 1;
    const selected = chosen.filter((row) => visible[record.codes[row]] === 1);
    putAll({
      message, chosen, ranking, canUndo: past.length > 0, canRedo: future.length > 0,
      selected: areEqual(selected, state.selected) ? state.selected : selected,
      visible: areEqual(visible, state.visible) ? state.visible : visible,
    });
  }

  /** Move to another moment, to which undo can return. */
  function change(/** @type {Moment} */ moment, /** @type {string} */ message, amends = false, /** @type {Ranking | null} */ ranking = null) {
    if (isSame(moment, now())) return putAll({ message, ranking });
    if (!amends || !past.length) past = [...past.slice(1 - MAX_UNDO), now()];
    else if (isSame(moment, past[past.length - 1])) past = past.slice(0, -1);
    future = [];
    move(moment, message, ranking);
  }

  /** Combine rows with the selection; those of hidden classes wait, and a message counts them. */
  function select(/** @type {Iterable<number>} */ rows, /** @type {string} */ mode = "replace", /** @type {Ranking | null} */ ranking = null) {
    const given = Uint32Array.from(new Set(rows)).sort();
    const hidden = ["replace", "add"].includes(mode) ? given.filter((row) => !state.visible[record.codes[row]]).length : 0;
    const chosen = Uint32Array.from(combineRows(state.chosen, given, mode)).sort();
    change({ chosen, visible: state.visible }, hiddenRows(hidden, given.length), false, ranking);
  }

  /** Show exactly these classes; rows of hidden classes are selected again once they are shown. */
  function show(/** @type {Uint8Array} */ visible, amends = false) {
    change({ chosen: state.chosen, visible }, state.message, amends, state.ranking);
  }

  /** Move to the last moment of one list; the current one goes to the other list. */
  function travel(/** @type {Moment[]} */ from, /** @type {Moment[]} */ to) {
    const moment = from.pop();
    if (!moment) return;
    to.push(now());
    move(moment, "");
  }

  return { select, show, undo: () => travel(past, future), redo: () => travel(future, past), steps: () => steps };
}

/** Whether two moments look the same on screen. @param {Moment} one @param {Moment} other */
function isSame(one, other) {
  return areEqual(one.chosen, other.chosen) && areEqual(one.visible, other.visible);
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
