// The strip: a row of pictures of the selection, under the panels that show none.
import { fullCount } from "../../frontend/classes.js";
import { button, iconButton, nameIt } from "../../frontend/controls.js";
import { closest, element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { HoverSender } from "../../frontend/hover_sender.js";
import { caption, picture, words } from "../../frontend/tiles.js";
import { Requests } from "../gallery/requests.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

const [LEAST, GAP] = [76, 7]; // width of a picture, and between two, pixels

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const strip = new Strip(model, el, commands);
  return () => strip.release();
}

class Strip {
  #model;
  #el;
  #requests;
  #hover;
  #title = element("span", "tw-small");
  #fold = iconButton("", "down", () => this.#toggle());
  #row = element("div", "tw-strip-row");
  #shown = 0; // tiles that there is room for
  #resized = new ResizeObserver(() => this.#show());

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.#model = model;
    this.#el = el;
    this.#requests = new Requests(model, () => this.#show());
    this.#hover = new HoverSender(model);
    const root = el.appendChild(element("section", "tw-strip"));
    root.setAttribute("aria-label", "Pictures of the selection");
    const head = root.appendChild(element("div", "tw-strip-head"));
    head.append(this.#title, element("span", "tw-grow"), button("Show all", () => commands.run("open-panel", "gallery"), "link"), this.#fold);
    root.append(this.#row);
    this.#row.addEventListener("click", (event) => this.#click(event));
    this.#row.addEventListener("pointerover", (event) => this.#hover.set(rowOf(event)));
    this.#row.addEventListener("focusin", (event) => this.#hover.set(rowOf(event)));
    for (const kind of ["pointerleave", "focusout"]) this.#row.addEventListener(kind, () => this.#hover.set(null));
    this.#resized.observe(this.#row);
    this.unfollow = follow(model, [
      ["change:epoch", () => this.#restart()],
      [changesOf("is_folded"), () => this.#showHead()],
      ["change:hovered", () => this.#showHovered()],
      ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
    ]);
    this.#restart();
  }

  release() {
    this.unfollow();
    this.#requests.release();
    this.#resized.disconnect();
    this.#hover.release();
  }

  #toggle() {
    this.#model.set("is_folded", !this.#model.get("is_folded"));
    this.#model.save_changes();
  }

  #showHead() {
    const [count, wrong, isFolded] = ["count", "wrong", "is_folded"].map((name) => this.#model.get(name));
    this.#el.hidden = !count;
    this.#row.hidden = isFolded;
    this.#title.replaceChildren(element("b", "", fullCount(count)), ` selected`, ...(wrong ? [" · ", element("span", "tw-is-wrong", `${fullCount(wrong)} wrong`)] : []));
    nameIt(this.#fold, isFolded ? "Show the pictures" : "Fold the pictures away");
    this.#fold.setAttribute("aria-expanded", String(!isFolded));
    this.#fold.classList.toggle("tw-folded", isFolded);
  }

  #restart() {
    this.#requests.clear();
    this.#row.replaceChildren();
    this.#shown = 0;
    this.#showHead();
    this.#show();
  }

  /** Show as many pictures as there is room for; ask for those that are missing. */
  #show() {
    const width = this.#row.clientWidth;
    if (!width) return; // hidden; shown once it has a size
    const room = Math.max(1, Math.floor((width + GAP) / (LEAST + GAP)));
    this.#row.style.setProperty("--tw-room", String(room));
    const count = Math.min(room, this.#model.get("count"));
    if (count !== this.#shown) {
      this.#shown = count;
      this.#row.replaceChildren(...Array.from({ length: count }, (_, index) => tileNode(index, this.#requests.get(index))));
      this.#showHovered();
    }
    const side = (width - (room - 1) * GAP) / room;
    this.#requests.ask(0, count, side);
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind !== "tiles" || message.epoch !== this.#model.get("epoch")) return;
    for (const index of this.#requests.receive(message, buffers[0])) {
      this.#row.children[index]?.replaceWith(tileNode(index, this.#requests.get(index)));
    }
    this.#showHovered();
    this.#show();
  }

  #showHovered() {
    const hovered = String(this.#model.get("hovered"));
    for (const node of this.#row.children) node.toggleAttribute("data-hovered", /** @type {HTMLElement} */ (node).dataset.row === hovered);
  }

  #click(/** @type {MouseEvent} */ event) {
    const index = closest(event, "[data-index]")?.dataset.index;
    if (index !== undefined) this.#model.send({ kind: "open", epoch: this.#model.get("epoch"), index: Number(index) });
  }
}

/** @param {number} index @param {any} tile */
function tileNode(index, tile) {
  const node = element("button", "tw-strip-tile");
  node.type = "button";
  node.dataset.index = String(index);
  if (!tile) {
    node.append(element("div", "tw-picture"));
    node.setAttribute("aria-label", "loading");
    return node;
  }
  node.dataset.row = String(tile.row);
  node.title = words(tile).join("\n");
  node.setAttribute("aria-label", words(tile).join(", "));
  const shown = picture(tile);
  shown.firstElementChild?.setAttribute("alt", "");
  node.append(shown, ...caption(tile).children);
  return node;
}

/** @param {Event} event */
function rowOf(event) {
  const row = closest(event, "[data-row]")?.dataset.row;
  return row === undefined ? null : Number(row);
}

export default render;
