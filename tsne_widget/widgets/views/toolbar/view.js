// The bar above the map: counts, finders, a search, the progress of the map, and messages.
import { makeBar, makeMessage } from "../../frontend/bars.js";
import { MAX_TEXT } from "../../frontend/constants.js";
import { element, textButton, textInput } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { makeMenu } from "../../frontend/menu.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";
import { makeFit } from "./fit.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const COUNTS = ["total", "visible", "selected", "misclassified", "selected_misclassified"];

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const { root, summary, actions, showBusy, showNotes } = makeBar(el);
  const maps = makeMaps(model);
  const wrong = textButton("Select misclassified", () => model.send({ kind: "misclassified" }));
  const finders = makeMenu("Find …", (name, event) => model.send({ kind: "finder", name, mode: modeOf(event) }));
  const clear = textButton("Clear", () => model.send({ kind: "clear" }));
  clear.title = "Clear the selection";
  actions.append(maps.root, wrong, finders.root, makeSearch(model), clear);
  const fit = makeFit(root, (action) => model.send({ kind: "fit", do: action }));
  const showMessage = makeMessage(root);

  function show() {
    const [total, visible, selected, errors, chosen] = COUNTS.map((name) => model.get(name));
    summary.replaceChildren(...summaryOf({ total, visible, selected, errors, chosen }));
    wrong.disabled = errors <= 0;
    wrong.title = titleOfWrong(errors);
    clear.disabled = !selected;
    showBusy(model.get("busy"));
    showMessage(model.get("message"));
  }

  const showFinders = () => finders.offer(model.get("finders"));
  const showFit = () => fit.show(model.get("fit"));
  for (const showPart of [show, maps.show, showFinders, showFit]) showPart();
  showNotes(model.get("notes"));
  const unfollow = follow(model, [
    [changesOf(...COUNTS, "message", "busy"), show],
    [changesOf("fit"), showFit],
    [changesOf("finders"), showFinders],
    [changesOf("maps", "map"), maps.show],
  ]);
  return () => {
    unfollow();
    fit.release();
  };
}

/** The drop-down of maps; hidden if there is one map. */
function makeMaps(/** @type {ViewModel} */ model) {
  const root = element("label", "tw-maps", "Map");
  const select = root.appendChild(element("select"));
  select.addEventListener("change", () => {
    model.send({ kind: "map", index: select.selectedIndex });
    show(); // keep the current map until the kernel shows the other one
  });

  function show() {
    /** @type {{name: string, note: string}[]} */
    const maps = model.get("maps");
    root.hidden = maps.length < 2;
    select.replaceChildren(...maps.map(({ name, note }) => {
      const option = element("option", "", note ? `${name} (${note})` : name);
      option.disabled = Boolean(note);
      return option;
    }));
    select.selectedIndex = model.get("map");
  }

  return { root, show };
}

function makeSearch(/** @type {ViewModel} */ model) {
  const search = textInput("Select by id, file or class", "search");
  search.maxLength = MAX_TEXT;
  search.placeholder = "id, file or class";
  search.title = `Enter selects the visible samples whose path, label or prediction contains this text, or whose id it is (#12 for an id only). ${MODES_HELP}`;
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") search.value = "";
    if (event.key !== "Enter" || event.isComposing || !search.value.trim()) return;
    event.preventDefault();
    model.send({ kind: "search", text: search.value, mode: modeOf(event) });
  });
  return search;
}

/** @param {{total: number, visible: number, selected: number, errors: number, chosen: number}} counts  errors: -1 if unknown */
function summaryOf({ total, visible, selected, errors, chosen }) {
  const samples = element("span", "", visible === total ? `${number(total)} samples` : `${number(visible)} of ${number(total)} samples visible`);
  /** @type {(Node | string)[]} */
  const nodes = [samples];
  if (errors >= 0) {
    const ring = element("i", "tw-ring"); // same ring as on the map
    ring.setAttribute("aria-hidden", "true");
    nodes.push(" · ", ring, element("span", "", `${number(errors)} misclassified (${percent(errors, visible)})`));
  }
  if (selected) {
    nodes.push(" · ", element("b", "", `${number(selected)} selected`));
    if (errors >= 0) nodes.push(`, ${number(chosen)} of them wrong (${percent(chosen, selected)})`);
  }
  return nodes;
}

/** @param {number} errors  -1 if unknown */
function titleOfWrong(errors) {
  if (errors < 0) return "Requires labels and predictions";
  return errors ? "Select every visible misclassified sample" : "No visible sample is misclassified";
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en");
}

/** @param {number} part @param {number} whole */
function percent(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : "0 %";
}

export default render;
