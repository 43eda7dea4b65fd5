// The model of the named selections of a shared page: what selections.py does in a notebook.
import { asView } from "./counting.js";
import { makeModel } from "./model.js";
import { shownText } from "./record.js";

const MAX_CHARACTERS = 80;
const MAX_SELECTIONS = 200;

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {string[]} colors  that new selections get
 */
export function makeSelectionsModel(exploration, colors) {
  const { state } = exploration;
  /** @type {{one: import("./exploration.js").Named, place: number} | null} */
  let dropped = null;
  let epoch = 0;

  const listed = (/** @type {any} */ content) => (content.epoch === epoch ? state.selections[content.index] : undefined);
  const put = (/** @type {import("./exploration.js").Named[]} */ selections) => exploration.put("selections", selections);

  function freeColor() {
    const taken = new Set(state.selections.map((one) => one.color));
    return colors.find((color) => !taken.has(color)) ?? colors[state.selections.length % colors.length];
  }

  const model = makeModel({ epoch, names: [], colors: [], counts: [], selected: 0, overlaps: null, dropped: "", max_characters: MAX_CHARACTERS }, {
    name({ name }) {
      const before = state.selections.findIndex((one) => one.name === name);
      const made = { name, color: state.selections[before]?.color ?? freeColor(), rows: state.selected };
      if (before >= 0) put(state.selections.map((one, k) => (k === before ? made : one)));
      else if (state.selections.length < MAX_SELECTIONS) put([...state.selections, made]);
      else exploration.put("message", `${MAX_SELECTIONS} selections can have names; delete some`);
    },
    select(content) {
      const one = listed(content);
      if (one) exploration.select(one.rows, content.mode);
    },
    rename(content) {
      const one = listed(content);
      if (!one) return;
      if (state.selections.some((other) => other.name === content.name)) exploration.put("message", `there is a selection “${shownText(content.name)}” already`);
      else put(state.selections.map((other) => (other === one ? { ...one, name: content.name } : other)));
    },
    drop(content) {
      const one = listed(content);
      if (!one) return;
      dropped = { one, place: state.selections.indexOf(one) };
      put(state.selections.filter((other) => other !== one));
    },
    restore() {
      if (dropped) put([...state.selections.slice(0, dropped.place), dropped.one, ...state.selections.slice(dropped.place)]);
    },
    undo: exploration.undo,
    redo: exploration.redo,
  });

  function showSelected() {
    const selected = new Set(state.selected);
    const overlaps = state.selections.map(({ rows }) => rows.reduce((sum, row) => sum + Number(selected.has(row)), 0));
    model.set({ selected: selected.size, overlaps: asView(Uint32Array.from(overlaps)) });
  }

  exploration.follow(() => {
    if (dropped && state.selections.some((one) => one.name === dropped?.one.name)) dropped = null;
    epoch += 1;
    model.set({
      names: state.selections.map((one) => shownText(one.name)), colors: state.selections.map((one) => one.color),
      counts: state.selections.map((one) => one.rows.length), dropped: dropped ? shownText(dropped.one.name) : "", epoch,
    });
    showSelected();
  }, "selections");
  exploration.follow(showSelected, "selected");
  return model;
}
