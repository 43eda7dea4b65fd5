// The details of one sample: its picture, its values, and its nearest neighbours.
import { element, textButton } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { hasModifier } from "../../frontend/keys.js";
import { picture, pictureUrl, summary } from "../../frontend/tiles.js";
import { makeNeighbors } from "./neighbors.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{step: (by: number) => void, toggled: () => void, hover: (row: number | null) => void}} Calls */

/** @param {ViewModel} model @param {Calls} calls */
export function makeDetails(model, calls) {
  return new Details(model, calls);
}

class Details {
  #model;
  #calls;
  #bar;
  #large;
  #about;
  #neighbors;
  /** @type {number | null} */
  #row = null; // the displayed row
  #wantsFocus = false;

  /** @param {ViewModel} model @param {Calls} calls */
  constructor(model, calls) {
    this.#model = model;
    this.#calls = calls;
    this.root = element("section", "tw-sample-details");
    this.root.tabIndex = 0;
    this.root.hidden = true;
    this.#bar = makeBar(model, { step: calls.step, close: () => this.#close() });
    this.#large = element("div", "tw-large");
    this.#about = element("div", "tw-about");
    this.#about.tabIndex = 0; // lets keys scroll it
    this.#about.setAttribute("role", "group");
    this.#about.setAttribute("aria-label", "Details of the sample");
    this.#neighbors = makeNeighbors(model, { hover: calls.hover, open: (row) => this.#open(row) });
    this.root.append(this.#bar.root, this.#large, this.#about, this.#neighbors.root);
    this.root.addEventListener("keydown", (event) => this.#press(event));
    this.unfollow = follow(model, [
      ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
      ["change:focus_index change:count", () => this.#bar.show()],
    ]);
  }

  /**
   * Follow the sample in focus; the previous sample stays on screen until the new one arrives.
   * @returns {boolean} whether the details have closed while they had the keyboard focus
   */
  follow() {
    const row = this.#model.get("focus");
    this.#bar.show();
    if (row === null) return this.#hide();
    if (row !== this.#row) this.#model.send({ kind: "look", row });
    return false;
  }

  /** Give the details the keyboard focus when the next sample appears. */
  takeFocus() {
    this.#wantsFocus = true;
  }

  release() {
    this.unfollow();
  }

  #hide() {
    const hadFocus = this.root.contains(document.activeElement);
    this.root.hidden = true;
    this.#row = null;
    this.#calls.toggled();
    if (hadFocus) this.#calls.hover(null);
    return hadFocus;
  }

  #close() {
    this.#model.send({ kind: "focus", row: null });
  }

  #open(/** @type {number} */ row) {
    this.#wantsFocus = true;
    this.#model.send({ kind: "focus", row });
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.row !== this.#model.get("focus")) return;
    if (message.kind === "look") this.#show(message, buffers[0]);
    if (message.kind === "neighbors" && message.row === this.#row) this.#neighbors.show(message, buffers[0]);
  }

  #show(/** @type {any} */ { row, tile, details, probabilities }, /** @type {DataView} */ data) {
    this.#row = row;
    this.root.hidden = false;
    this.root.dataset.row = String(row);
    this.root.setAttribute("aria-label", `Details of sample ${tile.id}`);
    this.#bar.title.textContent = `#${tile.id}  ${summary(tile)}`;
    tile.url = pictureUrl(tile, data);
    this.#large.replaceChildren(picture(tile));
    this.#about.replaceChildren(...(probabilities.length ? [bars(probabilities)] : []), listOf(details));
    if (tile.note && tile.url) this.#about.append(element("p", "", tile.note));
    this.#about.scrollTop = 0;
    this.#neighbors.wait();
    this.#calls.toggled();
    if (this.#wantsFocus) this.root.focus({ preventScroll: true });
    this.#wantsFocus = false;
  }

  #press(/** @type {KeyboardEvent} */ event) {
    const isScrolling = document.activeElement === this.#about && ["ArrowUp", "ArrowDown"].includes(event.key);
    if (hasModifier(event) || isScrolling) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.#close();
    else if (by) {
      if (!this.#neighbors.moveBy(by)) this.#bar.step(by);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The bar at the top: the sample's title, and buttons to sort, step and close. */
function makeBar(/** @type {ViewModel} */ model, /** @type {{step: (by: number) => void, close: () => void}} */ { step, close }) {
  const root = element("div", "tw-bar");
  const title = root.appendChild(element("b"));
  title.setAttribute("role", "status");
  const button = (/** @type {string} */ text, /** @type {string} */ words, /** @type {() => void} */ act) => {
    const node = root.appendChild(textButton(text, act));
    node.title = words;
    node.setAttribute("aria-label", words);
    return node;
  };
  button("Sort by similarity", "Sort the gallery by distance to this sample in feature space",
    () => model.send({ kind: "arrange", sort: "distance" }));
  const back = button("‹", "Previous sample (left arrow)", () => step(-1));
  const forth = button("›", "Next sample (right arrow)", () => step(1));
  button("✕", "Close (Escape)", close);

  function show() {
    const [index, count] = [model.get("focus_index"), model.get("count")];
    back.disabled = !count || index === 0;
    forth.disabled = !count || index === count - 1;
  }

  return {
    root, title, show,
    step: (/** @type {number} */ by) => { if (!(by < 0 ? back : forth).disabled) step(by); },
  };
}

/** @param {[name: string, value: string][]} details */
function listOf(details) {
  const list = element("dl");
  for (const [name, value] of details) list.append(element("dt", "", name), element("dd", "", value));
  return list;
}

/** Bars of class probabilities; the label is marked. */
function bars(/** @type {{name: string, share: number, is_label: boolean}[]} */ classes) {
  const list = element("ul", "tw-bars");
  list.setAttribute("aria-label", "Most probable classes");
  for (const { name, share, is_label: isLabel } of classes) {
    const item = list.appendChild(element("li"));
    item.append(element("span", "tw-name", isLabel ? `${name} (label)` : name));
    const track = item.appendChild(element("span", "tw-track"));
    track.appendChild(element("span")).style.width = `${100 * share}%`;
    const isTiny = share > 0 && share < 0.001;
    item.append(element("span", "tw-share", isTiny ? "<\u202f0.1 %" : `${(100 * share).toFixed(1)} %`));
  }
  return list;
}
