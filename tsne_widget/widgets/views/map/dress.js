// The colours of the points on the ground of the page, and the ink of their rings.
import { channels, onGround } from "../../frontend/palette.js";
import { followTheme, isDark } from "../../frontend/theme.js";
import { INK } from "./looks.js";

/** @typedef {{colors: string[], rings: string[]}} Dressed  colour of each texel, and of a ring around it */

const INKS = { light: "#1b1b1b", dark: "#fafafa" }; // --tw-ink

export class Dress {
  #el;
  /** @type {string[] | null} */
  #texture = null;
  /** @type {Dressed} */
  #dressed = { colors: [], rings: [] };

  /** @param {HTMLElement} el @param {() => void} changed  called when the theme changes */
  constructor(el, changed) {
    this.#el = el;
    this.release = followTheme(el, () => {
      this.#texture = null;
      changed();
    });
  }

  get isDark() {
    return isDark(this.#el);
  }

  get #theme() {
    return this.isDark ? "dark" : "light";
  }

  /** Red, green, blue and share of the ink, 0 … 1 each. */
  get ink() {
    return [...channels(INKS[this.#theme]).map((value) => value / 255), INK[this.#theme]];
  }

  /** @param {string[]} texture  in the light colours @returns {Dressed} */
  of(texture) {
    if (texture !== this.#texture) {
      this.#texture = texture;
      const colors = texture.map((color) => onGround(color, this.isDark));
      this.#dressed = { colors, rings: colors.map((color) => mixed(color, INKS[this.#theme], INK[this.#theme])) };
    }
    return this.#dressed;
  }
}

/** A colour with a share of another, as "#rrggbb". @param {string} color @param {string} other @param {number} share  of the other */
function mixed(color, other, share) {
  const [from, to] = [channels(color), channels(other)];
  const values = from.map((value, k) => Math.round(value * (1 - share) + to[k] * share));
  return `#${values.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
