// Picks a bar, or a range of bars, in a row of bars: with the pointer or with keys.
import { Picker } from "./picker.js";

export const BRUSH_KEYS = "Left and Right arrow keys move, with Shift they mark a range; Enter selects its pictures, Alt takes them away, Ctrl keeps both.";

/**
 * @param {HTMLElement} root  spans the bars, which are equally wide
 * @param {{count: () => number, show: (range: [number, number] | null) => void, choose: (first: number, last: number, event: MouseEvent | KeyboardEvent) => void}} parts
 *   show: the bar pointed at or the range that is being made; null for none
 */
export function makeBrush(root, { count, show, choose }) {
  const last = () => count() - 1;
  const inside = (/** @type {number} */ at) => Math.max(0, Math.min(last(), at));
  let isMarking = false;
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  const picker = new Picker(root, {
    last,
    cellAt: (event) => {
      const box = root.getBoundingClientRect();
      return count() && box.width ? [0, inside(Math.floor(((event.clientX - box.left) / box.width) * count()))] : null;
    },
    point: (place) => { if (!isMarking) show(place && [place[1], place[1]]); },
    mark: (block) => {
      isMarking = Boolean(block);
      show(block && [inside(block.columns[0]), inside(block.columns[1])]);
    },
    focus: ([, at]) => {
      picker.place = [0, inside(at)];
      if (!isMarking) show([inside(at), inside(at)]);
    },
    choose: ({ columns }, event) => choose(inside(columns[0]), inside(columns[1]), event),
  });
  root.addEventListener("focus", () => { if (root.matches(":focus-visible") && count()) show([inside(picker.place[1]), inside(picker.place[1])]); });
  root.addEventListener("blur", () => show(null));
}
