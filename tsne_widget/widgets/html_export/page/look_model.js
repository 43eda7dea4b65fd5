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
  const model = makeModel({ focus: null, position: -1, count: 0, has_neighbors: false, evidence: record.evidence.size ? "stored" : "", evidence_code: "" }, {
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
    evidence({ row, target }) {
      if (row !== state.focus) return;
      const { values, ...answer } = storedEvidence(record, row, target);
      model.reply({ kind: "evidence", row, target, ...answer }, [asView(values)]);
    },
  });
  const show = () => model.set({ position: order.placeOf(state.focus), count: order.rows.length, focus: state.focus });
  gallery.model.on("change:epoch", show);
  exploration.follow(show, "focus");
  return model;
}

/** The map of a row that the page has, and its test. @param {import("./record.js").SharedRecord} record @param {number} row @param {string} target */
function storedEvidence(record, row, target) {
  const known = record.evidence.get(target);
  const at = known?.at.get(row);
  if (!known || at === undefined) {
    return { height: 0, width: 0, test: null, why: "No evidence is stored for this picture.", values: new Uint8Array(0) };
  }
  const { height, width } = known;
  const size = height * width;
  const values = new Uint8Array(known.values.slice(at * size, (at + 1) * size).buffer);
  const test = known.tests.get(row) ?? null;
  const others = [...(test?.[2] ?? [])].sort(([a, m], [b, n]) => n - m || a - b).map(([code, count]) => [record.printableNames[code], count]);
  return { height, width, test: test && { holds: test[0], shares: test[1], others }, why: "", values };
}
