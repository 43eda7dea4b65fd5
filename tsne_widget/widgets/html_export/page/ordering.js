// The order of a shared page's gallery: sorted by a value, put together in groups. No DOM.

/**
 * @typedef {{key: string, name: string, lacks: string, descending: boolean, values: ArrayLike<number> | null}} Sort
 */

/**
 * What the gallery can be sorted by.
 * @param {import("./record.js").SharedRecord} record
 * @returns {Sort[]}
 */
export function sortsOf(record) {
  const sort = (/** @type {string} */ key, /** @type {string} */ name, /** @type {any} */ values, lacks = "", descending = false) => ({ key, name, lacks, descending, values });
  return [
    sort("dataset", "dataset order", null),
    ...[...record.scores.values()].map(({ name, title, values, highestFirst }) => sort(name, title, values, "", highestFirst)),
    sort("class", "label", record.labels, record.labels ? "" : "needs labels"),
    sort("prediction", "prediction", record.predictions, record.predictions ? "" : "needs predictions"),
  ];
}

/**
 * Rows sorted by their values, group by group. Equal ones stay in their order, unknown ones come last.
 * @param {Uint32Array} rows  ascending
 * @param {Sort} sort
 * @param {boolean} descending
 * @param {string} groupBy  "none", "label", "prediction" or "confusion"
 * @param {import("./record.js").SharedRecord} record
 * @returns {{rows: Uint32Array, groups: [string, number][]}}
 */
export function arrangedRows(rows, sort, descending, groupBy, record) {
  const isClass = sort.key === "class" || sort.key === "prediction";
  const { values } = sort;
  let ordered = Array.from(rows);
  if (values) {
    const unknown = (/** @type {number} */ value) => Number.isNaN(value) || (isClass && value < 0);
    ordered.sort((a, b) => {
      const [u, v] = [values[a], values[b]];
      if (unknown(u) || unknown(v)) return Number(unknown(u)) - Number(unknown(v)) || a - b;
      return (descending ? v - u : u - v) || a - b;
    });
  } else if (descending) ordered.reverse();
  if (groupBy === "none" || !ordered.length) return { rows: Uint32Array.from(ordered), groups: [] };
  /** @type {Map<number, number[]>} */
  const members = new Map();
  const c = record.names.length;
  const code = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => (!codes || codes[row] < 0 ? c : codes[row]);
  for (const row of ordered) {
    const [label, prediction] = [code(record.labels, row), code(record.predictions, row)];
    const key = { label, prediction, confusion: label * (c + 1) + prediction }[groupBy] ?? 0;
    const group = members.get(key);
    if (group) group.push(row);
    else members.set(key, [row]);
  }
  const keys = [...members.keys()].sort((a, b) => a - b);
  if (groupBy === "confusion") {
    // Mistakes first, the most frequent before the others; then the right ones; the unknown last.
    const rank = (/** @type {number} */ key) => {
      const [label, prediction] = [Math.floor(key / (c + 1)), key % (c + 1)];
      return label === c || prediction === c ? 2 : Number(label === prediction);
    };
    const size = (/** @type {number} */ key) => members.get(key)?.length ?? 0;
    keys.sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? 0 : size(b) - size(a)) || a - b);
  }
  const word = (/** @type {number} */ k) => record.shownNames[k] ?? "unknown";
  const title = (/** @type {number} */ key) => {
    if (groupBy !== "confusion") return `${groupBy === "label" ? "" : "→ "}${key < c ? word(key) : "unknown"}`;
    const [label, prediction] = [Math.floor(key / (c + 1)), key % (c + 1)].map((k) => (k < c ? word(k) : "unknown"));
    return label === prediction ? label : `${label} → ${prediction}`;
  };
  const groups = keys.map((key) => /** @type {[string, number]} */ ([title(key), members.get(key)?.length ?? 0]));
  return { rows: Uint32Array.from(keys.flatMap((key) => members.get(key) ?? [])), groups };
}
