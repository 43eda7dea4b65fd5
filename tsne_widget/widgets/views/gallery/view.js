// The gallery: only the tiles in sight exist; their pictures are asked for range by range.
import { MAX_TILES_PER_REPLY, TILE_PIXELS } from "../../frontend/constants.js";
import { element, textButton } from "../../frontend/elements.js";
import { details, pictureUrl, summary } from "../../frontend/tiles.js";
import { inSight, isPicked, makeGrid, movedTo, pictureSize, placeOf, scrolling } from "./grid.js";
import { makeHead } from "./arrange.js";
import { makeCloseup } from "./details.js";

const FRAME_PIXELS = 12; // of a tile around its picture, with the gap
const CAPTION_PIXELS = 48; // below the picture, with the gap
const SMALL_CAPTION_PIXELS = 33; // where only the names fit
const SMALL_TILE = 80; // pixels of a picture below which only the names are shown
const HEADING_PIXELS = 26;
const PATIENCE_MS = 10_000; // a request that was not answered by then is made again
const KEEP_TILES = 600; // tiles of which the pictures are kept
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("section", "tw-gallery");
  root.setAttribute("aria-label", "Images");
  // JupyterLab listens before the page's elements do, so that to stop an event is too late.
  root.dataset.lmSuppressShortcuts = "true";
  const head = makeHead(model, resizeTo);
  const note = element("div", "tw-note");
  const stage = element("div", "tw-stage");
  const scroll = stage.appendChild(element("div", "tw-scroll"));
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "listbox");
  scroll.setAttribute("aria-multiselectable", "true");
  scroll.setAttribute("aria-label", "Images. Enter: look closely. Space: pick; Shift with Space: a range. Escape: pick none");
  const content = scroll.appendChild(element("div"));
  content.setAttribute("role", "presentation");
  content.style.position = "relative";
  const hint = stage.appendChild(element("div", "tw-hint"));
  const closeup = makeCloseup(model, { step: openBeside, toggled: showStage, hover: hoverOver });
  const picks = makePicks(model);
  root.append(head.root, note, stage, picks.root, closeup.root);
  el.appendChild(root);
  const name = `tw-tile-${Math.random().toString(36).slice(2)}-`; // of this view's tiles

  /** @type {Map<number, any>} */
  let tiles = new Map(); // index → what the kernel sent, with the picture's URL
  /** @type {Map<number, HTMLElement>} */
  let nodes = new Map(); // index → element in sight
  /** @type {Map<number, HTMLElement>} */
  let headings = new Map(); // group → element in sight
  let expected = ""; // what the kernel was told to send of the next order, unasked
  let askedAt = -Infinity; // one request at a time: a newer scroll position makes it useless
  let frame = 0;
  let size = model.get("tile_size");
  let cursor = 0; // index of the tile that keys act on
  let hoverFrame = 0;
  /** @type {number | null} */
  let hoverWanted = null; // row under the pointer or the cursor …
  /** @type {number | null} */
  let hoverSent = null; // … and the one that the kernel knows of

  // ---- what is shown ----

  function restart() {
    tiles = new Map();
    clear();
    scroll.scrollTop = 0;
    cursor = Math.max(0, model.get("focus_index"));
    askedAt = model.get("coming") === model.get("epoch") ? performance.now() : -Infinity;
    hoverOver(null);
    show();
    if (cursor) reveal(cursor);
  }

  function clear() {
    nodes = new Map();
    headings = new Map();
    content.replaceChildren();
  }

  function layout() {
    const isSmall = size < SMALL_TILE;
    const grid = makeGrid(model.get("count"), model.get("groups").map((/** @type {any} */ group) => group[1]), {
      width: scroll.clientWidth - 4,
      tileWidth: size + FRAME_PIXELS,
      tileHeight: size + (isSmall ? SMALL_CAPTION_PIXELS : CAPTION_PIXELS),
      headingHeight: HEADING_PIXELS,
    });
    const { height, ratio } = scrolling(grid.height + 4, scroll.clientHeight);
    const top = scroll.scrollTop * ratio;
    return { grid, height, ratio, top, shift: scroll.scrollTop - top, isSmall, ...inSight(grid, top, top + scroll.clientHeight) };
  }

  function show() {
    frame = 0;
    showHint();
    if (!scroll.clientHeight) return; // in a hidden tab: shown once it has a size
    const { grid, height, shift, first, last, headings: groups, isSmall } = layout();
    scroll.dataset.epoch = model.get("epoch"); // which order is shown, for tests and for the curious
    content.style.height = `${height}px`;
    content.style.setProperty("--tw-tile", `${size}px`);
    scroll.toggleAttribute("data-small", isSmall);
    drop(nodes, (index) => index < first || index >= last);
    drop(headings, (group) => !groups.includes(group));
    for (let index = first; index < last; index++) {
      const node = nodes.get(index) ?? makeNode(index, isSmall);
      const { x, y } = placeOf(grid, index);
      node.style.left = `${4 + x}px`;
      node.style.top = `${4 + y + shift}px`;
    }
    for (const group of groups) {
      const node = headings.get(group) ?? makeHeading(group);
      node.style.top = `${4 + grid.tops[group] + shift}px`;
    }
    showMarks();
    if (!ask(first, last)) expect(grid);
  }

  function showHint() {
    const { count, source } = { count: model.get("count"), source: model.get("source") };
    const text = model.get("note") || (model.get("has_images") ? "" : "No pictures: pass images= (an array, paths or a dataset) to see them");
    note.hidden = !(text && count);
    note.textContent = text;
    hint.hidden = count > 0;
    hint.textContent = source === "selection"
      ? "Nothing selected. Drag around points on the map to see their images here."
      : "No class is shown. Click a class in the list to see its images here.";
  }

  function makeNode(/** @type {number} */ index, /** @type {boolean} */ isSmall) {
    const node = content.appendChild(element("figure"));
    node.id = name + index;
    node.dataset.index = String(index);
    node.setAttribute("role", "option");
    node.setAttribute("aria-posinset", String(index + 1));
    node.setAttribute("aria-setsize", String(model.get("count"))); // of which only those in sight exist
    node.setAttribute("aria-label", "loading");
    node.appendChild(element("div", "tw-reason"));
    nodes.set(index, node);
    if (tiles.has(index)) fill(node, tiles.get(index), isSmall);
    return node;
  }

  function makeHeading(/** @type {number} */ group) {
    const node = content.appendChild(element("div", "tw-heading"));
    node.setAttribute("aria-hidden", "true"); // each tile says its label and prediction itself
    const [title, count] = model.get("groups")[group];
    node.textContent = `${title} · ${count.toLocaleString("en")}`;
    headings.set(group, node);
    return node;
  }

  /** Cursor, picks and what is hovered, on the tiles in sight. */
  function showMarks() {
    const bits = model.get("picks");
    const start = model.get("picks_start");
    const hovered = model.get("hovered");
    for (const [index, node] of nodes) {
      node.setAttribute("aria-selected", String(isPicked(bits, start, index)));
      node.toggleAttribute("data-cursor", index === cursor);
      const row = tiles.get(index)?.row;
      node.toggleAttribute("data-hovered", hovered !== null && row === hovered);
    }
    if (nodes.has(cursor)) scroll.setAttribute("aria-activedescendant", name + cursor);
    else scroll.removeAttribute("aria-activedescendant");
    picks.show();
  }

  /** Tiles or the close look over them: what is covered stays as it is, but cannot be reached. */
  function showStage() {
    for (const covered of [head.root, stage, picks.root]) covered.toggleAttribute("inert", !closeup.root.hidden);
  }

  function resizeTo(/** @type {number} */ pixels) {
    if (pixels === size) return;
    const { first, grid } = layout();
    const anchor = scroll.scrollTop > 0 && grid.count ? first : 0;
    size = pixels;
    clear();
    const after = layout();
    content.style.height = `${after.height}px`;
    if (grid.count) scroll.scrollTop = placeOf(after.grid, anchor).y / after.ratio;
    schedule();
  }

  // ---- asking for tiles ----

  function pixels() {
    return pictureSize(TILE_PIXELS, size * Math.min(2, window.devicePixelRatio));
  }

  /** Whether a tile is there, and its picture as large as it is drawn, or as large as it ever gets. */
  function isThere(/** @type {number} */ index) {
    const tile = tiles.get(index);
    return tile && (tile.size >= pixels() || Math.max(tile.width, tile.height) < tile.size);
  }

  /** @returns {boolean} whether some are on the way */
  function ask(/** @type {number} */ first, /** @type {number} */ last) {
    if (performance.now() - askedAt < PATIENCE_MS) return true;
    let start = first;
    while (start < last && isThere(start)) start++;
    let stop = start;
    while (stop < last && stop - start < MAX_TILES_PER_REPLY && !isThere(stop)) stop++;
    if (stop <= start) return false;
    askedAt = performance.now();
    model.send({ kind: "tiles", epoch: model.get("epoch"), start, stop, size: pixels() });
    return true;
  }

  /** All in sight is there: of the next order the kernel sends a screenful with the news of it. */
  function expect(/** @type {import("./grid.js").Grid} */ { columns, tileHeight }) {
    const count = Math.min(MAX_TILES_PER_REPLY, columns * Math.ceil(scroll.clientHeight / tileHeight));
    const message = { kind: "expect", epoch: model.get("epoch"), count, size: pixels() };
    if (expected === JSON.stringify(message)) return;
    expected = JSON.stringify(message);
    model.send(message);
  }

  function receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind !== "tiles" || message.epoch !== model.get("epoch")) return;
    askedAt = -Infinity;
    const data = buffers[0];
    let offset = 0;
    message.tiles.forEach((/** @type {any} */ tile, /** @type {number} */ k) => {
      const index = message.start + k;
      const before = tiles.get(index);
      if (!before || before.size < message.size) { // or another view of this gallery asked as well
        tile.url = pictureUrl(tile, data, offset);
        tile.size = message.size;
        tiles.set(index, tile);
        const node = nodes.get(index);
        if (node) fill(node, tile, size < SMALL_TILE);
      }
      offset += tile.bytes;
    });
    forgetFar();
    show();
  }

  /** Drop the pictures that are farthest from sight. */
  function forgetFar() {
    if (tiles.size <= KEEP_TILES) return;
    const { first, last } = layout();
    const away = (/** @type {number} */ i) => Math.max(first - i, i - last, 0);
    for (const index of [...tiles.keys()].sort((a, b) => away(b) - away(a)).slice(0, tiles.size - KEEP_TILES)) {
      if (!nodes.has(index)) tiles.delete(index);
    }
  }

  // ---- hovering ----

  /** Tell the kernel at most once a frame, and only what it does not know. */
  function hoverOver(/** @type {number | null} */ row) {
    hoverWanted = row;
    hoverFrame ||= requestAnimationFrame(() => {
      hoverFrame = 0;
      if (hoverWanted === hoverSent) return;
      hoverSent = hoverWanted;
      model.send({ kind: "hover", row: hoverWanted });
    });
  }

  function rowAt(/** @type {number} */ index) {
    return tiles.get(index)?.row ?? null;
  }

  function indexOf(/** @type {Event} */ event) {
    const node = /** @type {HTMLElement} */ (event.target).closest("figure");
    return node ? Number(/** @type {HTMLElement} */ (node).dataset.index) : -1;
  }

  scroll.addEventListener("pointerover", (event) => hoverOver(rowAt(indexOf(event))));
  scroll.addEventListener("pointerleave", () => hoverOver(null));
  scroll.addEventListener("blur", () => hoverOver(null));

  // ---- opening and picking ----

  function open(/** @type {number} */ index) {
    moveCursor(index);
    closeup.takeFocus();
    model.send({ kind: "open", epoch: model.get("epoch"), index });
  }

  /** The sample before or after the one that is looked at. */
  function openBeside(/** @type {number} */ by) {
    const at = model.get("focus_index");
    const next = (at < 0 ? cursor : at) + by;
    if (next >= 0 && next < model.get("count")) open(next);
  }

  function pick(/** @type {number} */ index, /** @type {boolean} */ isRange) {
    moveCursor(index);
    model.send({ kind: "pick", epoch: model.get("epoch"), index, range: isRange });
  }

  function moveCursor(/** @type {number} */ index) {
    cursor = index;
    reveal(index);
    showMarks();
  }

  /** Scroll as little as it takes to have a tile in sight. */
  function reveal(/** @type {number} */ index) {
    const { grid, ratio, top } = layout();
    const { y } = placeOf(grid, index);
    const low = y - (y === grid.headingHeight ? grid.headingHeight : 0);
    const high = y + grid.tileHeight + 4 - scroll.clientHeight;
    if (top > low) scroll.scrollTop = low / ratio;
    else if (top < high) scroll.scrollTop = high / ratio;
    show();
  }

  scroll.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    scroll.focus({ preventScroll: true });
    if (event.shiftKey || event.ctrlKey || event.metaKey) pick(index, event.shiftKey);
    else open(index);
  });
  scroll.addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); }); // marks no text

  scroll.addEventListener("keydown", (event) => {
    const count = model.get("count");
    if (event.altKey || event.ctrlKey || event.metaKey || !count) return;
    if (KEYS.includes(event.key)) {
      moveCursor(movedTo(layout().grid, Math.min(cursor, count - 1), event.key, scroll.clientHeight));
      hoverOver(rowAt(cursor));
    } else if (event.key === "Enter") open(cursor);
    else if (event.key === " ") pick(cursor, event.shiftKey);
    else if (event.key === "Escape") model.send({ kind: "picked", do: "clear" });
    else return;
    event.preventDefault();
  });
  root.addEventListener("keydown", (event) => event.stopPropagation());

  // ---- following the kernel ----

  function followFocus() {
    const index = model.get("focus_index");
    const hadFocus = closeup.follow();
    if (index >= 0 && index !== cursor) moveCursor(index);
    if (hadFocus) scroll.focus({ preventScroll: true });
  }

  const schedule = () => { frame ||= requestAnimationFrame(show); };
  const resized = new ResizeObserver(schedule);
  resized.observe(scroll);
  scroll.addEventListener("scroll", schedule, { passive: true });
  const changes = /** @type {[string, (...args: any[]) => void][]} */ ([
    ["change:epoch", restart],
    ["change:focus", followFocus],
    ["change:tile_size", () => resizeTo(model.get("tile_size"))],
    ["change:picks change:picks_start change:hovered", showMarks],
    ["msg:custom", receive],
  ]);
  for (const [event, callback] of changes) model.on(event, callback);
  show();
  followFocus();

  return () => {
    cancelAnimationFrame(frame);
    cancelAnimationFrame(hoverFrame);
    resized.disconnect();
    for (const [event, callback] of changes) model.off(event, callback);
    head.release();
    closeup.release();
  };
}

/** What is done with the picked tiles; out of sight while there are none. */
function makePicks(/** @type {any} */ model) {
  const root = element("div", "tw-picks");
  root.hidden = true;
  const count = root.appendChild(element("b"));
  count.setAttribute("role", "status");
  const act = (/** @type {string} */ action) => () => model.send({ kind: "picked", do: action });
  const keep = root.appendChild(textButton("", act("keep")));
  const remove = root.appendChild(textButton("Remove these", act("remove")));
  const add = root.appendChild(textButton("Add to the selection", act("add")));
  root.appendChild(textButton("Pick none", act("clear"))).title = "Escape";
  function show() {
    const picked = model.get("picked");
    const ofSelection = model.get("source") === "selection";
    root.hidden = picked === 0;
    count.textContent = `${picked.toLocaleString("en")} picked`;
    keep.textContent = ofSelection ? "Keep only these" : "Select only these";
    remove.hidden = !ofSelection;
    add.hidden = ofSelection;
  }
  return { root, show };
}

/** Four elements per tile, so that a screenful is light. */
function fill(/** @type {HTMLElement} */ node, /** @type {any} */ tile, /** @type {boolean} */ isSmall) {
  const badge = tile.badge ?? "wrong"; // of compared maps: what changed
  node.toggleAttribute("data-wrong", tile.wrong);
  node.dataset.badge = badge;
  node.style.setProperty("--tw-dot", tile.color);
  const words = [summary(tile), details(tile), tile.title, tile.note].filter(Boolean);
  node.title = [...words, "Click: look closely. Ctrl-click: pick. Shift-click: a range"].join("\n");
  node.setAttribute("aria-label", [...words, tile.wrong ? badge : ""].filter(Boolean).join(", "));
  let shown;
  if (tile.url) {
    shown = /** @type {HTMLImageElement} */ (element("img"));
    shown.decoding = "sync"; // small: in the same frame as its caption
    shown.src = tile.url;
    shown.alt = "";
    shown.draggable = false;
    // A few big pixels stay crisp; a photograph is smoothed.
    if (tile.width < 48) shown.className = "tw-pixelated";
  } else {
    shown = element("div", "tw-reason");
    shown.textContent = tile.note || "no picture";
  }
  const caption = element("figcaption");
  caption.append(summary(tile));
  node.replaceChildren(shown, caption);
  if (!isSmall) node.appendChild(element("small")).textContent = details(tile);
}

function drop(/** @type {Map<number, HTMLElement>} */ nodes, /** @type {(key: number) => boolean} */ isOut) {
  for (const [key, node] of nodes) {
    if (!isOut(key)) continue;
    node.remove();
    nodes.delete(key);
  }
}

export default render;
