// Class colours on a light and on a dark ground. Python knows the light ones; the user's own never change.
import { DARK_COLORS } from "./constants.js";

/** The colour to draw with, as "#rrggbb". @param {string} color @param {boolean} isDark */
export function onGround(color, isDark) {
  return (isDark && DARK_COLORS[color]) || color;
}

/** The colour for a style, which follows the theme: palette.css has the dark ones. @param {string} color */
export function paint(color) {
  return color in DARK_COLORS ? `var(--tw-${color.slice(1)}, ${color})` : color;
}

/** Red, green and blue of "#rrggbb", 0 … 255 each. @param {string} color @returns {number[]} */
export function channels(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}
