// The list of classes: one row per class, with its colour, counts and accuracy.
import { describe, fullCount, percent, shortCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";

/** @typedef {{title: string, names: string[], counts: number[], accuracies: Float32Array, colors: string[]}} Classes */

const KEYS_HELP =
  "Space or Enter: show or hide. Shift with Space: show or hide a range. " +
  "Ctrl with Enter: show only this class; again: show all. Arrow keys, Home, End or letters: move.";

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
    const totals = Array.from(counts, shortCount);
    this.#shares = Array.from(accuracies, (share) => percent(share).replace("\u202f", ""));
    this.#visible = new Uint8Array(names.length).fill(2);
    this.#selected = new Float64Array(names.length).fill(-1);
    this.root = element("div", "tw-list");
    this.root.style.setProperty("--tw-count", `${longest(totals, "sel.".length - 1)}ch`);
    this.root.style.setProperty("--tw-share", `${longest(this.#shares, "acc.".length - 1) + 0.6}ch`); // % is wider than a digit
    const top = this.root.appendChild(element("div", "tw-top"));
    this.status = top.appendChild(element("span", "tw-status"));
    this.status.setAttribute("role", "status");
    this.columns = top.appendChild(this.#makeColumns());
    this.list = this.root.appendChild(element("ul"));
    this.list.setAttribute("role", "list"); // Safari drops the role of a list without bullets
    this.list.setAttribute("aria-label", title || "Classes");
    this.list.setAttribute("aria-description", KEYS_HELP);
    this.none = this.root.appendChild(element("p", "tw-none", "No class matches"));
    this.rows = names.map((_, code) => this.#makeRow(code, totals[code]));
    this.list.addEventListener("pointerover", (event) => this.#showTooltip(event));
  }

  /** Draw the rows that have changed. @param {Uint8Array} visible @param {Uint32Array} selected */
  update(visible, selected) {
    for (let code = 0; code < visible.length; code++) {
      if (visible[code] === this.#visible[code] && selected[code] === this.#selected[code]) continue;
      this.#visible[code] = visible[code];
      this.#selected[code] = selected[code];
      this.#draw(code);
    }
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
    this.columns.hidden = codes.length === 0;
  }

  #makeColumns() {
    const columns = element("span", "tw-columns");
    columns.setAttribute("aria-hidden", "true"); // the label of each row has all of it
    columns.append(element("span", "tw-selected", "sel."), element("span", "tw-count", "all"));
    if (this.#shares.some(Boolean)) columns.append(element("span", "tw-accuracy", "acc."));
    return columns;
  }

  #makeRow(/** @type {number} */ code, /** @type {string} */ total) {
    const { names, colors } = this.#classes;
    const item = element("li");
    const button = item.appendChild(textButton(""));
    button.dataset.code = String(code);
    button.tabIndex = -1;
    const swatch = button.appendChild(element("span", "tw-swatch"));
    swatch.style.borderColor = swatch.style.background = colors[code];
    button.append(element("span", "tw-name", names[code]));
    const selected = button.appendChild(element("span", "tw-selected"));
    button.append(element("span", "tw-count", total));
    if (this.#shares.some(Boolean)) button.append(element("span", "tw-accuracy", this.#shares[code]));
    return { item, button, selected };
  }

  #draw(/** @type {number} */ code) {
    const { names, counts, accuracies } = this.#classes;
    const { button, selected } = this.rows[code];
    const count = this.#selected[code];
    const visible = this.isVisible(code);
    button.setAttribute("aria-pressed", String(visible));
    button.setAttribute("aria-label", describe({ name: names[code], selected: count, count: counts[code], accuracy: accuracies[code], visible }));
    selected.textContent = count ? shortCount(count) : "";
  }

  #showTooltip(/** @type {Event} */ event) {
    const code = codeOf(event);
    if (code < 0) return;
    const { names, counts, accuracies } = this.#classes;
    const share = percent(accuracies[code], 1);
    const visible = this.isVisible(code) ? counts[code] : 0;
    this.rows[code].button.title = [
      names[code],
      `${fullCount(this.#selected[code])} selected / ${fullCount(visible)} visible / ${fullCount(counts[code])} in total`,
      share && `accuracy ${share}`,
    ].filter(Boolean).join("\n");
  }
}

/** Code of the class that an event is about; -1 for none. @param {Event} event */
export function codeOf(event) {
  const target = /** @type {Element} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("li button"));
  return Number(button?.dataset.code ?? -1);
}

function longest(/** @type {string[]} */ texts, /** @type {number} */ least) {
  return texts.reduce((most, text) => Math.max(most, text.length), least);
}
