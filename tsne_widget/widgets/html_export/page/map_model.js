// The map of an exported page; same as views/map/view.py.
import { rowsInside } from "../../frontend/geometry.js";
import { asView, packBits } from "./counting.js";
import { currentColoring } from "./coloring.js";
import { makeModel } from "./model.js";

// The smallest budget of points. The map draws a third of its budget while it moves.
const LEAST_BUDGET = 36_000;

/**
 * @typedef {import("./exploration.js").Exploration} Exploration
 * @typedef {{rows: Uint32Array, points: Uint32Array, traits: Record<string, any>}} Drawn
 *   rows: row of each point; points: point of each row
 */

/**
 * @param {Exploration} exploration
 * @param {(row: number) => {tile: any, picture: Uint8Array}} tileOf
 */
export function makeMapModel(exploration, tileOf) {
  const { record } = exploration;
  const drawn = pointsOf(record);
  const { rows } = drawn;
  const isShown = (/** @type {number} */ row) => exploration.isVisible(row) && (exploration.state.mistakes !== "only" || record.wrong[row] > 0);
  const hit = (/** @type {number} */ point) => (isShown(rows[point]) ? rows[point] : null);

  const model = makeModel({
    figure: null, ...drawn.traits, ...paintOf(exploration, rows), waiting: "", steps: [], budget: Math.max(LEAST_BUDGET, record.n),
    visible: null, selected: null, lit: null, viewport: [],
    hovered: -1, links: null, trails: null, show_labels: record.kind !== "", epoch: 0, unknown: 0, turn: 0,
    mistakes: exploration.state.mistakes, pictures: false, point_size: 1, opacity: 1,
  }, {
    select({ mode }, buffers) {
      const inside = rowsInside(record.x, record.y, new Float64Array(buffers[0]));
      exploration.select(inside.filter(isShown), mode);
      model.reply({ kind: "selected" }); // replaces the view's preview
    },
    pick({ point, mode }) {
      const row = hit(point);
      if (row !== null) exploration.select([row], mode);
    },
    open({ point }) {
      const row = hit(point);
      if (row !== null) exploration.put("focus", row);
    },
    pictures({ points }) {
      if (points.some((/** @type {number} */ point) => hit(point) === null)) return;
      const shown = points.map((/** @type {number} */ point) => tileOf(rows[point]));
      const body = new Uint8Array(shown.reduce((/** @type {number} */ sum, /** @type {any} */ { picture }) => sum + picture.byteLength, 0));
      let offset = 0;
      for (const { picture } of shown) {
        body.set(picture, offset);
        offset += picture.byteLength;
      }
      model.reply({ kind: "pictures", points, tiles: shown.map((/** @type {any} */ { tile }) => tile), epoch: 0 }, [asView(body)]);
    },
    hover({ point, known }) {
      const row = hit(point);
      if (row === null) return;
      exploration.put("hovered", row);
      if (known) return;
      const { tile, picture } = tileOf(row);
      model.reply({ kind: "hover", point, tile }, [asView(picture)]);
    },
    leave: () => exploration.put("hovered", null),
    clear() {
      exploration.select([]);
      exploration.put("focus", null);
    },
    undo: exploration.undo,
    redo: exploration.redo,
  });
  followExploration(exploration, drawn, model);
  return model;
}

/**
 * The points in drawing order, and their traits that never change.
 * @param {import("./record.js").SharedRecord} record
 * @returns {Drawn}
 */
function pointsOf(record) {
  const rows = Uint32Array.from(record.order);
  const points = new Uint32Array(record.n);
  const places = new Float32Array(2 * record.n); // all x, then all y
  rows.forEach((row, point) => {
    points[row] = point;
    [places[point], places[record.n + point]] = [record.x[row], record.y[row]];
  });
  const ringed = Uint32Array.from(rows.keys()).filter((point) => record.wrong[rows[point]]);
  const codes = (record.printableNames.length <= 256 ? Uint8Array : Uint16Array).from(rows, (row) => record.codes[row]);
  const traits = {
    places: new DataView(places.buffer), codes: new DataView(codes.buffer), names: record.printableNames, wrong: asView(ringed),
  };
  return { rows, points, traits };
}

/** The traits for the colours of the points. */
function paintOf(/** @type {Exploration} */ exploration, /** @type {Uint32Array} */ rows) {
  const { texels, texture, key } = currentColoring(exploration);
  return { texels: asView(Uint8Array.from(rows, (row) => texels[row])), texture, key, color_by: exploration.state.colorBy };
}

/** Keep the traits of the map up to date. */
function followExploration(
  /** @type {Exploration} */ exploration, /** @type {Drawn} */ { rows, points }, /** @type {import("./model.js").Model} */ model,
) {
  const { state } = exploration;
  const paint = () => model.set(paintOf(exploration, rows));
  exploration.follow(() => model.set("visible", packBits(state.visible)), "visible");
  exploration.follow(() => model.set("selected", asView(Uint32Array.from(state.selected, (row) => points[row]).sort())), "selected");
  exploration.follow(() => model.set("hovered", state.hovered === null ? -1 : points[state.hovered]), "hovered");
  exploration.follow(() => model.set("lit", asView(Uint32Array.from(state.lit ?? [], (row) => points[row]).sort())), "lit");
  exploration.follow(() => model.set("mistakes", state.mistakes), "mistakes");
  exploration.follow(paint, "colorBy");
  exploration.follow(() => { if (state.colorBy === "selection") paint(); }, "selections");
}
