// The groups panel: what mistakes have in common, tested on samples that were not used to find it.
import { fullCount } from "../../frontend/classes.js";
import { button, emptyState, twoToneMark } from "../../frontend/controls.js";
import { closest, element } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { paint } from "../../frontend/palette.js";
import { sampleImage } from "../../frontend/tiles.js";
import { followTheme } from "../../frontend/theme.js";
import { Requests } from "../gallery/requests.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{title: string, others: string, color: string, prediction_color: string, wrong: string, times: string, held: string, caption: string}} Card */

const [SIDE, PICTURE] = [84, 34]; // pixels of the small map, and of a picture

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const groups = new Groups(model, el);
  return () => groups.release();
}

class Groups {
  #model;
  #root;
  #say = element("div", "tw-say");
  #list = element("ol", "tw-group-list");
  #requests;
  #lit = -1; // group that is lit up on the map
  #releases;

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#requests = new Requests(model, () => this.#ask());
    this.#root = el.appendChild(element("section", "tw-content tw-groups tw-scroll"));
    this.#root.setAttribute("aria-label", "Groups of mistakes");
    this.#say.setAttribute("role", "status");
    this.#root.append(this.#say, this.#list);
    this.#list.addEventListener("click", (event) => this.#select(event));
    for (const kind of ["pointerover", "focusin"]) this.#list.addEventListener(kind, (event) => this.#light(groupOf(event)));
    for (const kind of ["pointerleave", "focusout"]) this.#list.addEventListener(kind, () => this.#light(-1));
    this.#releases = [
      follow(model, [
        [changesOf("groups", "not_held", "is_done", "is_running", "share", "lacking", "epoch", "pictures"), once(() => this.#show())],
        [changesOf("places", "spots"), once(() => this.#drawMaps())],
        ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
      ]),
      followTheme(this.#root, () => this.#drawMaps()),
    ];
    this.#show();
  }

  release() {
    this.#light(-1);
    this.#requests.release();
    for (const release of this.#releases) release();
  }

  // ---- showing ----

  #show() {
    const [lacking, isRunning, isDone, wrong, groups] = ["lacking", "is_running", "is_done", "wrong", "groups"].map((name) => this.#model.get(name));
    const key = `${this.#model.get("epoch")} ${groups.length}`;
    if (lacking || !wrong || !isDone || !groups.length) this.#say.replaceChildren(...this.#withoutGroups(lacking, isRunning, isDone, wrong));
    else this.#say.replaceChildren(sentence(groups.length, this.#model.get("not_held")));
    if (this.#list.dataset.key === key) return;
    this.#list.dataset.key = key;
    this.#requests.clear();
    const pictures = this.#model.get("pictures");
    this.#list.replaceChildren(...groups.map((/** @type {Card} */ card, /** @type {number} */ index) => row(card, index, pictures[index] ?? 0)));
    this.#list.hidden = !groups.length;
    this.#drawMaps();
    this.#ask();
  }

  /** What stands where there are no groups. @returns {HTMLElement[]} */
  #withoutGroups(/** @type {string} */ lacking, /** @type {boolean} */ isRunning, /** @type {boolean} */ isDone, /** @type {number} */ wrong) {
    if (lacking) {
      const code = lacking === "labels" ? "FeatureSet.from_arrays(X, labels, predictions=p)" : "FeatureSet.from_arrays(X, y, predictions=p)";
      return [emptyState(`This record has no ${lacking}`, "So nothing can be right or wrong. This panel shows what the mistakes have in common.", code)];
    }
    if (!wrong) return [emptyState("Every picture is right", "Without a mistake there is nothing to group.")];
    if (isRunning) {
      const bar = element("progress");
      bar.value = Math.max(0.02, this.#model.get("share"));
      bar.setAttribute("aria-label", "Search for groups");
      return [element("p", "", "Looking for what the mistakes have in common …"), bar, button("Stop", () => this.#model.send({ kind: "stop" }), "edge")];
    }
    if (isDone) {
      const tried = this.#model.get("not_held");
      const text = tried ? `${fullCount(tried)} ${tried === 1 ? "was" : "were"} found on one half of the pictures, but did not hold on the other.` : "Nowhere are mistakes denser than elsewhere.";
      return [emptyState("No group of mistakes holds", text)];
    }
    if (!this.#model.get("can_compute")) {
      return [emptyState("This page has no groups of mistakes", "A page has those that were found before it was saved.", "explorer.mistake_groups()")];
    }
    return [
      emptyState("The groups are not known yet", "One half of the pictures proposes groups of mistakes, the other tests them.", "explorer.mistake_groups()"),
      button("Find groups", () => this.#model.send({ kind: "compute" }), "main"),
    ];
  }

  #drawMaps() {
    const places = bytes(this.#model.get("places"));
    const spots = this.#model.get("spots");
    const [colors, cards] = [getComputedStyle(this.#root), this.#model.get("groups")];
    for (const [index, canvas] of [...this.#list.querySelectorAll("canvas")].entries()) {
      canvas.hidden = !places.length;
      drawMap(canvas, places, spots[index] ?? [], colors, cards[index].color);
    }
  }

  // ---- pictures ----

  #ask() {
    const total = this.#model.get("pictures").reduce((/** @type {number} */ sum, /** @type {number} */ one) => sum + one, 0);
    if (total) this.#requests.ask(0, total, PICTURE);
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind !== "tiles" || message.epoch !== this.#model.get("epoch")) return;
    const frames = this.#list.querySelectorAll(".tw-group-picture");
    for (const index of this.#requests.receive(message, buffers[0])) {
      const tile = this.#requests.get(index);
      if (tile.url) frames[index]?.replaceChildren(sampleImage(tile));
    }
    this.#ask();
  }

  // ---- acting ----

  #select(/** @type {MouseEvent} */ event) {
    const group = groupOf(event);
    if (group >= 0) this.#model.send({ kind: "select", group, mode: modeOf(event) });
  }

  #light(/** @type {number} */ group) {
    if (group === this.#lit) return;
    this.#lit = group;
    this.#model.send({ kind: "light", group: group < 0 ? null : group });
  }
}

/** How many groups hold. @param {number} count @param {number} others */
function sentence(count, others) {
  const node = element("p");
  const what = count === 1 ? "1 group of mistakes holds" : `${fullCount(count)} groups of mistakes hold`;
  const rest = others ? ` ${fullCount(others)} ${others === 1 ? "other did not, and is" : "others did not, and are"} not shown.` : "";
  node.append(element("b", "", what), ` on pictures that were not used to find ${count === 1 ? "it" : "them"}.${rest}`);
  return node;
}

/** @param {Card} card @param {number} index @param {number} pictures */
function row(card, index, pictures) {
  const item = element("li");
  const node = item.appendChild(element("button", "tw-group"));
  node.type = "button";
  node.dataset.group = String(index);
  node.title = "Click to select. Shift adds, Alt takes away, Ctrl keeps both.";
  const map = node.appendChild(element("canvas", "tw-group-map"));
  map.setAttribute("aria-hidden", "true");
  const words = node.appendChild(element("span", "tw-group-words"));
  const head = words.appendChild(element("span", "tw-group-head"));
  head.append(twoToneMark(paint(card.color), paint(card.prediction_color)), element("b", "", card.title));
  if (card.others) head.append(element("span", "tw-small tw-muted", card.others));
  const caption = card.caption ? ` · ${card.caption}` : "";
  words.append(element("span", "tw-group-numbers", `${card.wrong}, ${card.times}${caption}`), element("span", "tw-small tw-muted", `held out: ${card.held}`));
  const strip = element("span", "tw-group-pictures");
  for (let k = 0; k < pictures; k++) strip.append(element("span", "tw-group-picture"));
  if (pictures) words.append(strip);
  return item;
}

/** Draw all points in grey, and those of a group in the colour of its label. */
function drawMap(
  /** @type {HTMLCanvasElement} */ canvas, /** @type {Uint8Array} */ places, /** @type {number[]} */ spots,
  /** @type {CSSStyleDeclaration} */ styles, /** @type {string} */ color,
) {
  const scale = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = canvas.height = Math.round(SIDE * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  const [side, margin] = [canvas.width, 4 * scale];
  const at = (/** @type {number} */ value) => margin + (value / 255) * (side - 2 * margin);
  const dots = (/** @type {ArrayLike<number>} */ points, /** @type {number} */ size) => {
    for (let k = 0; k + 1 < points.length; k += 2) context.fillRect(at(points[k]) - size / 2, at(points[k + 1]) - size / 2, size, size);
  };
  context.clearRect(0, 0, side, side);
  context.globalAlpha = 0.45;
  context.fillStyle = styles.getPropertyValue("--tw-faint").trim() || "#919191";
  dots(places, scale);
  context.globalAlpha = 1;
  const drawn = styles.getPropertyValue(`--tw-${color.slice(1)}`).trim();
  context.fillStyle = drawn || color;
  dots(spots, 3 * scale);
}

/** The group under an event; -1 for none. @param {Event} event */
function groupOf(event) {
  return Number(closest(event, ".tw-group")?.dataset.group ?? -1);
}

/** @param {any} view  a DataView, or null for no bytes @returns {Uint8Array} */
function bytes(view) {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0);
}

export default render;
