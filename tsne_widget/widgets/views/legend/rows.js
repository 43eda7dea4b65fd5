// The list of classes: one row per class, with its colour, counts and share of right ones.
import { describe, fullCount, percent, points, shortCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { paint } from "../../frontend/palette.js";

/** @typedef {{title: string, names: string[], counts: number[], accuracies: Float32Array, gains: Float32Array, colors: string[]}} Classes */

const KEYS_HELP =
  "Space or Enter: show or hide. Shift with Space: show or hide a range. " +
  "Ctrl with Enter: show only this class; again: show all. Arrow keys, Home and End: move.";

export class Rows {
  #classes;
  #shares;
  // 2 and -1 are not valid values, so the first update draws every row.
  #visible;
  #selected;

  /** @param {Classes} classes */
  constructor(classes) {
    this.#classes = classes;
    const { title, names, counts, accuracies } = classes;
    const texts = Array.from(accuracies, (share) => percent(share));
    this.#shares = texts.some(Boolean) ? texts : counts.map(shortCount);
    this.#visible = new Uint8Array(names.length).fill(2);
    this.#selected = new Float64Array(names.length).fill(-1);
    this.list = element("ul", "tw-scroll");
    this.list.setAttribute("role", "list"); // Safari drops the role of a list without bullets
    this.list.setAttribute("aria-label", title || "Classes");
    this.list.setAttribute("aria-description", KEYS_HELP);
    this.list.style.setProperty("--tw-share", `${longest(this.#shares)}ch`);
    this.none = element("p", "tw-none tw-small", "No class matches.");
    this.rows = names.map((_, code) => this.#makeRow(code));
    this.list.addEventListener("pointerover", (event) => this.#showTooltip(codeOf(event)));
  }

  /** Draw the rows that have changed. @param {Uint8Array} visible @param {Uint32Array} selected */
  update(visible, selected) {
    for (let code = 0; code < visible.length; code++) {
      if (visible[code] === this.#visible[code] && selected[code] === this.#selected[code]) continue;
      this.#visible[code] = visible[code];
      this.#selected[code] = selected[code];
      this.#draw(code);
    }
    this.list.style.setProperty("--tw-selected", `${longest(Array.from(selected, shortCount))}ch`);
  }

  get selected() {
    return this.#selected;
  }

  get visibleCount() {
    return this.#visible.reduce((sum, flag) => sum + flag, 0);
  }

  /** @param {number} code */
  isVisible(code) {
    return this.#visible[code] === 1;
  }

  /** Show these classes in this order. @param {number[]} codes */
  arrange(codes) {
    this.list.replaceChildren(...codes.map((code) => this.rows[code].item));
    this.none.hidden = codes.length > 0;
  }

  #makeRow(/** @type {number} */ code) {
    const { names, colors, accuracies, gains } = this.#classes;
    const item = element("li");
    const button = item.appendChild(textButton(""));
    button.className = "tw-legend-row";
    button.dataset.code = String(code);
    button.tabIndex = -1;
    button.style.setProperty("--tw-class", paint(colors[code]));
    const selected = element("span", "tw-selected");
    button.append(element("i", "tw-swatch"), element("span", "tw-name", names[code]), selected, element("span", "tw-count", this.#shares[code]));
    if (gains.some(Number.isFinite)) {
      const gain = button.appendChild(element("span", "tw-gain", points(gains[code])));
      gain.toggleAttribute("data-lost", gains[code] < -0.005);
    }
    if (Number.isFinite(accuracies[code])) {
      button.style.setProperty("--tw-part", String(accuracies[code]));
      button.append(element("i", "tw-part"));
    }
    return { item, button, selected };
  }

  #draw(/** @type {number} */ code) {
    const { names, counts, accuracies, gains } = this.#classes;
    const { button, selected } = this.rows[code];
    const count = this.#selected[code];
    const visible = this.isVisible(code);
    button.setAttribute("aria-pressed", String(visible));
    button.setAttribute("aria-label", describe({ name: names[code], selected: count, count: counts[code], accuracy: accuracies[code], gain: gains[code], visible }));
    selected.textContent = count ? shortCount(count) : "";
  }

  #showTooltip(/** @type {number} */ code) {
    if (code < 0) return;
    const { names, counts, accuracies } = this.#classes;
    const [share, count] = [percent(accuracies[code], 1), this.#selected[code]];
    const waits = count && !this.isVisible(code);
    this.rows[code].button.title = [
      names[code],
      [`${fullCount(counts[code])} pictures`, share && `${share} right`].filter(Boolean).join(", "),
      waits ? `${fullCount(count)} are selected again when the class is shown` : count ? `${fullCount(count)} selected` : "",
      "Click: off or on. Double click: only this. Shift: a range",
    ].filter(Boolean).join("\n");
  }
}

/** Code of the class that an event is about; -1 for none. @param {Event} event */
export function codeOf(event) {
  const target = /** @type {Element} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("li button"));
  return Number(button?.dataset.code ?? -1);
}

function longest(/** @type {string[]} */ texts) {
  return texts.reduce((most, text) => Math.max(most, text.length), 2);
}
