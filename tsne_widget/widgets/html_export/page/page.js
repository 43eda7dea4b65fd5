// An exported page: its heading, with the widget's views below.
import views from "tsne-widget:views";
import { openApplication } from "../../frontend/app.js";
import { fullCount } from "../../frontend/classes.js";
import { button, nameIt } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";
import { saveFile } from "../../frontend/save.js";
import { openExploration, pageBackend } from "./backend.js";
import { csvFile } from "./csv.js";
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
  title.textContent = record.title || `Map of ${fullCount(record.n)} pictures`;
  const note = head.appendChild(element("p", "tw-page-note"));
  note.textContent = record.notes.sample;
  note.hidden = !note.textContent;
  head.append(makeSave(exploration), makeTheme());
  return head;
}

/** A button that saves the selected pictures as CSV, or the visible ones if none is selected. */
function makeSave(/** @type {import("./exploration.js").Exploration} */ exploration) {
  const { state } = exploration;
  const made = button("");
  const text = element("span");
  made.dataset.action = "csv";
  made.append(icon("save"), text);
  exploration.follow(() => {
    const count = state.selected.length;
    const what = count ? `${fullCount(count)} selected` : `all ${fullCount(exploration.visibleRows().length)} visible`;
    text.textContent = `Save ${what} as CSV`;
    made.title = count ? "Save a table of the selected pictures" : "Nothing is selected: save a table of all visible pictures";
    made.setAttribute("aria-label", text.textContent);
  }, "selected", "visible");
  made.addEventListener("click", () => {
    const { name, type, text } = csvFile(exploration);
    saveFile(name, type, text);
  });
  return made;
}

/** A button for light or dark colours; the system's setting applies until it is used. */
function makeTheme() {
  const made = button("");
  made.dataset.look = "icon";
  made.dataset.action = "theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let isDark = system.matches;
  let isChosen = false;
  const show = () => {
    // JupyterLab's theme attribute, which the views follow.
    document.body.dataset.jpThemeLight = String(!isDark);
    made.replaceChildren(icon(isDark ? "sun" : "moon"));
    nameIt(made, isDark ? "Light colours" : "Dark colours");
  };
  system.addEventListener("change", () => {
    if (isChosen) return;
    isDark = system.matches;
    show();
  });
  made.addEventListener("click", () => {
    isChosen = true;
    isDark = !isDark;
    show();
  });
  show();
  return made;
}

openPage();
