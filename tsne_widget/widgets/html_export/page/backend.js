// The backend of a page without a kernel: one model per view answers the view's messages. No DOM.
import { PANELS } from "../../frontend/constants.js";
import { makeConfusionModel } from "./confusion_model.js";
import { makeDiagnosisModel } from "./diagnosis_model.js";
import { makeExploration, startOf } from "./exploration.js";
import { makeGallery } from "./gallery_model.js";
import { makeGroupsModel } from "./groups_model.js";
import { makeLegendModel } from "./legend_model.js";
import { makeLookModel } from "./look_model.js";
import { makeMapModel } from "./map_model.js";
import { makeModel } from "./model.js";
import { readRecord } from "./record.js";
import { makeScoresModel } from "./scores_model.js";
import { makeSelectionsModel } from "./selections_model.js";
import { makeStripModel } from "./strip_model.js";
import { makeTiles } from "./tiles.js";
import { makeToolbarModel } from "./toolbar_model.js";

const NO_FIT = { condition: "none", title: "", iteration: 0, total: 0, divergence: null, seconds: null, note: "", turn: 0 };

/**
 * The state of a page.
 * @param {any} data  what record.py and content.py wrote
 * @param {string} pictures  the encoded pictures, in base64
 */
export function openExploration(data, pictures) {
  const record = readRecord(data, pictures);
  return makeExploration(record, startOf(data, record));
}

/**
 * One model per view, made on first use.
 * @param {import("./exploration.js").Exploration} exploration
 * @returns {import("../../frontend/app.js").Backend}
 */
export function pageBackend(exploration) {
  const tiles = makeTiles(exploration.record);
  /** @type {import("./gallery_model.js").Gallery | undefined} */
  let made;
  const gallery = () => (made ??= makeGallery(exploration, tiles));
  const makers = /** @type {Record<string, () => any>} */ ({
    frame: () => makeModel({ kind: "explorer", maps: [{ view: "map", title: "" }], panels: PANELS, panel: PANELS[0].view, height: 0, panel_width: 0 }, {}),
    map: () => makeMapModel(exploration, tiles.tileOf),
    toolbar: () => makeToolbarModel(exploration),
    foot: () => makeModel({ fit: NO_FIT, maps: [], map: -1 }, {}),
    legend: () => makeLegendModel(exploration),
    gallery: () => gallery().model,
    strip: () => makeStripModel(exploration, tiles, gallery()),
    look: () => makeLookModel(exploration, tiles, gallery()),
    confusion: () => makeConfusionModel(exploration),
    diagnosis: () => makeDiagnosisModel(exploration, modelOf("frame")),
    scores: () => makeScoresModel(exploration),
    groups: () => makeGroupsModel(exploration, tiles),
    selections: () => makeSelectionsModel(exploration),
  });
  /** @type {Map<string, any>} */
  const models = new Map();
  function modelOf(/** @type {string} */ view) {
    if (!models.has(view)) models.set(view, makers[view]());
    return models.get(view);
  }

  return modelOf;
}
