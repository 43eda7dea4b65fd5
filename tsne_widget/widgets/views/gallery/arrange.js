// The gallery's head: what is shown, in which order, in which groups, how large.
import { MAX_TILE, MIN_TILE } from "../../frontend/constants.js";
import { element, textButton } from "../../frontend/elements.js";

const SOURCE_WORDS = { selection: "Selection", shown: "Shown" };
const GROUP_WORDS = { none: "none", label: "label", prediction: "prediction", confusion: "confusion" };
const SIZES = { min: MIN_TILE, max: MAX_TILE, step: 8 };

/**
 * @param {any} model
 * @param {(size: number) => void} resize  called while the slider moves
 */
export function makeHead(model, resize) {
  const root = element("div", "tw-head");
  const sources = root.appendChild(element("div", "tw-sources"));
  sources.setAttribute("role", "group");
  sources.setAttribute("aria-label", "What is shown");
  const buttons = Object.entries(SOURCE_WORDS).map(([source, word]) => {
    const button = textButton(word, () => arrange({ source }));
    button.dataset.source = source;
    return sources.appendChild(button);
  });
  const slider = labelled("Size", element("input"));
  Object.assign(slider, { type: "range", ...SIZES });
  slider.setAttribute("aria-label", "Size of the pictures in pixels");
  const order = root.appendChild(element("div", "tw-order")); // stays on one line
  const sort = labelled("Sort", element("select"), order);
  const direction = textButton("", () => arrange({ descending: !model.get("descending") }));
  direction.className = "tw-direction";
  order.appendChild(direction);
  const sortNote = element("span", "tw-sort-note");
  sortNote.setAttribute("role", "status");
  root.appendChild(sortNote);
  const group = labelled("Group", element("select"));

  sort.addEventListener("change", () => arrange({ sort: sort.value }));
  group.addEventListener("change", () => arrange({ group: group.value }));
  slider.addEventListener("input", () => resize(Number(slider.value)));
  slider.addEventListener("change", () => arrange({ size: Number(slider.value) }));

  /** @template {HTMLElement} T @param {string} word @param {T} field @param {HTMLElement} place @returns {T} */
  function labelled(word, field, place = root) {
    const label = place.appendChild(element("label"));
    label.append(element("span", "", word), field);
    return field;
  }

  function arrange(/** @type {object} */ wanted) {
    model.send({ kind: "arrange", ...wanted });
  }

  function showOptions() {
    const sorts = model.get("sorts").map((/** @type {any} */ s) => ({ key: s.key, words: s.name, lacks: s.lacks }));
    setOptions(sort, sorts, model.get("sorted_by"));
    const groupings = model.get("groupings").map((/** @type {any} */ g) =>
      ({ key: g.key, words: GROUP_WORDS[/** @type {"none"} */ (g.key)], lacks: g.lacks }));
    setOptions(group, groupings, model.get("group_by"));
    sortNote.textContent = model.get("sort_note");
    const isDescending = model.get("descending");
    direction.textContent = isDescending ? "↓" : "↑";
    direction.title = isDescending ? "Highest first; click for the lowest" : "Lowest first; click for the highest";
    direction.setAttribute("aria-label", isDescending ? "Sorted from high to low" : "Sorted from low to high");
  }

  function showSources() {
    const counts = model.get("source_counts");
    buttons.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(button.dataset.source === model.get("source")));
      button.textContent = `${SOURCE_WORDS[/** @type {"shown"} */ (button.dataset.source)]} ${(counts[i] ?? 0).toLocaleString("en")}`;
    });
  }

  function showSize() {
    slider.value = String(model.get("tile_size"));
  }

  const changes = /** @type {[string, () => void][]} */ ([
    ["change:sorts change:sorted_by change:sort_note change:descending change:groupings change:group_by", showOptions],
    ["change:source change:source_counts", showSources],
    ["change:tile_size", showSize],
  ]);
  for (const [event, callback] of changes) {
    model.on(event, callback);
    callback();
  }
  return { root, release: () => { for (const [event, callback] of changes) model.off(event, callback); } };
}

/** Options that cannot be chosen say what they need. */
function setOptions(
  /** @type {HTMLSelectElement} */ select,
  /** @type {{key: string, words: string, lacks: string}[]} */ entries,
  /** @type {string} */ chosen,
) {
  // Only what has changed: an open menu would close.
  entries.forEach(({ key, words, lacks }, i) => {
    const option = select.options[i] ?? select.appendChild(document.createElement("option"));
    const text = lacks ? `${words} (${lacks})` : words;
    if (option.value !== key) option.value = key;
    if (option.textContent !== text) option.textContent = text;
    option.disabled = Boolean(lacks);
  });
  while (select.options.length > entries.length) select.options[entries.length].remove();
  if (select.value !== chosen) select.value = chosen;
}
