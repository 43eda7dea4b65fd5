// The close look at one sample: its picture, all that is known of it, and its nearest neighbours.
import { element, textButton } from "../../frontend/elements.js";
import { picture, pictureUrl, summary } from "../../frontend/tiles.js";

/**
 * @param {any} model
 * @param {{step: (by: number) => void, toggled: () => void, hover: (row: number | null) => void}} gallery
 */
export function makeCloseup(model, { step, toggled, hover }) {
  const root = element("section", "tw-closeup");
  root.tabIndex = 0;
  root.hidden = true;
  const bar = root.appendChild(element("div", "tw-bar"));
  const title = bar.appendChild(element("b"));
  title.setAttribute("role", "status");
  const actions = [
    { text: "Sort by distance to it", title: "Sort the gallery by the distance to this sample, in feature space", act: () => model.send({ kind: "arrange", sort: "distance" }) },
    { text: "‹", title: "Previous sample (left arrow)", act: () => step(-1) },
    { text: "›", title: "Next sample (right arrow)", act: () => step(1) },
    { text: "✕", title: "Close (Escape)", act: close },
  ];
  const [, back, forth] = actions.map(({ text, title: words, act }) => {
    const button = bar.appendChild(textButton(text, act));
    button.title = words;
    button.setAttribute("aria-label", words);
    return button;
  });
  const large = root.appendChild(element("div", "tw-large"));
  const about = root.appendChild(element("div", "tw-about"));
  about.tabIndex = 0; // it scrolls
  about.setAttribute("role", "group");
  about.setAttribute("aria-label", "What is known of this sample");
  const near = root.appendChild(element("div", "tw-near"));
  const nearHead = near.appendChild(element("div", "tw-near-head"));
  const nearSummary = nearHead.appendChild(element("span"));
  const select = nearHead.appendChild(textButton("Select these neighbours", () => model.send({ kind: "neighbors", row: model.get("focus") })));
  const strip = near.appendChild(element("ul"));
  strip.setAttribute("aria-label", "Nearest samples in feature space, nearest first");

  let shownRow = /** @type {number | null} */ (null);
  let wantsFocus = false;

  function close() {
    model.send({ kind: "focus", row: null });
  }

  /** Look at what the state says; the old sample stays in sight until the new one is there. */
  function follow() {
    const row = model.get("focus");
    showStep();
    if (row === null) {
      const hadFocus = root.contains(document.activeElement);
      root.hidden = true;
      shownRow = null;
      toggled();
      if (hadFocus) hover(null);
      return hadFocus;
    }
    if (row !== shownRow) model.send({ kind: "look", row });
    return false;
  }

  function showStep() {
    const index = model.get("focus_index");
    const count = model.get("count");
    back.disabled = !count || index === 0;
    forth.disabled = !count || index === count - 1;
  }

  function receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.row !== model.get("focus")) return;
    if (message.kind === "look") show(message, buffers[0]);
    if (message.kind === "neighbors") showNeighbors(message, buffers[0]);
  }

  function show(/** @type {any} */ { row, tile, details, probabilities }, /** @type {DataView} */ data) {
    shownRow = row;
    root.hidden = false;
    root.dataset.row = String(row);
    root.setAttribute("aria-label", `Close look at sample ${tile.id}`);
    title.textContent = `#${tile.id}  ${summary(tile)}`;
    tile.url = pictureUrl(tile, data);
    large.replaceChildren(picture(tile));
    const list = element("dl");
    for (const [name, value] of details) {
      list.appendChild(element("dt")).textContent = name;
      list.appendChild(element("dd")).textContent = value;
    }
    about.replaceChildren(...(probabilities.length ? [bars(probabilities)] : []), list);
    if (tile.note && tile.url) about.appendChild(element("p")).textContent = tile.note;
    about.scrollTop = 0;
    nearSummary.textContent = "Finding the nearest samples in feature space …";
    select.disabled = true;
    strip.replaceChildren();
    toggled();
    if (wantsFocus) root.focus({ preventScroll: true });
    wantsFocus = false;
  }

  function showNeighbors(/** @type {any} */ { row, tiles, distances, differs, summary: words }, /** @type {DataView} */ data) {
    if (row !== shownRow) return;
    nearSummary.textContent = words;
    select.disabled = !tiles.length;
    let offset = 0;
    strip.replaceChildren(...tiles.map((/** @type {any} */ tile, /** @type {number} */ i) => {
      tile.url = pictureUrl(tile, data, offset);
      offset += tile.bytes;
      return neighbor(tile, distances[i], differs[i], i === 0);
    }));
  }

  function neighbor(/** @type {any} */ tile, /** @type {number} */ distance, /** @type {boolean} */ differs, /** @type {boolean} */ isFirst) {
    const item = element("li");
    const button = item.appendChild(textButton("", () => {
      wantsFocus = true;
      model.send({ kind: "focus", row: tile.row });
    }));
    button.dataset.row = String(tile.row);
    button.toggleAttribute("data-differs", differs);
    button.tabIndex = isFirst ? 0 : -1; // one tab stop; arrows go on from it
    const away = `distance ${Number(distance.toPrecision(3))}`;
    button.title = [`#${tile.id} ${summary(tile)}`, away, differs ? "of another class" : ""].filter(Boolean).join("\n");
    button.setAttribute("aria-label", button.title.replaceAll("\n", ", "));
    button.append(thumb(tile));
    button.appendChild(element("span")).textContent = `${differs ? "≠ " : ""}${tile.label ?? tile.prediction ?? `#${tile.id}`}`;
    button.appendChild(element("small")).textContent = Number(distance.toPrecision(3)).toString();
    return item;
  }

  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const buttons = [...strip.querySelectorAll("button")];
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const scrolls = document.activeElement === about && (event.key === "ArrowUp" || event.key === "ArrowDown");
    if (event.ctrlKey || event.metaKey || event.altKey || scrolls) return;
    if (event.key === "Escape") close();
    else if (by && at >= 0) moveAmong(buttons, at + by);
    else if (by) stepBy(by);
    else return;
    event.preventDefault();
  });
  strip.addEventListener("pointerover", (event) => hover(rowOf(event)));
  strip.addEventListener("pointerleave", () => hover(null));
  strip.addEventListener("focusin", (event) => hover(rowOf(event)));
  strip.addEventListener("focusout", () => hover(null));

  function stepBy(/** @type {number} */ by) {
    if (!(by < 0 ? back : forth).disabled) step(by);
  }

  function moveAmong(/** @type {HTMLButtonElement[]} */ buttons, /** @type {number} */ to) {
    const next = buttons[to];
    if (!next) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  function rowOf(/** @type {Event} */ event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("li button");
    return button ? Number(/** @type {HTMLElement} */ (button).dataset.row) : null;
  }

  model.on("msg:custom", receive);
  model.on("change:focus_index change:count", showStep);
  return {
    root,
    follow,
    takeFocus: () => { wantsFocus = true; },
    release: () => {
      model.off("msg:custom", receive);
      model.off("change:focus_index change:count", showStep);
    },
  };
}

function thumb(/** @type {any} */ tile) {
  if (!tile.url) {
    const reason = element("div", "tw-reason");
    reason.textContent = tile.note || "no picture";
    return reason;
  }
  const image = /** @type {HTMLImageElement} */ (element("img"));
  image.src = tile.url;
  image.alt = "";
  if (tile.width < 48) image.className = "tw-pixelated";
  return image;
}

/** Probabilities of classes as bars; the label's is marked. */
function bars(/** @type {{name: string, share: number, is_label: boolean}[]} */ classes) {
  const list = element("ul", "tw-bars");
  list.setAttribute("aria-label", "Most probable classes");
  for (const { name, share, is_label: isLabel } of classes) {
    const item = list.appendChild(element("li"));
    item.appendChild(element("span", "tw-name")).textContent = isLabel ? `${name} (label)` : name;
    const track = item.appendChild(element("span", "tw-track"));
    track.appendChild(element("span")).style.width = `${100 * share}%`;
    item.appendChild(element("span", "tw-share")).textContent = share > 0 && share < 0.001 ? "<\u202f0.1 %" : `${(100 * share).toFixed(1)} %`;
  }
  return list;
}
