// The model of the gallery of a shared page: what gallery.py, tiles.py and closeup.py do in a notebook.
import { asView, packBits } from "./counting.js";
import { makeModel } from "./model.js";
import { arrangedRows, sortsOf } from "./ordering.js";
import { shownText } from "./record.js";

/** @typedef {import("./exploration.js").Exploration} Exploration */

// There is one picture of each sample: it is as large as any that a tile asks for.
const ANY_SIZE = 1024;
const PICKED_MODES = { keep: "replace", remove: "subtract", add: "add" };
const MAX_PATH = 160; // characters of a path that are shown: its end tells it from others

/**
 * What a view is told of a row, and its picture.
 * @param {import("./record.js").SharedRecord} record
 */
export function makeTiles(record) {
  return (/** @type {number} */ row) => {
    const { file, mime, width, height, note } = record.picture(row);
    const title = record.paths ? shownText(record.paths[row].split("/").pop() ?? "") : "";
    const tile = {
      row, id: record.ids[row], label: className(record, record.labels, row), prediction: className(record, record.predictions, row),
      wrong: record.wrong[row] === 1, confidence: record.scores.get("confidence")?.values[row] ?? null,
      color: record.colors[record.codes[row]], title, mime, bytes: file.length, width, height, note,
    };
    return { tile, picture: file };
  };
}

/** Name of a row's class; null where there are no codes at all. */
function className(/** @type {import("./record.js").SharedRecord} */ record, /** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) {
  if (!codes) return null;
  return codes[row] < 0 ? "unknown" : record.shownNames[codes[row]];
}

/**
 * @param {Exploration} exploration
 * @param {(row: number) => {tile: any, picture: Uint8Array}} tileOf
 */
export function makeGalleryModel(exploration, tileOf) {
  const { record, state } = exploration;
  const sorts = sortsOf(record);
  const picked = new Uint8Array(record.n);
  let anchor = -1; // the row picked last: where a range begins
  let rows = new Uint32Array(0); // in the order that is shown
  let epoch = 0;
  let isChosen = false; // a person has said what is to be shown

  const lacks = (/** @type {any[]} */ ...codes) => (codes.every(Boolean) ? "" : "needs labels and predictions");
  const model = makeModel({
    count: 0, epoch, coming: -1, groups: [], has_images: record.hasImages, note: record.notes.pictures || (record.hasImages ? "" : "This page was written without pictures"),
    source: state.selected.length ? "selection" : "shown", source_counts: [0, 0],
    sorts: sorts.map(({ key, name, lacks: lacking }) => ({ key, name, lacks: lacking })), sorted_by: "dataset", descending: false, sort_note: "",
    groupings: [
      { key: "none", lacks: "" },
      { key: "label", lacks: record.labels ? "" : "needs labels" },
      { key: "prediction", lacks: record.predictions ? "" : "needs predictions" },
      { key: "confusion", lacks: lacks(record.labels, record.predictions) },
    ],
    group_by: "none", tile_size: 96, hovered: null, focus: null, focus_index: -1, picked: 0, picks: null, picks_start: 0,
  }, {
    tiles({ epoch: asked, start, stop }) {
      if (asked !== epoch) return; // asked before the order changed: the page asks again
      const made = Array.from(rows.subarray(start, stop), tileOf);
      model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles: made.map(({ tile }) => tile) }, [joined(made)]);
    },
    expect() {}, // what is asked for is answered at once
    arrange({ source, sort, group, descending, size }) {
      if (source) isChosen = true;
      /** @type {Record<string, any>} */
      const next = {};
      if (source) next.source = source;
      if (group) next.group_by = group;
      if (size) next.tile_size = size;
      if (sort) Object.assign(next, { sorted_by: sort, descending: sortBy(sort).descending });
      if (descending !== undefined) next.descending = descending;
      model.set(next);
      if (source || sort || group || descending !== undefined) arrange();
    },
    hover: ({ row }) => exploration.put("hovered", row),
    open({ epoch: asked, index }) { if (asked === epoch) exploration.put("focus", rows[index]); },
    focus: ({ row }) => exploration.put("focus", row),
    look({ row }) {
      if (row !== state.focus) return;
      const { tile, picture } = tileOf(row);
      model.reply({ kind: "look", row, tile, details: detailsOf(record, row), probabilities: probabilitiesOf(record, row) }, [asView(picture)]);
    },
    pick({ epoch: asked, index, range }) {
      if (asked !== epoch) return;
      const first = rows.indexOf(anchor);
      if (range && anchor >= 0 && first >= 0) {
        for (const row of rows.subarray(Math.min(first, index), Math.max(first, index) + 1)) picked[row] = 1;
      } else {
        anchor = rows[index];
        picked[anchor] = 1 - picked[anchor];
      }
      showPicks();
    },
    picked({ do: action }) {
      const chosen = Uint32Array.from(picked.keys()).filter((row) => picked[row]);
      picked.fill(0);
      anchor = -1;
      showPicks();
      const mode = PICKED_MODES[/** @type {"add"} */ (action)];
      if (mode && chosen.length) exploration.select(chosen, mode);
    },
  });

  function sortBy(/** @type {string} */ key) {
    return sorts.find((sort) => sort.key === key) ?? sorts[0];
  }

  /** Put the rows into their order: from here on the view asks for other tiles. */
  function arrange() {
    const among = model.get("source") === "selection" ? state.selected : exploration.visibleRows();
    const found = arrangedRows(among, sortBy(model.get("sorted_by")), model.get("descending"), model.get("group_by"), record);
    rows = found.rows;
    epoch += 1;
    showPicks();
    model.set({ count: rows.length, groups: found.groups, focus_index: placeOf(state.focus), epoch });
  }

  function placeOf(/** @type {number | null} */ row) {
    return row === null ? -1 : rows.indexOf(row);
  }

  /** Rows that are no longer among the tiles are not picked. */
  function showPicks() {
    const flags = Uint8Array.from(rows, (row) => picked[row]);
    picked.fill(0);
    rows.forEach((row, place) => { picked[row] = flags[place]; });
    const count = flags.reduce((sum, flag) => sum + flag, 0);
    model.set({ picked: count, picks_start: 0, picks: count ? packBits(flags) : null });
  }

  function follow(/** @type {"selection" | "shown"} */ source) {
    model.set("source_counts", [state.selected.length, exploration.visibleRows().length]);
    // Until someone says otherwise: what is selected, or all where nothing is.
    const wanted = isChosen ? model.get("source") : state.selected.length ? "selection" : "shown";
    const isOther = wanted !== model.get("source");
    model.set("source", wanted);
    if (isOther || wanted === source) arrange();
  }

  exploration.follow(() => follow("selection"), "selected");
  exploration.follow(() => follow("shown"), "visible");
  exploration.follow(() => model.set({ focus_index: placeOf(state.focus), focus: state.focus }), "focus");
  exploration.follow(() => model.set("hovered", state.hovered), "hovered");
  return model;
}

/** The bytes of some pictures, one after the other. */
function joined(/** @type {{picture: Uint8Array}[]} */ made) {
  const all = new Uint8Array(made.reduce((sum, { picture: bytes }) => sum + bytes.length, 0));
  let offset = 0;
  for (const { picture: bytes } of made) {
    all.set(bytes, offset);
    offset += bytes.length;
  }
  return asView(all);
}

/** Names and values of what is known of a row. @returns {[string, string][]} */
function detailsOf(/** @type {import("./record.js").SharedRecord} */ record, /** @type {number} */ row) {
  /** @type {[string, string][]} */
  const told = [["id", String(record.ids[row])]];
  const path = record.paths?.[row];
  if (path !== undefined) told.push(["path", shownText(path.length > MAX_PATH ? `…${path.slice(1 - MAX_PATH)}` : path, MAX_PATH)]);
  for (const [name, codes] of /** @type {const} */ ([["label", record.labels], ["prediction", record.predictions]])) {
    const word = className(record, codes, row);
    if (word !== null) told.push([name, word]);
  }
  for (const { name, values, format } of record.scores.values()) {
    told.push([shownText(name.replaceAll("_", " ")), scoreText(values[row], format)]);
  }
  return told;
}

/** A score's value as text, as Score.text() of analysis/scores.py formats it. */
function scoreText(/** @type {number} */ value, /** @type {string} */ format) {
  if (Number.isNaN(value)) return "unknown";
  if (format === "percent") return `${(100 * value).toFixed(1)} %`;
  if (format === "nats" && value > 0 && value < 0.001) return "< 0.001";
  return String(Number(value.toPrecision(4)));
}

/** The most probable classes of a row. */
function probabilitiesOf(/** @type {import("./record.js").SharedRecord} */ { top, labels, shownNames }, /** @type {number} */ row) {
  if (!top) return [];
  return Array.from({ length: top.k }, (_, place) => {
    const code = top.codes[row * top.k + place];
    return { name: shownNames[code] ?? String(code), share: top.shares[row * top.k + place], is_label: labels?.[row] === code };
  });
}
