// An exported page: its heading, with the widget's views below.
import views from "tsne-widget:views";
import { openApplication } from "../../frontend/app.js";
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { openExploration, pageBackend } from "./backend.js";
import { csvOf } from "./csv.js";
import "./page.css";

function openPage() {
  const text = (/** @type {string} */ id) => document.getElementById(id)?.textContent ?? "";
  const exploration = openExploration(JSON.parse(text("tw-record")), text("tw-pictures"));
  const root = /** @type {HTMLElement} */ (document.getElementById("tw-page"));
  root.className = "tw-page";
  root.append(makeHead(exploration));
  openApplication(root, pageBackend(exploration), views);
  /** @type {any} */ (root).exploration = exploration; // for tests and for inspection
}

// ---- the heading ----

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

/** A button that saves the selected samples as CSV, or the visible ones if none is selected. */
function makeSave(/** @type {import("./exploration.js").Exploration} */ exploration) {
  const { record, state } = exploration;
  const button = textButton("");
  button.dataset.action = "csv";
  exploration.follow(() => {
    const count = state.selected.length;
    const what = count ? `${fullCount(count)} selected` : `all ${fullCount(exploration.visibleRows().length)} visible`;
    button.textContent = `Save ${what} as CSV`;
    button.title = count ? "Save a table of the selected samples" : "Nothing is selected: save a table of all visible samples";
  }, "selected", "visible");
  button.addEventListener("click", () => {
    const rows = state.selected.length ? state.selected : exploration.visibleRows();
    const csv = new Blob([csvOf(record, rows, state.selections)], { type: "text/csv;charset=utf-8" });
    const link = /** @type {HTMLAnchorElement} */ (element("a"));
    link.href = URL.createObjectURL(csv);
    link.download = `${fileStem(record.title)}${state.selected.length ? "-selected" : ""}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may first ask where to save it
  });
  return button;
}

function fileStem(/** @type {string} */ title) {
  return title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "samples";
}

/** A button for light or dark colours; the system's setting applies until it is used. */
function makeTheme() {
  const button = textButton("");
  button.dataset.action = "theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let isDark = system.matches;
  let isChosen = false;
  const show = () => {
    // JupyterLab's theme attribute, which the views follow.
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
