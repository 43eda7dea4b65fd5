// The colours of the map: a menu that chooses what they mean, and the key to those that are no classes.
import { typed } from "../../frontend/bytes.js";
import { fullCount } from "../../frontend/classes.js";
import { element } from "../../frontend/elements.js";
import { Histogram } from "../../frontend/histogram.js";
import { modeOf } from "../../frontend/modes.js";
import { paint } from "../../frontend/palette.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {[name: string, title: string, lacking: string, group: string]} Choice */

const CHANGE = "change"; // the column of a comparison
const COLUMNS = "Columns"; // titles of this group are the user's own names

/** @param {ViewModel} model @param {boolean} isCompared  whether a list of changes stands above the key */
export function makeColors(model, isCompared) {
  const root = element("label", "tw-key-head");
  root.append(element("span", "tw-small tw-muted", "Colour"));
  const select = root.appendChild(element("select"));
  select.title = "What the colours of the map mean (C)";
  select.addEventListener("change", () => {
    model.send({ kind: "color", name: select.value });
    show(); // keep the current one until the map shows the other
  });
  const key = element("div", "tw-key tw-scroll");
  key.setAttribute("role", "group");
  const histogram = new Histogram("What colours the map", element("div", "tw-histogram-head"), (first, last, event) => {
    model.send({ kind: "range", first, last, mode: modeOf(event) });
  });
  histogram.root.title = "Drag to select. Shift adds, Alt takes away, Ctrl keeps what is in both.";

  function show() {
    offer(select, model.get("color_choices").map((/** @type {Choice} */ [name, title, ...rest]) => (
      [name, isCompared && name === CHANGE ? "What changed" : title, ...rest]
    )));
    select.value = model.get("color_by");
    root.hidden = !select.options.length;
  }

  function showKey() {
    const { title, entries, low } = model.get("key");
    key.hidden = !(low || entries?.length) || (isCompared && model.get("color_by") === CHANGE);
    if (key.hidden) return;
    key.setAttribute("aria-label", `Key to the colours: ${title}`);
    key.replaceChildren(histogram.root, ...partsOf(model.get("key")));
    showBins();
    key.tabIndex = entries?.length ? 0 : -1; // lets keys scroll a long key
  }

  function showBins() {
    const bins = model.get("bins");
    histogram.root.hidden = !bins.low;
    if (bins.low) histogram.update(bins, typed(model.get("bin_counts"), Uint32Array), model.get("key").ramp);
  }

  show();
  showKey();
  return { root, key, show, showKey, showBins, focus: () => select.focus() };
}

/** Replace the options only if they have changed, because a browser would close the open menu. */
function offer(/** @type {HTMLSelectElement} */ select, /** @type {Choice[]} */ choices) {
  const text = JSON.stringify(choices);
  if (select.dataset.choices === text) return;
  select.dataset.choices = text;
  const groups = [...new Set(choices.map(([, , , group]) => group))];
  select.replaceChildren(...groups.map((group) => {
    const list = element("optgroup");
    list.label = group;
    list.append(...choices.filter((choice) => choice[3] === group).map(optionOf));
    return list;
  }));
}

function optionOf(/** @type {Choice} */ [name, title, lacking, group]) {
  const shown = group === COLUMNS ? title : capital(title);
  const option = element("option", "", lacking ? `${shown} (${lacking})` : shown);
  option.value = name;
  option.disabled = Boolean(lacking);
  return option;
}

/** @param {any} key  the trait @returns {HTMLElement[]} */
function partsOf({ entries, more, low, high, ramp, unknown, unknown_name: unknownName }) {
  const total = entries.reduce((/** @type {number} */ sum, /** @type {any} */ [, , count]) => sum + count, unknown);
  const parts = low ? rampOf(ramp, low, high) : [];
  for (const [name, color, count] of entries) parts.push(entryOf(name, color, count, total));
  if (more) parts.push(element("div", "tw-caption tw-muted", `and ${fullCount(more)} more`));
  if (unknown) parts.push(element("div", "tw-caption tw-muted", `${fullCount(unknown)} ${unknownName}, grey`));
  return parts;
}

/** @param {string[]} colors @param {string} low @param {string} high */
function rampOf(colors, low, high) {
  const ramp = element("div", "tw-ramp");
  ramp.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
  const ends = element("div", "tw-ends tw-caption");
  ends.append(element("span", "", low), element("span", "", high));
  return [ramp, ends];
}

/** @param {string} name @param {string} color @param {number} count @param {number} total */
function entryOf(name, color, count, total) {
  const entry = element("div", "tw-entry");
  entry.style.setProperty("--tw-class", paint(color));
  entry.style.setProperty("--tw-part", String(total ? count / total : 0));
  entry.append(element("i", "tw-swatch"), element("span", "tw-name", name), element("span", "tw-count", fullCount(count)), element("i", "tw-part"));
  entry.title = `${name}: ${fullCount(count)}`;
  return entry;
}

function capital(/** @type {string} */ text) {
  return text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}
