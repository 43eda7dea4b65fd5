// The model of the map of a shared page: what scatter.py does in a notebook.
import { rowsInside } from "../geometry.js";
import { asView, packBits } from "./counting.js";
import { colorChoices, coloringOf } from "./coloring.js";
import { makeFigure } from "./canvas.js";
import { makeModel } from "./model.js";
import { shuffledRows } from "./record.js";

const FIGURE = "IPY_MODEL_map"; // of which there is one
// The map draws fewer points while it moves: a third of this many.
const LEAST_BUDGET = 36_000;

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {(row: number) => {tile: any, picture: Uint8Array}} tileOf
 */
export function makeMapModel(exploration, tileOf) {
  const { record, state } = exploration;
  const rows = shuffledRows(record.n); // row of each point
  const points = new Uint32Array(record.n); // point of each row
  rows.forEach((row, point) => { points[row] = point; });
  const pick = (/** @type {any} */ values) => Float32Array.from(rows, (row) => values[row]);
  const [x, y] = [pick(record.x), pick(record.y)];
  const ringed = Uint32Array.from(rows.keys()).filter((point) => record.wrong[rows[point]]);
  const codes = (record.shownNames.length <= 256 ? Uint8Array : Uint16Array).from(rows, (row) => record.codes[row]);
  const coloring = () => {
    const { texels, palette, key } = coloringOf(record, state.colorBy, state.selections);
    return { paint: { texels: Uint16Array.from(rows, (row) => texels[row]), palette }, key };
  };
  const first = coloring();
  const figure = makeFigure(x, y, ringed, first.paint);
  const hit = (/** @type {number} */ point) => (exploration.isShown(rows[point]) ? rows[point] : null);

  const model = makeModel({
    figure: FIGURE, fallback: null, draws_itself: true, waiting: "", budget: Math.max(LEAST_BUDGET, record.n),
    codes: new DataView(codes.buffer), names: record.shownNames, wrong: asView(ringed),
    visible: null, selected: null, viewport: [], color_by: state.colorBy, color_choices: [], key: first.key,
    hovered: -1, links: null, trails: null, show_labels: false, epoch: 0, unknown: 0,
  }, {
    select({ mode }, buffers) {
      const inside = rowsInside(record.x, record.y, new Float64Array(buffers[0]));
      exploration.select(inside.filter(exploration.isShown), mode);
      model.reply({ kind: "selected" }); // the page has shown a preview, this one stands
    },
    pick({ point, mode }) {
      const row = hit(point);
      if (row === null) return;
      exploration.select([row], mode);
      exploration.put("focus", row);
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
    color: ({ name }) => exploration.put("colorBy", name),
    clear() {
      exploration.select([]);
      exploration.put("focus", null);
    },
    undo: exploration.undo,
    redo: exploration.redo,
  });
  Object.assign(model, {
    widget_manager: { get_model: async () => figure, create_view: async () => figure.view },
  });

  function paint() {
    const next = coloring();
    figure.paint(next.paint);
    model.set({ color_by: state.colorBy, key: next.key });
  }

  exploration.follow(() => model.set("visible", packBits(state.visible)), "visible");
  exploration.follow(() => model.set("selected", asView(Uint32Array.from(state.selected, (row) => points[row]))), "selected");
  exploration.follow(() => model.set("hovered", state.hovered === null ? -1 : points[state.hovered]), "hovered");
  exploration.follow(() => model.set("color_choices", colorChoices(record, state.selections.length)), "selections");
  exploration.follow(paint, "colorBy");
  exploration.follow(() => { if (state.colorBy === "selection") paint(); }, "selections");
  return model;
}
