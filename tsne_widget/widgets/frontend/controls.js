// The controls that the views share: buttons, switches of a few choices, popovers, and marks.
import { element, svgElement, textButton } from "./elements.js";
import { icon } from "./icons.js";
import { paint } from "./palette.js";

/** @typedef {import("./icons.js").IconName} IconName */

/**
 * A button of the widget's look.
 * @param {string} text @param {(event: MouseEvent) => void} [act]
 * @param {"plain" | "edge" | "main" | "link"} look
 */
export function button(text, act, look = "plain") {
  const made = textButton(text, act);
  made.className = "tw-button";
  if (look !== "plain") made.dataset.look = look;
  return made;
}

/** A square button with an icon; the title describes it. @param {string} title @param {IconName} name @param {(event: MouseEvent) => void} [act] */
export function iconButton(title, name, act) {
  const made = button("", act);
  made.dataset.look = "icon";
  made.append(icon(name));
  nameIt(made, title);
  return made;
}

/** Set the title of a button without a text. @param {HTMLElement} made @param {string} title */
export function nameIt(made, title) {
  made.title = title;
  made.setAttribute("aria-label", title);
}

/** @typedef {{name: string, text: string, title?: string, icon?: IconName}} Option */

/**
 * A switch between a few choices.
 * @param {string} label  what is chosen, for screen readers
 * @param {Option[]} options @param {(name: string) => void} choose
 * @returns {{root: HTMLElement, show: (chosen: string) => void, buttons: Map<string, HTMLButtonElement>}}
 */
export function segmented(label, options, choose) {
  const root = element("div", "tw-seg");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  for (const { name, text, title, icon: iconName } of options) {
    const one = root.appendChild(textButton(iconName ? "" : text, () => choose(name)));
    if (iconName) one.append(icon(iconName));
    one.dataset.name = name;
    nameIt(one, title ?? text);
    if (!iconName) one.removeAttribute("aria-label");
    buttons.set(name, one);
  }
  const show = (/** @type {string} */ chosen) => {
    for (const [name, one] of buttons) one.setAttribute("aria-pressed", String(name === chosen));
  };
  return { root, show, buttons };
}

/**
 * Content that a button opens below itself; Escape, a click elsewhere or a lost focus closes it.
 * @param {HTMLButtonElement} opener @param {HTMLElement} content
 * @param {{align?: "left" | "right", onOpen?: () => void}} [options]
 * @returns {{root: HTMLElement, open: (isOpen: boolean) => void, isOpen: () => boolean}}
 */
export function popover(opener, content, { align = "right", onOpen } = {}) {
  const root = element("div", "tw-pop-place");
  const box = element("div", "tw-pop");
  box.dataset.align = align;
  box.append(content);
  root.append(opener, box);
  opener.setAttribute("aria-haspopup", "true");

  function open(/** @type {boolean} */ isOpen) {
    box.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      onOpen?.();
      keepInside(box);
    }
  }

  opener.addEventListener("click", () => open(Boolean(box.hidden)));
  root.addEventListener("focusout", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !root.contains(to)) open(false);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || box.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    open(false);
    opener.focus();
  });
  closeOnPressElsewhere(root, () => { if (!box.hidden) open(false); });
  open(false);
  return { root, open, isOpen: () => !box.hidden };
}

/** Call back when the pointer is pressed in the same application, but outside an element. */
function closeOnPressElsewhere(/** @type {HTMLElement} */ root, /** @type {() => void} */ close) {
  // On the application's element, which is released with the view; the element is there only later.
  root.addEventListener("focusin", () => {
    const page = /** @type {HTMLElement | null} */ (root.closest(".tsne-widget"));
    if (!page || root.dataset.isWatched) return;
    root.dataset.isWatched = "true";
    page.addEventListener("pointerdown", (event) => {
      if (!event.composedPath().includes(root)) close();
    });
  });
}

/** Move a popover sideways into the frame, if it reaches beyond. */
export function keepInside(/** @type {HTMLElement} */ box) {
  box.style.transform = "";
  const frame = box.closest(".tsne-widget")?.getBoundingClientRect();
  const own = box.getBoundingClientRect();
  if (!frame) return;
  const beyond = Math.min(0, own.left - frame.left - 4) || Math.max(0, own.right - frame.right + 4);
  if (beyond) box.style.transform = `translateX(${-beyond}px)`;
}

/**
 * The mark of a mistake: the core has the label's colour, the ring the prediction's.
 * @param {string} label @param {string} [prediction]  CSS colours; without a prediction a plain dot
 */
export function twoToneMark(label, prediction) {
  const svg = svgElement("svg", "tw-mark", { viewBox: "0 0 12 12", "aria-hidden": true });
  const circle = (/** @type {number} */ r) => /** @type {SVGElement} */ (svg.appendChild(svgElement("circle", "", { cx: 6, cy: 6, r })));
  if (prediction) Object.assign(circle(4.75).style, { fill: "none", stroke: paint(prediction), strokeWidth: "2.5px" });
  circle(prediction ? 2.5 : 4.5).style.fill = paint(label);
  return svg;
}

/**
 * What stands where there is nothing to show: a bold line, a sentence, and code to copy.
 * @param {string} title @param {string} sentence @param {string} [code]
 */
export function emptyState(title, sentence, code) {
  const root = element("div", "tw-empty");
  root.append(element("b", "", title), element("p", "", sentence));
  if (code) {
    const line = root.appendChild(element("div", "tw-code"));
    line.append(element("code", "", code), iconButton("Copy the code", "copy", () => { void navigator.clipboard?.writeText(code); }));
  }
  return root;
}
