// The rows of an exported page's gallery in the chosen order; same as models/sorting.py and the gallery's rules. No DOM.
import { GROUP_SCORES } from "../../frontend/constants.js";
import { arrangedRows, samePictures } from "./ordering.js";
import { scoreText } from "./text.js";

/** @typedef {import("./ordering.js").Sort} Sort */
/** @typedef {import("./exploration.js").Ranking} Ranking */

export class Order {
  /** Rows in the chosen order. */
  rows = new Uint32Array(0);
  /** Number of the current order; tiles of older epochs are stale. */
  epoch = 0;
  /** The finder's order that is followed. @type {Ranking | null} */
  ranking = null;
  /** Whether groups are left out because of it. */
  #isRanked = false;
  /** The sort before it was followed. @type {[string, boolean] | null} */
  #own = null;
  /** The same rows, ascending. @type {Uint32Array | null} */
  #among = null;
  /** @type {Record<string, string>} */
  #groups;

  /**
   * @param {import("./record.js").SharedRecord} record
   * @param {Sort[]} sorts
   */
  constructor(record, sorts) {
    this.record = record;
    this.sorts = sorts;
    this.#groups = { selection: record.labels && record.predictions ? "confusion" : "none", visible: "none" };
    this.by = this.#sortBy("loss").key;
    this.descending = this.#sortBy(this.by).descending;
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

  /** Index of a row in the order; -1 if it is not in it. */
  placeOf(/** @type {number | null} */ row) {
    return row === null ? -1 : this.rows.indexOf(row);
  }

  groupingOf(/** @type {string} */ source) {
    return this.#isRanked ? "none" : this.#groups[source];
  }

  /** Choose the groups of a source. @param {string} source @param {string} group */
  group(source, group) {
    this.#groups[source] = group;
    this.#isRanked = false;
  }

  /** Choose a sort or its direction. @param {string | undefined} sort @param {boolean | undefined} descending */
  choose(sort, descending) {
    if (sort !== undefined || descending !== undefined) this.#own = null;
    if (sort !== undefined) this.#sort(sort, descending ?? this.#sortBy(sort).descending);
    else if (descending !== undefined) this.descending = descending;
  }

  /** Take over the order of a finder, or go back from it. @param {Ranking | null} ranking @returns {boolean} whether it has changed */
  follow(ranking) {
    const isOver = ranking === null && (this.#isRanked || this.#own !== null);
    this.ranking = ranking;
    this.#isRanked = ranking !== null;
    if (ranking) {
      this.#own ??= [this.by, this.descending];
      this.#sort(ranking.score, ranking.highest_first);
    } else if (this.#own) {
      this.#sort(...this.#own);
      this.#own = null;
    }
    return isOver || ranking !== null;
  }

  /** Sort and group rows. @param {Uint32Array} among @param {string} groupBy */
  ordered(among, groupBy) {
    return arrangedRows(among, this.#sortBy(this.by), this.descending, groupBy, this.record);
  }

  /** Sort and group rows, and keep them. @param {Uint32Array} among @param {string} groupBy @param {boolean} isTable @returns {import("./ordering.js").Group[]} the groups */
  arrange(among, groupBy, isTable) {
    const { rows, groups } = this.ordered(among, groupBy);
    const score = this.record.scores.get(this.by);
    const isOfGroups = this.#isRanked && !isTable && GROUP_SCORES.includes(this.by);
    this.#among = among;
    this.rows = rows;
    this.epoch += 1;
    return isOfGroups && score ? samePictures(rows, score.values, this.record) : groups;
  }

  /** The value of a row that the order follows; "" for a name, a group or the dataset's order. @param {number} row */
  text(row) {
    const score = this.record.scores.get(this.by);
    return score && !GROUP_SCORES.includes(this.by) ? scoreText(score.values[row], score.format) : "";
  }

  #sort(/** @type {string} */ by, /** @type {boolean} */ descending) {
    this.by = by;
    this.descending = descending;
  }

  /** The sort with a key, or the first sort. */
  #sortBy(/** @type {string} */ key) {
    return this.sorts.find((sort) => sort.key === key) ?? this.sorts[0];
  }
}
