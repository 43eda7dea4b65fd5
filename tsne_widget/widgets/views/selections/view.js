// Named selections: a field to name the selection, and a list to select it again.
import { element, textButton, textInput } from "../../frontend/elements.js";
import { typedOf } from "../../frontend/bytes.js";
import { follow } from "../../frontend/follow.js";
import { keepKeys } from "../../frontend/keys.js";
import { modeOf } from "../../frontend/modes.js";
import { fullCount } from "../../frontend/classes.js";
import { makeRow, showOverlap } from "./rows.js";

const LIST_KEYS =
  "Enter or Space: select; with Shift: add, Alt: subtract, Ctrl: intersect. F2: rename. Delete: delete. " +
  "Up and Down arrow keys: another selection. Left and Right: what to do with it.";
const HINTS = ["click: select", "Shift: add", "Alt: subtract", "Ctrl: intersect"];
const UNNAMED = "There are no named selections yet. Select points on the map and name them above: they stay here, to be selected again, combined and saved.";

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("section", "tw-selections");
  keepKeys(root);
  const form = root.appendChild(element("form"));
  const field = textField("Name of the selection");
  field.placeholder = "Name the selection";
  const keep = textButton("");
  keep.type = "submit";
  form.append(field, keep);
  const scroll = root.appendChild(element("div", "tw-list"));
  const top = scroll.appendChild(element("div", "tw-top"));
  top.setAttribute("aria-hidden", "true"); // each row's name says it all
  for (const [name, text] of [["tw-name", ""], ["tw-overlap", "selected"], ["tw-count", "all"], ["tw-gap", ""]]) {
    top.appendChild(element("span", name)).textContent = text;
  }
  const list = scroll.appendChild(element("ul"));
  list.setAttribute("role", "list"); // Safari forgets it of a list without bullets
  list.setAttribute("aria-label", "Named selections");
  list.setAttribute("aria-description", LIST_KEYS);
  const hint = root.appendChild(element("div", "tw-unnamed"));
  hint.textContent = UNNAMED;
  const dropped = root.appendChild(element("div", "tw-dropped"));
  dropped.setAttribute("role", "status");
  const droppedText = dropped.appendChild(element("span"));
  const restore = dropped.appendChild(textButton("Restore"));
  const footer = root.appendChild(element("footer"));
  footer.append(...HINTS.map((text) => element("span", "", text)));
  el.appendChild(root);

  /** @type {import("./rows.js").Row[]} */
  let rows = [];
  let current = { row: 0, column: 0 }; // the one that Tab reaches

  // ---- what is shown ----

  function showList() {
    const focused = list.contains(document.activeElement);
    const [names, colors, counts] = ["names", "colors", "counts"].map((name) => model.get(name));
    rows = names.map((/** @type {string} */ name, /** @type {number} */ index) => makeRow(name, colors[index], counts[index]));
    list.replaceChildren(...rows.map(({ item }) => item));
    scroll.hidden = footer.hidden = !rows.length;
    hint.hidden = rows.length > 0;
    droppedText.textContent = `“${model.get("dropped")}” was deleted`;
    dropped.hidden = !model.get("dropped");
    makeCurrent(current.row, current.column);
    if (focused) (rows.length ? rows[current.row].buttons[current.column] : field).focus();
    showSelected();
  }

  function showSelected() {
    const overlaps = typedOf(model.get("overlaps"), Uint32Array, rows.length, 0);
    const [names, counts] = [model.get("names"), model.get("counts")];
    rows.forEach((row, index) => showOverlap(row, names[index], counts[index], overlaps[index]));
    showKeep();
  }

  function showKeep() {
    const selected = model.get("selected");
    const exists = model.get("names").includes(field.value.trim());
    keep.textContent = selected ? `${exists ? "Replace by" : "Keep"} ${fullCount(selected)} selected` : "Nothing selected";
    keep.disabled = !selected || !field.value.trim();
    keep.title = !selected ? "Select points on the map first" : exists ? "Give this name to the current selection" : "Keep the selection under this name";
  }

  function makeCurrent(/** @type {number} */ row, /** @type {number} */ column) {
    current = { row: Math.max(0, Math.min(rows.length - 1, row)), column };
    rows.forEach(({ buttons }, index) => {
      for (const button of buttons) button.tabIndex = index === current.row ? 0 : -1;
    });
  }

  // ---- what is done ----

  function act(/** @type {number} */ index, /** @type {string} */ what) {
    const epoch = model.get("epoch");
    if (what === "rename") rename(index);
    else if (what === "drop") model.send({ kind: "drop", epoch, index });
    else model.send({ kind: "select", epoch, index, mode: what });
  }

  function rename(/** @type {number} */ index) {
    const { item, buttons } = rows[index];
    const name = model.get("names")[index];
    const epoch = model.get("epoch");
    const input = textField(`New name of ${name}`);
    input.value = name;
    let isOpen = true;
    function close(/** @type {boolean} */ returnsFocus) {
      if (!isOpen) return;
      isOpen = false;
      input.replaceWith(buttons[0]);
      if (returnsFocus) buttons[0].focus();
    }
    input.addEventListener("blur", () => close(false));
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      const typed = input.value.trim();
      close(true);
      if (event.key === "Enter" && typed && typed !== name) model.send({ kind: "rename", epoch, index, name: typed });
    });
    item.replaceChild(input, buttons[0]);
    input.select();
    input.focus();
  }

  /** Row and column of the button that an event is about. */
  function placeOf(/** @type {Event} */ event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("li button");
    const row = rows.findIndex(({ item }) => item.contains(button));
    return row < 0 || !button ? null : { row, column: rows[row].buttons.indexOf(/** @type {any} */ (button)) };
  }

  function onClick(/** @type {MouseEvent} */ event) {
    const place = placeOf(event);
    if (!place) return;
    makeCurrent(place.row, place.column);
    const what = rows[place.row].buttons[place.column].dataset.action || "";
    act(place.row, what === "replace" ? modeOf(event) : what);
  }

  function onListKey(/** @type {KeyboardEvent} */ event) {
    const place = placeOf(event);
    if (!place) return;
    const { row, column } = place;
    if (event.key === "Delete") act(row, "drop");
    else if (event.key === "F2") act(row, "rename");
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) model.send({ kind: event.shiftKey ? "redo" : "undo" });
    else if (!move(event.key, row, column)) return;
    event.preventDefault();
  }

  /** Whether the key moves the focus, which is then moved. */
  function move(/** @type {string} */ key, /** @type {number} */ row, /** @type {number} */ column) {
    const target = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], Home: [0, column], End: [rows.length - 1, column],
      ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
    }[key];
    if (!target) return false;
    const next = rows[Math.max(0, Math.min(rows.length - 1, target[0]))].buttons;
    next[Math.max(0, Math.min(next.length - 1, target[1]))].focus();
    return true;
  }

  function onSubmit(/** @type {Event} */ event) {
    event.preventDefault();
    const name = field.value.trim();
    if (!name || !model.get("selected")) return;
    model.send({ kind: "name", name });
    field.value = "";
    showKeep();
  }

  function textField(/** @type {string} */ label) {
    const input = textInput(label);
    input.maxLength = model.get("max_characters");
    return input;
  }

  form.addEventListener("submit", onSubmit);
  field.addEventListener("input", showKeep);
  restore.addEventListener("click", () => {
    field.focus(); // the button goes away
    model.send({ kind: "restore" });
  });
  list.addEventListener("click", onClick);
  list.addEventListener("keydown", onListKey);
  list.addEventListener("focusin", (event) => {
    const place = placeOf(event);
    if (place) makeCurrent(place.row, place.column);
  });

  showList();
  return follow(model, [["change:epoch", showList], ["change:selected change:overlaps", showSelected]]);
}

export default render;
