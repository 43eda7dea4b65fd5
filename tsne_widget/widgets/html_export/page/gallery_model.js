// The gallery of an exported page; same as views/gallery/view.py.
import { PICKED_MODES } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { Order } from "./gallery_order.js";
import { makeModel } from "./model.js";
import { sortsOf } from "./ordering.js";
import { makePicks } from "./picks.js";
import { needs } from "./text.js";
import { tileMap } from "./tile_maps.js";
import { joined, makeTable } from "./tiles.js";

// Pixels of every picture in a reply. The page has one size, which is larger than any tile requests.
const ANY_SIZE = 1024;
const NO_PICTURES = "This page was written without pictures";

/** @typedef {ReturnType<typeof import("./tiles.js").makeTiles>} Tiles */

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {Tiles} tiles
 */
export function makeGallery(exploration, tiles) {
  return new Gallery(exploration, tiles);
}

/** Answers the messages of the gallery and keeps its traits up to date. */
export class Gallery {
  /** A selection by picked tiles keeps the source. */
  #isPicking = false;
  /** The selection that the source followed. @type {Uint32Array | null} */
  #seen = null;
  /** Whether a visible row of it was selected. */
  #hadAny = false;

  /**
   * @param {import("./exploration.js").Exploration} exploration
   * @param {Tiles} tiles
   */
  constructor(exploration, tiles) {
    const { record, state } = exploration;
    const sorts = sortsOf(record);
    this.exploration = exploration;
    this.tiles = tiles;
    this.picks = makePicks(record.n);
    this.table = makeTable(record);
    this.order = new Order(record, sorts);
    const model = makeModel({ ...startValues(record, sorts), columns: this.table.columns }, this.#handlers());
    this.model = model;
    exploration.follow(() => this.#showSource(), "selected", "visible", "ranking");
    exploration.follow(() => model.set("focus_index", this.order.placeOf(state.focus)), "focus");
    exploration.follow(() => model.set("hovered", state.hovered), "hovered");
  }

  /** The selected rows in the gallery's order, whether or not it shows them. */
  rowsOfSelection() {
    const isShown = this.model.get("source") === "selection";
    return isShown ? this.order.rows : this.order.ordered(this.exploration.state.selected, this.#groupingOf("selection")).rows;
  }

  /** @returns {Record<string, (content: any) => void>} handlers by kind of message */
  #handlers() {
    const { exploration, order } = this;
    return {
      tiles: (content) => this.#sendTiles(content),
      expect() {}, // every request is answered at once
      arrange: (content) => this.#choose(content),
      hover: hovering(exploration),
      open(content) { if (order.isCurrent(content)) exploration.put("focus", order.rows[content.index]); },
      group: (content) => this.#selectGroup(content),
      pick: (content) => this.#pick(content),
      picked: ({ do: action }) => this.#usePicks(action),
    };
  }

  #sendTiles(/** @type {any} */ content) {
    const { rows, epoch } = this.order;
    if (!this.order.isCurrent(content)) return; // for an older order; the view asks again
    const { start, stop, size } = content;
    const chosen = Array.from(rows.subarray(start, stop));
    if (size === 0) {
      const tiles = chosen.map((row) => ({ ...this.tiles.wordsOf(row), cells: this.table.cells(row) }));
      this.model.reply({ kind: "tiles", epoch, start, size: 0, tiles }, [asView(new Uint8Array(0))]);
      return;
    }
    const made = chosen.map(this.tiles.tileOf);
    const isOn = this.model.get("shows_maps");
    const tiles = made.map(({ tile }, k) => {
      const map = isOn ? tileMap(this.exploration.record, chosen[k]) : [];
      return { ...tile, value: this.order.text(chosen[k]), ...(map.length ? { map } : {}) };
    });
    this.model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles }, [joined(made)]);
  }

  #selectGroup(/** @type {any} */ { epoch, index, mode }) {
    const groups = this.model.get("groups");
    if (!this.order.isCurrent({ epoch }) || !groups.length) return;
    const start = groups.slice(0, index).reduce((/** @type {number} */ sum, /** @type {any} */ group) => sum + group[1], 0);
    this.exploration.select(this.order.rows.subarray(start, start + groups[index][1]), mode);
  }

  #pick(/** @type {any} */ content) {
    if (!this.order.isCurrent(content)) return;
    this.picks.pick(this.order.rows, content.index, content.range);
    this.#showPicks();
  }

  /** Unpick all tiles, and select their rows if the action says so. */
  #usePicks(/** @type {string} */ action) {
    const chosen = this.picks.take();
    this.#showPicks();
    const mode = PICKED_MODES[action];
    if (!mode || !chosen.length) return;
    this.#isPicking = mode === "add";
    this.exploration.select(chosen, mode);
    this.#isPicking = false;
  }

  #showPicks() {
    this.model.set(this.picks.show(this.order.rows));
  }

  #choose(/** @type {any} */ { source, sort, group, descending, size, table, maps }) {
    const { model, order } = this;
    if (size !== undefined) model.set("tile_size", size);
    if (table !== undefined) model.set("is_table", table);
    if (source) model.set("source", source);
    if (maps !== undefined) {
      model.set("shows_maps", maps);
      model.reply({ kind: "refresh" });
    }
    if (group) order.group(model.get("source"), group);
    order.choose(sort, descending);
    model.set({ sorted_by: order.by, descending: order.descending });
    if (source || sort || group || descending !== undefined || table !== undefined) this.#arrange();
  }

  #groupingOf(/** @type {string} */ source) {
    return this.model.get("is_table") ? "none" : this.order.groupingOf(source);
  }

  #sourceRows() {
    return this.model.get("source") === "selection" ? this.exploration.state.selected : this.exploration.visibleRows();
  }

  /** Sort and group the rows of the source. */
  #arrange() {
    const { model, order } = this;
    const groupBy = this.#groupingOf(model.get("source"));
    const groups = order.arrange(this.#sourceRows(), groupBy, model.get("is_table"));
    this.#showPicks();
    model.set({
      count: order.rows.length, groups, group_by: groupBy, sorted_by: order.by, descending: order.descending,
      focus_index: order.placeOf(this.exploration.state.focus), epoch: order.epoch,
    });
  }

  /** Arrange the rows of the source if they have changed, or their order. */
  #showSource() {
    const { selected, chosen, ranking } = this.exploration.state;
    this.model.set("source_counts", [selected.length, this.exploration.visibleRows().length]);
    const [isNew, isAny] = [chosen !== this.#seen, selected.length > 0];
    if ((isNew && !this.#isPicking) || isAny !== this.#hadAny) this.model.set("source", isAny ? "selection" : "visible");
    const isOther = (isNew || ranking !== this.order.ranking) && this.order.follow(ranking);
    const isGrouped = this.#groupingOf(this.model.get("source")) === this.model.get("group_by");
    this.#seen = chosen;
    this.#hadAny = isAny;
    if (isOther || !isGrouped || !this.order.isOf(this.#sourceRows())) this.#arrange();
  }
}

/** A handler of the row under the pointer of a view of pictures. @param {import("./exploration.js").Exploration} exploration */
export function hovering(exploration) {
  /** @type {number | null} */
  let last = null;
  return (/** @type {{row: number | null}} */ { row }) => {
    const before = last;
    last = row;
    // The pointer may already be over a point of the map.
    if (row !== null || exploration.state.hovered === before) exploration.put("hovered", row);
  };
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
    group_by: "none", tile_size: 0, is_table: false, has_maps: record.evidence.size > 0, shows_maps: false, hovered: null, focus_index: -1, picked: 0, picks: null, picks_start: 0,
  };
}
