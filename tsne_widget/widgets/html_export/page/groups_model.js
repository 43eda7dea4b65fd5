// The groups of mistakes of an exported page, which has those that were known; same as views/groups/view.py.
import { asView } from "./counting.js";
import { makeModel } from "./model.js";
import { unpack } from "./record.js";
import { joined } from "./tiles.js";

const ANY_SIZE = 1024; // pixels: the page has each picture in one size

/**
 * @param {import("./exploration.js").Exploration} exploration
 * @param {import("./gallery_model.js").Tiles} tiles
 */
export function makeGroupsModel(exploration, tiles) {
  const { record } = exploration;
  const { labels, predictions, groups: known } = record;
  const rowsOf = (/** @type {any[]} */ packed = []) => packed.map((one) => Array.from(unpack(one)));
  const [members, typical] = [rowsOf(known?.rows), rowsOf(known?.typical)];
  const shown = /** @type {number[]} */ (typical.flat());
  const model = makeModel({
    lacking: Object.entries({ labels, predictions }).filter(([, codes]) => !codes).map(([name]) => name).join(" and "),
    wrong: record.wrong.reduce((sum, one) => sum + one, 0),
    groups: known?.cards ?? [], not_held: known?.not_held ?? 0,
    places: known ? asView(unpack(known.places)) : null, spots: known?.spots ?? [],
    pictures: record.hasImages ? typical.map((rows) => rows.length) : [],
    epoch: known ? 1 : 0, is_done: Boolean(known), is_running: false, share: 0,
  }, {
    tiles({ epoch, start, stop }) {
      if (epoch !== model.get("epoch") || !shown.length) return;
      const made = shown.slice(start, stop).map(tiles.tileOf);
      model.reply({ kind: "tiles", epoch, start, size: ANY_SIZE, tiles: made.map(({ tile }) => tile) }, [joined(made)]);
    },
    select({ group, mode }) { if (members[group]) exploration.select(members[group], mode); },
    light({ group }) {
      if (group === null) exploration.put("lit", null);
      else if (members[group]) exploration.put("lit", members[group]);
    },
  });
  return model;
}
