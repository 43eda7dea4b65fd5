// The gallery: only the tiles in sight exist; their pictures are asked for range by range.
import { caption, details, element, picture, pictureUrl, summary } from "./tiles.js";

const TILE_WIDTH = 108; // pixels, with the gap
const TILE_HEIGHT = 144;
const MAX_CONTENT_PIXELS = 15_000_000; // Chromium cuts an element's height at 33.5 million
const MAX_ASK = 64; // tiles per request; the kernel refuses more
const KEEP_TILES = 600; // tiles of which the pictures are kept

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("div", "tw-gallery");
  const note = root.appendChild(element("div", "tw-note"));
  const scroll = root.appendChild(element("div", "tw-scroll"));
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "list");
  scroll.setAttribute("aria-label", "Images of the selected samples");
  const content = scroll.appendChild(element("div"));
  content.style.position = "relative";
  const hint = root.appendChild(element("div", "tw-hint"));
  el.appendChild(root);

  /** @type {Map<number, any>} */
  let tiles = new Map(); // index → what the kernel sent, with the picture's URL
  /** @type {Map<number, HTMLElement>} */
  let nodes = new Map(); // index → element in sight
  let asked = false; // one request at a time: a newer scroll position makes the older one useless
  let frame = 0;

  function restart() {
    for (const tile of tiles.values()) if (tile.url) URL.revokeObjectURL(tile.url);
    tiles = new Map();
    nodes = new Map();
    content.replaceChildren();
    scroll.scrollTop = 0;
    asked = false;
    show();
  }

  function layout() {
    const columns = Math.max(1, Math.floor((scroll.clientWidth - 4) / TILE_WIDTH));
    const count = model.get("count");
    const full = Math.ceil(count / columns) * TILE_HEIGHT;
    const height = Math.min(full, MAX_CONTENT_PIXELS);
    // Where the list is taller than an element may be, scrolling moves through it faster.
    const room = Math.max(1, height - scroll.clientHeight);
    const top = full > height ? (scroll.scrollTop / room) * (full - scroll.clientHeight) : scroll.scrollTop;
    const first = Math.max(0, Math.floor(top / TILE_HEIGHT)) * columns;
    const rows = Math.ceil(scroll.clientHeight / TILE_HEIGHT) + 1;
    return { columns, height, shift: scroll.scrollTop - top, first, last: Math.min(count, first + rows * columns) };
  }

  function show() {
    frame = 0;
    const count = model.get("count");
    const text = model.get("note") || (model.get("has_images") ? "" : "No pictures: pass images= (an array, paths or a dataset) to see them");
    note.hidden = !(text && count);
    note.textContent = text;
    hint.hidden = count > 0;
    hint.textContent = "Nothing selected. Drag around points on the map to see their images here.";
    const { columns, height, shift, first, last } = layout();
    content.style.height = `${height}px`;
    for (const [index, node] of nodes) {
      if (index < first || index >= last) {
        node.remove();
        nodes.delete(index);
      }
    }
    for (let index = first; index < last; index++) {
      let node = nodes.get(index);
      if (!node) {
        node = content.appendChild(element("figure"));
        node.setAttribute("role", "listitem");
        node.setAttribute("aria-posinset", String(index + 1));
        node.setAttribute("aria-setsize", String(count)); // of which only those in sight exist
        node.appendChild(element("div", "tw-picture"));
        nodes.set(index, node);
        if (tiles.has(index)) fill(node, tiles.get(index));
      }
      node.style.left = `${4 + (index % columns) * TILE_WIDTH}px`;
      node.style.top = `${4 + Math.floor(index / columns) * TILE_HEIGHT + shift}px`;
    }
    ask(first, last);
  }

  function ask(/** @type {number} */ first, /** @type {number} */ last) {
    if (asked) return;
    let start = first;
    while (start < last && tiles.has(start)) start++;
    let stop = start;
    while (stop < last && stop - start < MAX_ASK && !tiles.has(stop)) stop++;
    if (stop <= start) return;
    asked = true;
    model.send({ kind: "tiles", epoch: model.get("epoch"), start, stop });
  }

  function receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind !== "tiles" || message.epoch !== model.get("epoch")) return;
    asked = false;
    const data = buffers[0];
    let offset = data.byteOffset;
    message.tiles.forEach((/** @type {any} */ tile, /** @type {number} */ k) => {
      const index = message.start + k;
      if (!tiles.has(index)) tile.url = pictureUrl(tile, data.buffer, offset);
      offset += tile.bytes;
      if (tiles.has(index)) return; // another view of this gallery asked as well
      tiles.set(index, tile);
      const node = nodes.get(index);
      if (node) fill(node, tile);
    });
    forget();
    show();
  }

  /** Drop the pictures that are farthest from sight. */
  function forget() {
    if (tiles.size <= KEEP_TILES) return;
    const { first, last } = layout();
    const away = (/** @type {number} */ i) => Math.max(first - i, i - last, 0);
    for (const index of [...tiles.keys()].sort((a, b) => away(b) - away(a)).slice(0, tiles.size - KEEP_TILES)) {
      if (nodes.has(index)) continue;
      if (tiles.get(index).url) URL.revokeObjectURL(tiles.get(index).url);
      tiles.delete(index);
    }
  }

  const schedule = () => { frame ||= requestAnimationFrame(show); };
  const resized = new ResizeObserver(schedule);
  resized.observe(scroll);
  scroll.addEventListener("scroll", schedule, { passive: true });
  scroll.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:epoch", restart);
  model.on("msg:custom", receive);
  show();

  return () => {
    cancelAnimationFrame(frame);
    resized.disconnect();
    model.off("change:epoch", restart);
    model.off("msg:custom", receive);
    for (const tile of tiles.values()) if (tile.url) URL.revokeObjectURL(tile.url);
  };
}

function fill(/** @type {HTMLElement} */ node, /** @type {any} */ tile) {
  node.toggleAttribute("data-wrong", tile.wrong);
  node.title = [summary(tile), details(tile), tile.title, tile.note].filter(Boolean).join("\n");
  node.replaceChildren(picture(tile), caption(tile));
}

export default { render };
