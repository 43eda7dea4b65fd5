// A shared page: its head, the widget's views beneath it, and what each of them talks to.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { makeConfusionModel, makeLegendModel, makeToolbarModel } from "./class_models.js";
import { csvOf } from "./csv.js";
import { makeExploration } from "./exploration.js";
import { makeGalleryModel, makeTiles } from "./gallery_model.js";
import { makeMapModel } from "./map_model.js";
import { readRecord, unpack } from "./record.js";
import { makeSelectionsModel } from "./selections_model.js";

/** @typedef {{render: (context: {model: any, el: HTMLElement}) => () => void}} View */

/**
 * @param {{map: View, legend: View, gallery: View, confusion: View, selections: View, toolbar: View}} views
 */
export function openPage(views) {
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
  root.className = "tsne-widget tw-page";
  root.append(makeHead(exploration));
  put(root, "tw-page-toolbar", views.toolbar, makeToolbarModel(exploration));
  const body = root.appendChild(element("div", "tw-page-body"));
  const tileOf = makeTiles(record);
  put(body, "tw-page-map", views.map, makeMapModel(exploration, tileOf));
  put(body, "tw-page-legend", views.legend, makeLegendModel(exploration));
  body.append(makePanels([
    ["Images", (el) => put(el, "", views.gallery, makeGalleryModel(exploration, tileOf))],
    ["Confusion", (el) => put(el, "", views.confusion, makeConfusionModel(exploration))],
    ["Selections", (el) => put(el, "", views.selections, makeSelectionsModel(exploration, data.selection_colors))],
  ]));
  /** @type {any} */ (root).exploration = exploration; // for tests and for the curious
}

function put(/** @type {HTMLElement} */ parent, /** @type {string} */ name, /** @type {View} */ view, /** @type {any} */ model) {
  view.render({ model, el: name ? parent.appendChild(element("div", name)) : parent });
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

// ---- the panels ----

/** Panels that share a place; each is made when it is opened first. */
function makePanels(/** @type {[string, (el: HTMLElement) => void][]} */ panels) {
  const root = element("div", "tw-page-panels");
  const tabs = root.appendChild(element("div", "tw-tabs"));
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", "Panels");
  const made = panels.map(([title, make], index) => {
    const tab = /** @type {HTMLButtonElement} */ (tabs.appendChild(textButton(title)));
    const panel = root.appendChild(element("div", "tw-tabpanel"));
    tab.setAttribute("role", "tab");
    panel.setAttribute("role", "tabpanel");
    tab.id = `tw-tab-${index}`;
    panel.id = `tw-panel-${index}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => open(index));
    return { tab, panel, make, isMade: false };
  });

  function open(/** @type {number} */ index) {
    made.forEach((one, k) => {
      one.tab.setAttribute("aria-selected", String(k === index));
      one.tab.tabIndex = k === index ? 0 : -1;
      one.panel.hidden = k !== index;
    });
    const one = made[index];
    if (!one.isMade) one.make(one.panel);
    one.isMade = true;
  }

  tabs.addEventListener("keydown", (event) => {
    const at = made.findIndex(({ tab }) => tab === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: made.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + made.length) % made.length;
    open(next);
    made[next].tab.focus();
  });
  open(0);
  return root;
}
