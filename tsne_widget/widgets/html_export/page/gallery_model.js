// The gallery of an exported page, as views/gallery/view.py in a notebook.
import { PICKED_MODES } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { makeModel } from "./model.js";
import { arrangedRows, sortsOf } from "./ordering.js";
import { makePicks } from "./picks.js";
import { needs } from "./text.js";
import { detailsOf, probabilitiesOf } from "./tiles.js";

// Size of every picture in a reply, pixels: larger than a tile asks for, since there is only one size.
const ANY_SIZE = 1024;
const NO_PICTURES = "This page was written without pictures";

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {(row: number) => {tile: any, picture: Uint8Array}} tileOf
 */
export function makeGalleryModel(exploration, tileOf) {
  const { record, state } = exploration;
  const sorts = sortsOf(record);
  const picks = makePicks(record.n);
  let rows = new Uint32Array(0); // in order
  /** @type {Uint32Array | null} */
  let among = null; // the arranged rows, ascending
  let epoch = 0;
  let isSourceChosen = false; // until then the source follows the selection
  let hovering = /** @type {number | null} */ (null); // row under the pointer in the gallery

  const isCurrent = (/** @type {any} */ content) => content.epoch === epoch && rows.length > 0;
  const sortBy = (/** @type {string} */ key) => sorts.find((sort) => sort.key === key) ?? sorts[0];
  const placeOf = (/** @type {number | null} */ row) => (row === null ? -1 : rows.indexOf(row));
  const sourceRows = () => (model.get("source") === "selection" ? state.selected : exploration.visibleRows());
  const showPicks = () => model.set(picks.show(rows));

  const model = makeModel(startValues(record, sorts), {
    tiles(content) {
      if (!isCurrent(content)) return; // for another order: the view asks again
      const { start, stop } = content;
      const made = Array.from(rows.subarray(start, stop), tileOf);
      model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles: made.map(({ tile }) => tile) }, [joined(made)]);
    },
    expect() {}, // every request is answered at once
    arrange: choose,
    hover({ row }) {
      const before = hovering;
      hovering = row;
      // A pointer that left for the map may already be over another point there.
      if (row !== null || state.hovered === before) exploration.put("hovered", row);
    },
    open(content) { if (isCurrent(content)) exploration.put("focus", rows[content.index]); },
    focus: ({ row }) => exploration.put("focus", row),
    look({ row }) {
      if (row !== state.focus) return;
      const { tile, picture } = tileOf(row);
      model.reply({ kind: "look", row, tile, details: detailsOf(record, row), probabilities: probabilitiesOf(record, row) }, [asView(picture)]);
    },
    pick(content) {
      if (!isCurrent(content)) return;
      picks.pick(rows, content.index, content.range);
      showPicks();
    },
    picked({ do: action }) {
      const chosen = picks.take();
      showPicks();
      const mode = PICKED_MODES[action];
      if (mode && chosen.length) exploration.select(chosen, mode);
    },
  });

  function choose(/** @type {any} */ { source, sort, group, descending, size }) {
    isSourceChosen ||= Boolean(source);
    const chosen = {
      source, group_by: group, tile_size: size, sorted_by: sort,
      descending: descending ?? (sort && sortBy(sort).descending),
    };
    model.set(Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)));
    if (source || sort || group || descending !== undefined) arrange();
  }

  /** Put the source's rows into their order; tiles of older epochs are stale. */
  function arrange() {
    among = sourceRows();
    const found = arrangedRows(among, sortBy(model.get("sorted_by")), model.get("descending"), model.get("group_by"), record);
    rows = found.rows;
    epoch += 1;
    showPicks();
    model.set({ count: rows.length, groups: found.groups, focus_index: placeOf(state.focus), epoch });
  }

  /** Arrange the source's rows if they are others than before. */
  function showSource() {
    model.set("source_counts", [state.selected.length, exploration.visibleRows().length]);
    if (!isSourceChosen) model.set("source", state.selected.length ? "selection" : "shown");
    const wanted = sourceRows();
    if (!among || wanted.length !== among.length || wanted.some((row, k) => row !== among?.[k])) arrange();
  }

  exploration.follow(showSource, "selected", "visible");
  exploration.follow(() => model.set({ focus_index: placeOf(state.focus), focus: state.focus }), "focus");
  exploration.follow(() => model.set("hovered", state.hovered), "hovered");
  return model;
}

/** The traits of a gallery without tiles. */
function startValues(/** @type {import("./record.js").SharedRecord} */ record, /** @type {import("./ordering.js").Sort[]} */ sorts) {
  const { labels, predictions, hasImages, notes } = record;
  return {
    count: 0, epoch: 0, coming: -1, groups: [], has_images: hasImages,
    note: notes.pictures || (hasImages ? "" : NO_PICTURES),
    source: "selection", source_counts: [0, 0],
    sorts: sorts.map(({ key, name, lacks }) => ({ key, name, lacks })), sorted_by: "dataset", descending: false, sort_note: "",
    groupings: [
      { key: "none", lacks: "" },
      { key: "label", lacks: needs({ labels }) },
      { key: "prediction", lacks: needs({ predictions }) },
      { key: "confusion", lacks: needs({ labels, predictions }) },
    ],
    group_by: "none", tile_size: 96, hovered: null, focus: null, focus_index: -1, picked: 0, picks: null, picks_start: 0,
  };
}

/** The concatenated bytes of some pictures. */
function joined(/** @type {{picture: Uint8Array}[]} */ made) {
  const all = new Uint8Array(made.reduce((sum, { picture: bytes }) => sum + bytes.length, 0));
  let offset = 0;
  for (const { picture: bytes } of made) {
    all.set(bytes, offset);
    offset += bytes.length;
  }
  return asView(all);
}
