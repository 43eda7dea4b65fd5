// A shared page: its head, the widget's views beneath it, and what each of them talks to.
import views from "tsne-widget:views";
import { openApplication } from "../../frontend/app.js";
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { makeConfusionModel, makeLegendModel, makeToolbarModel } from "./class_models.js";
import { csvOf } from "./csv.js";
import { makeExploration } from "./exploration.js";
import { makeGalleryModel, makeTiles } from "./gallery_model.js";
import { makeMapModel } from "./map_model.js";
import { readRecord, unpack } from "./record.js";
import { makeSelectionsModel } from "./selections_model.js";
import { makeModel } from "./model.js";
import "./page.css";

const PANELS = [
  { view: "gallery", title: "Images" },
  { view: "confusion", title: "Confusion" },
  { view: "selections", title: "Selections" },
];

function openPage() {
  const text = (/** @type {string} */ id) => document.getElementById(id)?.textContent ?? "";
  const data = JSON.parse(text("tw-record"));
  const record = readRecord(data, text("tw-pictures"));
  const exploration = makeExploration(record, {
    visible: Uint8Array.from(record.shownNames, (_, code) => Number(!data.hidden.includes(code))),
    selected: unpack(data.selected),
    selections: data.selections.map((/** @type {any} */ one) => ({ ...one, rows: unpack(one.rows) })),
    colorBy: data.color_by || record.kind,
  });
  const root = /** @type {HTMLElement} */ (document.getElementById("tw-page"));
  root.className = "tw-page";
  root.append(makeHead(exploration));
  openApplication(root, pageBackend(exploration, data.selection_colors), views);
  /** @type {any} */ (root).exploration = exploration; // for tests and for the curious
}

/**
 * The backend of a page without a kernel: one model for each view, made when it is first asked for.
 * @param {import("./exploration.js").Exploration} exploration
 * @param {string[]} selectionColors
 * @returns {import("../../frontend/app.js").Backend}
 */
export function pageBackend(exploration, selectionColors) {
  const tileOf = makeTiles(exploration.record);
  const makers = /** @type {Record<string, () => any>} */ ({
    frame: () => makeModel({ kind: "explorer", maps: [{ view: "map", title: "" }], panels: PANELS, panel: PANELS[0].view }, {}),
    map: () => makeMapModel(exploration, tileOf),
    toolbar: () => makeToolbarModel(exploration),
    legend: () => makeLegendModel(exploration),
    gallery: () => makeGalleryModel(exploration, tileOf),
    confusion: () => makeConfusionModel(exploration),
    selections: () => makeSelectionsModel(exploration, selectionColors),
  });
  /** @type {Map<string, any>} */
  const models = new Map();
  return (view) => {
    if (!models.has(view)) models.set(view, makers[view]());
    return models.get(view);
  };
}

// ---- the head ----

function makeHead(/** @type {import("./exploration.js").Exploration} */ exploration) {
  const { record } = exploration;
  const head = element("header", "tw-page-head");
  const title = head.appendChild(element("h1"));
  title.textContent = record.title || `Map of ${fullCount(record.n)} samples`;
  const note = head.appendChild(element("p", "tw-page-note"));
  note.textContent = record.notes.sample;
  note.hidden = !note.textContent;
  head.append(makeSave(exploration), makeTheme());
  return head;
}

/** A button that saves what is selected, or else what is shown, as CSV. */
function makeSave(/** @type {import("./exploration.js").Exploration} */ exploration) {
  const { record, state } = exploration;
  const button = textButton("");
  button.dataset.action = "csv";
  exploration.follow(() => {
    const count = state.selected.length;
    const what = count ? `${fullCount(count)} selected` : `all ${fullCount(exploration.visibleRows().length)} shown`;
    button.textContent = `Save ${what} as CSV`;
    button.title = count ? "Save a table of the selected samples" : "Nothing is selected: save a table of all samples that are shown";
  }, "selected", "visible");
  button.addEventListener("click", () => {
    const rows = state.selected.length ? state.selected : exploration.visibleRows();
    const csv = new Blob([csvOf(record, rows, state.selections)], { type: "text/csv;charset=utf-8" });
    const link = /** @type {HTMLAnchorElement} */ (element("a"));
    link.href = URL.createObjectURL(csv);
    link.download = `${fileStem(record.title)}${state.selected.length ? "-selected" : ""}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may ask where to save it
  });
  return button;
}

function fileStem(/** @type {string} */ title) {
  return title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "samples";
}

/** Light or dark: as the system has it, until someone says otherwise. */
function makeTheme() {
  const button = textButton("");
  button.dataset.action = "theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let isDark = system.matches;
  let isChosen = false;
  const show = () => {
    // As JupyterLab marks its theme, which the views follow.
    document.body.dataset.jpThemeLight = String(!isDark);
    button.textContent = isDark ? "☀" : "☾";
    button.title = isDark ? "Light colours" : "Dark colours";
    button.setAttribute("aria-label", button.title);
  };
  system.addEventListener("change", () => {
    if (isChosen) return;
    isDark = system.matches;
    show();
  });
  button.addEventListener("click", () => {
    isChosen = true;
    isDark = !isDark;
    show();
  });
  show();
  return button;
}

openPage();
