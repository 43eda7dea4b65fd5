// The close look of an exported page; same as views/look/view.py.
import { asView } from "./counting.js";
import { hovering } from "./gallery_model.js";
import { makeModel } from "./model.js";
import { detailsOf, pathOf, probabilitiesOf } from "./tiles.js";

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {import("./gallery_model.js").Tiles} tiles
 * @param {import("./gallery_model.js").Gallery} gallery
 */
export function makeLookModel(exploration, tiles, gallery) {
  const { record, state } = exploration;
  const { order } = gallery;
  const model = makeModel({ focus: null, position: -1, count: 0, has_neighbors: false }, {
    focus: ({ row }) => exploration.put("focus", row),
    step({ by }) {
      const [position, to] = [model.get("position"), model.get("position") + by];
      if (position >= 0 && to >= 0 && to < order.rows.length) exploration.put("focus", order.rows[to]);
    },
    hover: hovering(exploration),
    look({ row }) {
      if (row !== state.focus) return;
      const { tile, picture } = tiles.tileOf(row);
      const facts = { path: pathOf(record, row), details: detailsOf(record, row), probabilities: probabilitiesOf(record, row) };
      model.reply({ kind: "look", row, tile, ...facts }, [asView(picture)]);
    },
  });
  const show = () => model.set({ position: order.placeOf(state.focus), count: order.rows.length, focus: state.focus });
  gallery.model.on("change:epoch", show);
  exploration.follow(show, "focus");
  return model;
}
