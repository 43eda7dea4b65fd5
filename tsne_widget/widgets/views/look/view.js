// The close look: one sample in place of the panels, its picture, probabilities, facts and neighbours.
import { fullCount } from "../../frontend/classes.js";
import { button, iconButton } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { HoverSender } from "../../frontend/hover_sender.js";
import { hasModifier } from "../../frontend/keys.js";
import { markOf, picture, pictureUrl, summary } from "../../frontend/tiles.js";
import { EvidenceParts } from "./evidence.js";
import { barsOf, factsOf, pathOf } from "./facts.js";
import { makeNeighbors } from "./neighbors.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const look = new Look(model, el, commands);
  return () => look.release();
}

class Look {
  #model;
  #el;
  #commands;
  #title = element("div", "tw-look-title");
  #place = element("span", "tw-small tw-muted");
  #back = iconButton("Before (←)", "left", () => this.#step(-1));
  #next = iconButton("Next (→)", "right", () => this.#step(1));
  #body = element("div", "tw-look-body tw-scroll");
  #large = element("div", "tw-look-picture");
  #about = element("div", "tw-look-about");
  #facts = element("dl", "tw-facts");
  #path = element("div", "tw-look-path");
  #evidence;
  #neighbors;
  #hover;
  /** @type {number | null} */
  #row = null; // the displayed row
  /** @type {HTMLElement | null} */
  #returnTo = null; // where the keyboard focus was before

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.#model = model;
    this.#el = el;
    this.#commands = commands;
    this.#hover = new HoverSender(model);
    this.#evidence = new EvidenceParts(model);
    this.#neighbors = makeNeighbors(model, { hover: (row) => this.#hover.set(row), open: (row) => this.#open(row) });
    this.root = el.appendChild(element("section", "tw-look"));
    this.root.tabIndex = -1;
    el.hidden = true;
    this.#build();
    this.root.addEventListener("keydown", (event) => this.#press(event));
    this.unfollow = follow(model, [
      ["change:focus", () => this.#follow()],
      [changesOf("position", "count"), () => this.#showPlace()],
      [changesOf("evidence"), () => this.#evidence.follow()],
      ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
    ]);
    this.#follow();
  }

  release() {
    this.unfollow();
    this.#evidence.release();
    this.#hover.release();
  }

  #build() {
    const head = element("header", "tw-look-head");
    this.#title.setAttribute("role", "status");
    head.append(iconButton("Back to the pictures (Escape)", "left", () => this.#close()), this.#title, this.#place, this.#back, this.#next);
    const pair = element("div", "tw-look-pair");
    pair.append(this.#large, this.#about);
    // Witnesses go between the evidence and the facts; actions into the foot.
    this.#body.append(pair, this.#evidence.said, this.#facts, this.#path);
    if (this.#model.get("has_neighbors")) this.#body.append(this.#neighbors.root);
    const foot = element("footer", "tw-look-foot");
    if (this.#model.get("has_neighbors")) {
      foot.append(button("Sort by similarity to this", () => this.#sortBySimilarity(), "edge"));
    }
    foot.hidden = !foot.childElementCount;
    this.root.append(head, this.#body, foot);
  }

  #sortBySimilarity() {
    this.#commands.run("open-panel", "gallery");
    this.#model.send({ kind: "similar" });
  }

  /** Follow the sample in focus; the previous one stays on screen until the new one arrives. */
  #follow() {
    const row = this.#model.get("focus");
    this.#showPlace();
    if (row === null) this.#hide();
    else if (row !== this.#row) this.#model.send({ kind: "look", row });
  }

  #showPlace() {
    const [position, count] = [this.#model.get("position"), this.#model.get("count")];
    this.#place.textContent = position < 0 ? "" : `${fullCount(position + 1)} of ${fullCount(count)}`;
    this.#back.disabled = position <= 0;
    this.#next.disabled = position < 0 || position >= count - 1;
  }

  #hide() {
    const hadFocus = this.root.contains(document.activeElement);
    this.#el.hidden = true;
    this.#row = null;
    this.#cover(false);
    this.#hover.set(null);
    if (hadFocus) this.#returnTo?.focus({ preventScroll: true });
  }

  #close() {
    this.#model.send({ kind: "focus", row: null });
  }

  #open(/** @type {number} */ row) {
    this.#model.send({ kind: "focus", row });
  }

  #step(/** @type {number} */ by) {
    if (!(by < 0 ? this.#back : this.#next).disabled) this.#model.send({ kind: "step", by });
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.row !== this.#model.get("focus")) return;
    if (message.kind === "look") this.#show(message, buffers[0]);
    if (message.kind === "evidence" && message.row === this.#row) this.#evidence.receive(message, buffers[0]);
    if (message.kind === "neighbors" && message.row === this.#row) this.#neighbors.show(message, buffers[0]);
  }

  #show(/** @type {any} */ { row, tile, path, details, probabilities }, /** @type {DataView} */ data) {
    const hadFocus = this.root.contains(document.activeElement); // perhaps on a neighbour that goes away
    this.#row = row;
    this.root.dataset.row = String(row);
    this.root.setAttribute("aria-label", `Close look at picture ${tile.id}`);
    this.#title.replaceChildren(markOf(tile), element("b", "", summary(tile)), element("span", "tw-muted", ` #${tile.id}`));
    tile.url = pictureUrl(tile, data);
    const large = picture(tile);
    this.#large.replaceChildren(large);
    this.#about.replaceChildren(...(probabilities.length ? [barsOf(probabilities)] : []));
    if (tile.note && tile.url) this.#about.append(element("p", "tw-small tw-muted", tile.note));
    this.#about.append(this.#evidence.controls);
    this.#evidence.show(row, tile, probabilities, large);
    this.#facts.replaceChildren(...factsOf(details));
    this.#path.replaceChildren(...pathOf(path));
    this.#path.hidden = !path;
    this.#body.scrollTop = 0;
    this.#neighbors.wait();
    if (this.#el.hidden) this.#appear();
    else if (hadFocus) this.root.focus({ preventScroll: true });
  }

  /** Take the place of the panels, and the keyboard focus if it was in them. */
  #appear() {
    const panels = this.#el.parentElement;
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const isInside = Boolean(panels?.contains(active));
    this.#returnTo = isInside ? active : null;
    this.#el.hidden = false;
    this.#cover(true);
    if (isInside) this.root.focus({ preventScroll: true });
  }

  /** Make what lies below unreachable by keyboard. */
  #cover(/** @type {boolean} */ isCovered) {
    const panels = this.#el.closest(".tw-panels"); // beside maps, nothing is covered
    for (const other of panels?.children ?? []) if (other !== this.#el) other.toggleAttribute("inert", isCovered);
  }

  #press(/** @type {KeyboardEvent} */ event) {
    if (hasModifier(event)) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") this.#close();
    else if (by) {
      if (!this.#neighbors.moveBy(by)) this.#step(by);
    } else return;
    event.preventDefault();
  }
}

export default render;
