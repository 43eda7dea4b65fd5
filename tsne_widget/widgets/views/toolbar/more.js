// The ⋯ menu: files to save, the look of the points, and the list of keys.
import { iconButton, keepInside, popover } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";
import { listOfKeys } from "../../frontend/shortcuts.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

/** What each view may add to the menu, by its command. @type {{command: string, text: string, icon: import("../../frontend/icons.js").IconName}[]} */
const ITEMS = [
  { command: "copy-pictures", text: "Copy pictures", icon: "copy" },
  { command: "save-map", text: "Save map as PNG", icon: "save" },
];

/** @param {ViewModel} model @param {Commands} commands */
export function makeMore(model, commands) {
  const content = element("div", "tw-more");
  const opener = iconButton("More", "more");
  const { root, open } = popover(opener, content, { onOpen: () => fill() });

  function fill() {
    const files = new Set(model.get("files"));
    const selected = model.get("selected");
    content.replaceChildren();
    if (files.has("csv")) addItem(selected ? "Save selection as CSV" : "Save all pictures as CSV", "table", () => model.send({ kind: "download", name: "csv" }));
    for (const { command, text, icon: name } of ITEMS) if (commands.has(command)) addItem(text, name, () => commands.run(command));
    if (files.has("page")) addItem("Save as HTML page", "file", () => model.send({ kind: "download", name: "page" }));
    const settings = element("div", "tw-settings");
    commands.run("settings", settings); // views add their controls
    if (settings.childElementCount) content.append(element("b", "tw-title", "Points"), settings);
    addItem("Keys", "keys", showKeys, "?");
  }

  function addItem(/** @type {string} */ text, /** @type {import("../../frontend/icons.js").IconName} */ name, /** @type {() => void} */ act, key = "") {
    const item = content.appendChild(textButton("", () => {
      if (act !== showKeys) open(false);
      act();
    }));
    item.className = "tw-item";
    item.append(icon(name), element("span", "", text));
    if (key) item.append(element("kbd", "", key));
  }

  function showKeys() {
    content.replaceChildren(element("b", "tw-title", "Keys"), listOfKeys(commands));
    if (content.parentElement) keepInside(content.parentElement); // the list is wider than the menu
  }

  const release = commands.add("keys", () => {
    open(true);
    showKeys();
    opener.focus();
  });
  return { root, release };
}
