// The rows of an exported page's gallery in the chosen order. No DOM.
import { arrangedRows } from "./ordering.js";

/** @typedef {import("./ordering.js").Sort} Sort */

export class Arrangement {
  /** Rows in the chosen order. */
  rows = new Uint32Array(0);
  /** Number of the current order; tiles of older epochs are stale. */
  epoch = 0;
  /** The same rows, ascending. @type {Uint32Array | null} */
  #among = null;

  /**
   * @param {import("./record.js").SharedRecord} record
   * @param {Sort[]} sorts
   */
  constructor(record, sorts) {
    this.record = record;
    this.sorts = sorts;
  }

  /** Whether a message is about this order. */
  isCurrent(/** @type {any} */ content) {
    return content.epoch === this.epoch && this.rows.length > 0;
  }

  /** Whether these ascending rows are the arranged ones. */
  isOf(/** @type {Uint32Array} */ rows) {
    const among = this.#among;
    return among !== null && rows.length === among.length && rows.every((row, k) => row === among[k]);
  }

  /** The sort with a key, or the first sort. */
  sortBy(/** @type {string} */ key) {
    return this.sorts.find((sort) => sort.key === key) ?? this.sorts[0];
  }

  /** Index of a row in the order; -1 if it is not in it. */
  placeOf(/** @type {number | null} */ row) {
    return row === null ? -1 : this.rows.indexOf(row);
  }

  /**
   * Sort and group rows.
   * @param {Uint32Array} among
   * @param {string} key  of the sort
   * @param {boolean} descending
   * @param {string} groupBy
   * @returns {[string, number][]} the groups
   */
  arrange(among, key, descending, groupBy) {
    const { rows, groups } = arrangedRows(among, this.sortBy(key), descending, groupBy, this.record);
    this.#among = among;
    this.rows = rows;
    this.epoch += 1;
    return groups;
  }
}
