// The gallery of an exported page; same as views/gallery/view.py.
import { PICKED_MODES } from "../../frontend/constants.js";
import { Arrangement } from "./arrangement.js";
import { asView } from "./counting.js";
import { makeModel } from "./model.js";
import { sortsOf } from "./ordering.js";
import { makePicks } from "./picks.js";
import { needs } from "./text.js";
import { detailsOf, probabilitiesOf } from "./tiles.js";

// Pixels of every picture in a reply. The page has one size, which is larger than any tile requests.
const ANY_SIZE = 1024;
const NO_PICTURES = "This page was written without pictures";

/** @typedef {(row: number) => {tile: any, picture: Uint8Array}} TileOf */

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {TileOf} tileOf
 */
export function makeGalleryModel(exploration, tileOf) {
  return new Gallery(exploration, tileOf).model;
}

/** Answers the messages of the gallery and keeps its traits up to date. */
class Gallery {
  /** Whether the user has chosen the source; until then the source follows the selection. */
  #isSourceChosen = false;
  /** Row under the pointer in the gallery. @type {number | null} */
  #hovering = null;

  /**
   * @param {import("./exploration.js").Exploration} exploration
   * @param {TileOf} tileOf
   */
  constructor(exploration, tileOf) {
    const { record, state } = exploration;
    const sorts = sortsOf(record);
    this.exploration = exploration;
    this.tileOf = tileOf;
    this.picks = makePicks(record.n);
    this.arrangement = new Arrangement(record, sorts);
    const model = makeModel(startValues(record, sorts), this.#handlers());
    this.model = model;
    exploration.follow(() => this.#showSource(), "selected", "visible");
    exploration.follow(() => model.set({ focus_index: this.arrangement.placeOf(state.focus), focus: state.focus }), "focus");
    exploration.follow(() => model.set("hovered", state.hovered), "hovered");
  }

  /** @returns {Record<string, (content: any) => void>} handlers by kind of message */
  #handlers() {
    const { exploration, arrangement } = this;
    return {
      tiles: (content) => this.#sendTiles(content),
      expect() {}, // every request is answered at once
      arrange: (content) => this.#choose(content),
      hover: ({ row }) => this.#hover(row),
      open(content) { if (arrangement.isCurrent(content)) exploration.put("focus", arrangement.rows[content.index]); },
      focus: ({ row }) => exploration.put("focus", row),
      look: ({ row }) => this.#look(row),
      pick: (content) => this.#pick(content),
      picked: ({ do: action }) => this.#usePicks(action),
    };
  }

  #sendTiles(/** @type {any} */ content) {
    const { rows, epoch } = this.arrangement;
    if (!this.arrangement.isCurrent(content)) return; // for an older order; the view asks again
    const { start, stop } = content;
    const made = Array.from(rows.subarray(start, stop), this.tileOf);
    this.model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles: made.map(({ tile }) => tile) }, [joined(made)]);
  }

  #hover(/** @type {number | null} */ row) {
    const before = this.#hovering;
    this.#hovering = row;
    // The pointer may already be over a point of the map.
    if (row !== null || this.exploration.state.hovered === before) this.exploration.put("hovered", row);
  }

  /** Send the details of the row in focus. */
  #look(/** @type {number} */ row) {
    const { record, state } = this.exploration;
    if (row !== state.focus) return;
    const { tile, picture } = this.tileOf(row);
    this.model.reply({ kind: "look", row, tile, details: detailsOf(record, row), probabilities: probabilitiesOf(record, row) }, [asView(picture)]);
  }

  #pick(/** @type {any} */ content) {
    if (!this.arrangement.isCurrent(content)) return;
    this.picks.pick(this.arrangement.rows, content.index, content.range);
    this.#showPicks();
  }

  /** Unpick all tiles, and select their rows if the action says so. */
  #usePicks(/** @type {string} */ action) {
    const chosen = this.picks.take();
    this.#showPicks();
    const mode = PICKED_MODES[action];
    if (mode && chosen.length) this.exploration.select(chosen, mode);
  }

  #showPicks() {
    this.model.set(this.picks.show(this.arrangement.rows));
  }

  #choose(/** @type {any} */ { source, sort, group, descending, size }) {
    this.#isSourceChosen ||= Boolean(source);
    const chosen = {
      source, group_by: group, tile_size: size, sorted_by: sort,
      descending: descending ?? (sort && this.arrangement.sortBy(sort).descending),
    };
    this.model.set(Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)));
    if (source || sort || group || descending !== undefined) this.#arrange();
  }

  #sourceRows() {
    return this.model.get("source") === "selection" ? this.exploration.state.selected : this.exploration.visibleRows();
  }

  /** Sort and group the rows of the source. */
  #arrange() {
    const { model, arrangement } = this;
    const groups = arrangement.arrange(this.#sourceRows(), model.get("sorted_by"), model.get("descending"), model.get("group_by"));
    this.#showPicks();
    const focus = arrangement.placeOf(this.exploration.state.focus);
    model.set({ count: arrangement.rows.length, groups, focus_index: focus, epoch: arrangement.epoch });
  }

  /** Sort and group the rows of the source if they have changed. */
  #showSource() {
    const { selected } = this.exploration.state;
    this.model.set("source_counts", [selected.length, this.exploration.visibleRows().length]);
    if (!this.#isSourceChosen) this.model.set("source", selected.length ? "selection" : "visible");
    if (!this.arrangement.isOf(this.#sourceRows())) this.#arrange();
  }
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
