// The legend: a list of class toggles that can be searched, sorted, and walked by keys.
import { element, textButton } from "../../frontend/elements.js";
import { typedOf, unpackBits } from "../../frontend/bytes.js";
import { keepKeys } from "../../frontend/keys.js";
import { describe, fold, fullCount, percent, shortCount, sortedCodes, typedPosition } from "../../frontend/classes.js";

const SEARCH_FROM = 20; // classes; among fewer the eye is faster
const TYPING_MS = 700; // a pause that ends a word typed in the list
const PAGE_ROWS = 10; // of the Page keys
const KEYS_HELP =
  "Space or Enter: on or off. Shift with Space: from the last one to here. " +
  "Ctrl with Enter: only this one; again: all. Arrow keys, Home, End or letters: move.";

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  /** @type {string[]} */
  const names = model.get("names");
  const folded = names.map(fold);
  const counts = model.get("counts");
  const accuracies = typedOf(model.get("accuracies"), Float32Array, names.length, NaN);
  const hasAccuracies = accuracies.some(Number.isFinite);

  const root = element("section", "tw-legend"); // in which a header is not the page's banner
  keepKeys(root);
  const { header, actions, sort, search } = makeHeader(model.get("title"), {
    canSearch: names.length >= SEARCH_FROM,
    canSort: names.length > 1,
    hasAccuracies,
  });
  const { scroll, columns, status, list, rows } = makeList(model.get("title"), names, counts, accuracies, model.get("colors"));
  const none = scroll.appendChild(element("p", "tw-none"));
  none.textContent = "No class matches";
  const hint = element("footer");
  for (const text of ["double-click: only this", "Shift-click: a range"]) hint.appendChild(element("span")).textContent = text;
  root.append(header, scroll, hint);
  el.appendChild(root);

  /** @type {number[]} */
  let listed = []; // codes that pass the search, in the order of the list
  let current = 0; // code of the row that Tab reaches
  let anchor = -1; // code of the row toggled last: where a range begins
  let typed = { text: "", time: -Infinity };
  // What is drawn; 2 and -1 are neither of the values, so that the first update draws every row.
  const drawn = { visible: new Uint8Array(names.length).fill(2), selected: new Float64Array(names.length).fill(-1) };

  // ---- what is shown ----

  /** Draw the rows that have changed since they were drawn. */
  function show() {
    const visible = unpackBits(model.get("visible"), names.length);
    const selected = typedOf(model.get("selected_counts"), Uint32Array, names.length, 0);
    for (let code = 0; code < names.length; code++) {
      if (visible[code] === drawn.visible[code] && selected[code] === drawn.selected[code]) continue;
      drawn.visible[code] = visible[code];
      drawn.selected[code] = selected[code];
      drawRow(code);
    }
    root.toggleAttribute("data-selecting", selected.some(Boolean));
    showStatus();
  }

  function drawRow(/** @type {number} */ code) {
    const { button, selected } = rows[code];
    const count = drawn.selected[code];
    button.setAttribute("aria-pressed", String(isShown(code)));
    button.setAttribute("aria-label", describe({
      name: names[code], selected: count, count: counts[code], accuracy: accuracies[code], shown: isShown(code),
    }));
    selected.textContent = count ? shortCount(count) : "";
  }

  function isShown(/** @type {number} */ code) {
    return drawn.visible[code] === 1;
  }

  function showStatus() {
    const [part, what] = search.value.trim()
      ? [listed.length, "listed"]
      : [drawn.visible.reduce((sum, flag) => sum + flag, 0), "shown"];
    const share = part < names.length ? ` / ${fullCount(names.length)}` : "";
    const text = `${fullCount(part)}${share} ${what}`;
    if (status.textContent !== text) status.textContent = text; // a screen reader speaks each change
  }

  // ---- order and search ----

  function arrange() {
    const wanted = fold(search.value.trim());
    const focused = list.contains(document.activeElement);
    listed = sortedCodes(model.get("sorted_by"), { names, counts, accuracies }).filter((code) => folded[code].includes(wanted));
    list.replaceChildren(...listed.map((code) => rows[code].item));
    none.hidden = listed.length > 0;
    columns.hidden = listed.length === 0;
    makeCurrent(listed.includes(current) || !listed.length ? current : listed[0]);
    if (focused) rows[current].button.focus(); // a row that is moved loses the focus
    sort.value = model.get("sorted_by");
    describeActions(wanted);
    showStatus();
  }

  function describeActions(/** @type {string} */ wanted) {
    const which = wanted ? "the classes listed; the others stay as they are" : "all classes";
    const titles = { all: `Show ${which}`, none: `Hide ${which}`, invert: `Hide what is shown and show what is hidden, of ${which}` };
    for (const [name, button] of Object.entries(actions)) button.title = titles[/** @type {"all"} */ (name)];
  }

  function clearSearch() {
    search.value = "";
    arrange();
    rows[current].button.scrollIntoView({ block: "nearest" });
  }

  // ---- toggling ----

  function toggle(/** @type {number} */ code, /** @type {boolean} */ isRange) {
    const [from, to] = [listed.indexOf(anchor), listed.indexOf(code)];
    if (!isRange || from < 0) {
      anchor = code;
      model.send({ kind: "toggle", code });
      return;
    }
    // As in a list of mails: the row that is clicked turns, and the range turns with it.
    const codes = listed.slice(Math.min(from, to), Math.max(from, to) + 1);
    model.send({ kind: "show", codes, visible: !isShown(code) });
  }

  function act(/** @type {string} */ name) {
    if (name === "invert") model.send({ kind: "invert", codes: listed });
    else if (listed.length === names.length) model.send({ kind: "all", visible: name === "all" });
    else model.send({ kind: "show", codes: listed, visible: name === "all" });
  }

  // ---- pointer and keys ----

  function codeOf(/** @type {Event} */ event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("li button");
    return button ? Number(/** @type {HTMLElement} */ (button).dataset.code) : -1;
  }

  function makeCurrent(/** @type {number} */ code) {
    rows[current].button.tabIndex = -1;
    current = code;
    rows[current].button.tabIndex = 0;
  }

  function focusAt(/** @type {number} */ position) {
    if (!listed.length) return;
    rows[listed[Math.max(0, Math.min(listed.length - 1, position))]].button.focus();
  }

  function onClick(/** @type {MouseEvent} */ event) {
    const code = codeOf(event);
    if (code < 0) return;
    makeCurrent(code);
    if (event.shiftKey) toggle(code, true);
    else if (event.detail < 2) toggle(code, false);
    // The first click has toggled already, at once: the kernel takes that back.
    else if (event.detail === 2) model.send({ kind: "only", code, second_click: true });
  }

  function onKey(/** @type {KeyboardEvent} */ event) {
    const code = codeOf(event);
    if (code < 0) return;
    if (isLetter(event) && !(event.key === " " && !continuesWithSpace())) type(event);
    else if (event.key === " " || event.key === "Enter") press(event, code);
    else if (event.key === "Escape" && search.value) clearSearch();
    else if (!move(event, listed.indexOf(code))) return;
    event.preventDefault();
  }

  function press(/** @type {KeyboardEvent} */ event, /** @type {number} */ code) {
    if (event.repeat) return; // a key that is held down would blink
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) model.send({ kind: "only", code });
    else toggle(code, event.shiftKey);
  }

  /** Whether the key moves the focus, which is then moved. */
  function move(/** @type {KeyboardEvent} */ event, /** @type {number} */ position) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const target = {
      ArrowDown: position + 1, ArrowRight: position + 1, ArrowUp: position - 1, ArrowLeft: position - 1,
      PageDown: position + PAGE_ROWS, PageUp: position - PAGE_ROWS, Home: 0, End: listed.length - 1,
    }[event.key];
    if (target === undefined) return false;
    focusAt(target);
    return true;
  }

  function type(/** @type {KeyboardEvent} */ event) {
    const goesOn = event.timeStamp - typed.time < TYPING_MS;
    typed = { text: (goesOn ? typed.text : "") + fold(event.key), time: event.timeStamp };
    const found = typedPosition(listed.map((code) => folded[code]), listed.indexOf(current), typed.text);
    if (found >= 0) focusAt(found);
  }

  /** A space belongs to a word being typed only if a name goes on like that: else it toggles. */
  function continuesWithSpace() {
    return performance.now() - typed.time < TYPING_MS && listed.some((code) => folded[code].startsWith(`${typed.text} `));
  }

  function onSearchKey(/** @type {KeyboardEvent} */ event) {
    if (event.key === "Escape") clearSearch();
    else if (event.key === "ArrowDown" || event.key === "Enter") focusAt(0);
    else return;
    event.preventDefault();
  }

  list.addEventListener("click", onClick);
  list.addEventListener("keydown", onKey);
  list.addEventListener("keyup", (event) => {
    if (event.key === " ") event.preventDefault(); // Firefox clicks when the key comes up
  });
  list.addEventListener("focusin", (event) => { if (codeOf(event) >= 0) makeCurrent(codeOf(event)); });
  list.addEventListener("pointerover", (event) => {
    const code = codeOf(event);
    if (code >= 0) rows[code].button.title = tooltip(names[code], drawn.selected[code], counts[code], accuracies[code], isShown(code));
  });
  for (const [name, button] of Object.entries(actions)) button.addEventListener("click", () => act(name));
  search.addEventListener("input", arrange);
  search.addEventListener("keydown", onSearchKey);
  sort.addEventListener("change", () => {
    model.set("sorted_by", sort.value);
    model.save_changes();
  });

  const fields = "change:visible change:selected_counts";
  const showIsKey = () => root.toggleAttribute("data-plain", !model.get("is_key"));
  model.on(fields, show);
  model.on("change:is_key", showIsKey);
  showIsKey();
  model.on("change:sorted_by", arrange);
  arrange();
  show();
  return () => {
    model.off(fields, show);
    model.off("change:is_key", showIsKey);
    model.off("change:sorted_by", arrange);
  };
}

// ---- the elements ----

function makeHeader(/** @type {string} */ title, /** @type {{canSearch: boolean, canSort: boolean, hasAccuracies: boolean}} */ options) {
  const header = element("header");
  const heading = element("b");
  heading.textContent = title;
  const sort = /** @type {HTMLSelectElement} */ (element("select"));
  sort.setAttribute("aria-label", "Sort the classes");
  sort.title = "Sort the classes: as given, by name, the largest first, or the least accurate first";
  for (const [value, text] of [["order", "in order"], ["name", "by name"], ["size", "by size"], ["accuracy", "by accuracy"]]) {
    if (value === "accuracy" && !options.hasAccuracies) continue;
    sort.add(new Option(text, value));
  }
  sort.hidden = !options.canSort;
  const actions = { all: textButton("All"), none: textButton("None"), invert: textButton("Invert") };
  const search = /** @type {HTMLInputElement} */ (element("input"));
  search.type = "search";
  search.placeholder = "Find a class";
  search.setAttribute("aria-label", "Find a class");
  search.title = "List only the classes whose name has this in it; Escape clears";
  search.autocomplete = "off";
  search.spellcheck = false;
  search.hidden = !options.canSearch;
  header.append(heading, sort, ...Object.values(actions), search);
  return { header, sort, actions, search };
}

/** @type {(title: string, names: string[], counts: number[], accuracies: Float32Array, colors: string[]) => any} */
function makeList(title, names, counts, accuracies, colors) {
  const scroll = element("div", "tw-list");
  const totals = Array.from(counts, shortCount);
  const shares = Array.from(accuracies, (share) => percent(share).replace("\u202f", ""));
  const isJudged = shares.some(Boolean);
  scroll.style.setProperty("--tw-count", `${longest(totals, "sel.".length - 1)}ch`);
  scroll.style.setProperty("--tw-share", `${longest(shares, "acc.".length - 1) + 0.6}ch`); // % is wide
  const top = scroll.appendChild(element("div", "tw-top"));
  const status = top.appendChild(element("span", "tw-status"));
  status.setAttribute("role", "status");
  const columns = top.appendChild(element("span", "tw-columns"));
  columns.setAttribute("aria-hidden", "true"); // each row's name says it all
  for (const [name, text] of [["tw-selected", "sel."], ["tw-count", "all"], ["tw-accuracy", "acc."]]) {
    if (name !== "tw-accuracy" || isJudged) columns.appendChild(element("span", name)).textContent = text;
  }
  const list = scroll.appendChild(element("ul"));
  list.setAttribute("role", "list"); // Safari forgets it of a list without bullets
  list.setAttribute("aria-label", title || "Classes");
  list.setAttribute("aria-description", KEYS_HELP);
  const rows = names.map((name, code) => {
    const item = element("li");
    const button = item.appendChild(textButton(""));
    button.dataset.code = String(code);
    button.tabIndex = -1;
    const swatch = button.appendChild(element("span", "tw-swatch"));
    swatch.style.borderColor = swatch.style.background = colors[code];
    button.appendChild(element("span", "tw-name")).textContent = name;
    const selected = button.appendChild(element("span", "tw-selected"));
    button.appendChild(element("span", "tw-count")).textContent = totals[code];
    if (isJudged) button.appendChild(element("span", "tw-accuracy")).textContent = shares[code];
    return { item, button, selected };
  });
  return { scroll, columns, status, list, rows };
}

/** @type {(name: string, selected: number, count: number, accuracy: number, shown: boolean) => string} */
function tooltip(name, selected, count, accuracy, shown) {
  const share = percent(accuracy, 1);
  return [
    name,
    `${fullCount(selected)} selected / ${fullCount(shown ? count : 0)} shown / ${fullCount(count)} in total`,
    share && `${share} predicted right`,
  ].filter(Boolean).join("\n");
}

function longest(/** @type {string[]} */ texts, /** @type {number} */ least) {
  return texts.reduce((most, text) => Math.max(most, text.length), least);
}

function isLetter(/** @type {KeyboardEvent} */ event) {
  return [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
}

export default render;
