// The strip of an exported page; same as views/strip/view.py.
import { hovering } from "./gallery_model.js";
import { makeModel } from "./model.js";
import { joined } from "./tiles.js";

const ANY_SIZE = 1024; // pixels: the page has each picture in one size

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {import("./gallery_model.js").Tiles} tiles
 * @param {import("./gallery_model.js").Gallery} gallery
 */
export function makeStripModel(exploration, tiles, gallery) {
  const { record, state } = exploration;
  let rows = new Uint32Array(0);
  const isCurrent = (/** @type {any} */ { epoch }) => epoch === model.get("epoch") && rows.length > 0;
  const model = makeModel({ count: 0, wrong: 0, epoch: 0, is_folded: false, hovered: null }, {
    tiles(content) {
      if (!isCurrent(content)) return;
      const { epoch, start, stop } = content;
      const chosen = Array.from(rows.subarray(start, stop));
      const made = chosen.map(tiles.tileOf);
      const all = made.map(({ tile }, k) => ({ ...tile, value: gallery.order.text(chosen[k]) }));
      model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles: all }, [joined(made)]);
    },
    open(content) { if (isCurrent(content)) exploration.put("focus", rows[content.index]); },
    hover: hovering(exploration),
  });
  const show = () => {
    const now = gallery.rowsOfSelection();
    if (now.length === rows.length && now.every((row, k) => row === rows[k])) return;
    rows = now;
    model.set({
      count: rows.length, wrong: rows.reduce((sum, row) => sum + record.wrong[row], 0), epoch: model.get("epoch") + 1,
    });
  };
  gallery.model.on("change:epoch", show);
  exploration.follow(show, "selected");
  exploration.follow(() => model.set("hovered", state.hovered), "hovered");
  return model;
}
