// The picked tiles of a gallery. No DOM.
import { packBits } from "./counting.js";

/** @param {number} n  rows */
export function makePicks(n) {
  const isPicked = new Uint8Array(n);
  let anchor = -1; // the row picked last, where a range starts

  /** Toggle a row; a range picks all rows from the anchor to it. */
  function pick(/** @type {Uint32Array} */ rows, /** @type {number} */ index, /** @type {boolean} */ isRange) {
    const first = anchor < 0 ? -1 : rows.indexOf(anchor);
    if (isRange && first >= 0) {
      for (const row of rows.subarray(Math.min(first, index), Math.max(first, index) + 1)) isPicked[row] = 1;
    } else {
      anchor = rows[index];
      isPicked[anchor] = 1 - isPicked[anchor];
    }
  }

  /** Return the picked rows, ascending, and unpick them. */
  function take() {
    const rows = Uint32Array.from(isPicked.keys()).filter((row) => isPicked[row]);
    isPicked.fill(0);
    anchor = -1;
    return rows;
  }

  /** The gallery's traits; rows without a tile are unpicked. */
  function show(/** @type {Uint32Array} */ rows) {
    const flags = Uint8Array.from(rows, (row) => isPicked[row]);
    isPicked.fill(0);
    rows.forEach((row, place) => { isPicked[row] = flags[place]; });
    const start = Math.max(0, flags.indexOf(1));
    const bits = flags.subarray(start, flags.lastIndexOf(1) + 1);
    return { picked: bits.reduce((sum, flag) => sum + flag, 0), picks_start: start, picks: bits.length ? packBits(bits) : null };
  }

  return { pick, take, show };
}
