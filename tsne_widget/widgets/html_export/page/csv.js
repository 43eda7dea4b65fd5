// Samples of an exported page as CSV, with the columns of explorer.to_dataframe(). No DOM.

// Spreadsheets run cells that start with these characters as formulas; an apostrophe prevents this.
const FORMULA = /^\s*[=+\-@\t\r]/;

/** The selected samples as a CSV file; all visible ones if none is selected. @param {import("./exploration.js").Exploration} exploration */
export function csvFile({ record, state, visibleRows }) {
  const rows = state.selected.length ? state.selected : visibleRows();
  const stem = record.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "pictures";
  const name = `${stem}${state.selected.length ? "-selected" : ""}.csv`;
  return { name, type: "text/csv;charset=utf-8", text: csvOf(record, rows, state.selections) };
}

/**
 * @param {import("./record.js").SharedRecord} record
 * @param {ArrayLike<number>} rows
 * @param {{name: string, rows: ArrayLike<number>}[]} selections
 * @returns {string}
 */
export function csvOf(record, rows, selections) {
  const { ids, paths, labels, predictions, names, x, y } = record;
  const name = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => (!codes || codes[row] < 0 ? "" : textCell(names[codes[row]]));
  const code = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => (!codes || codes[row] < 0 ? "" : String(codes[row]));
  const score = (/** @type {string} */ key, /** @type {number} */ row) => numberCell(record.scores.get(key)?.values[row] ?? NaN);
  const members = selections.map((one) => ({ name: one.name, rows: new Set(Array.from(one.rows)) }));
  const others = [...record.scores.keys()].filter((key) => key !== "confidence" && key !== "margin");
  /** @type {[string, (row: number) => string][]} */
  const columns = [
    ["id", (row) => String(ids[row])],
    ["path", (row) => (paths ? textCell(paths[row]) : "")],
    ["label", (row) => code(labels, row)],
    ["label_name", (row) => name(labels, row)],
    ["prediction", (row) => code(predictions, row)],
    ["prediction_name", (row) => name(predictions, row)],
    ["confidence", (row) => score("confidence", row)],
    ["margin", (row) => score("margin", row)],
    ["misclassified", (row) => (labels && predictions && labels[row] >= 0 && predictions[row] >= 0 ? (record.wrong[row] ? "True" : "False") : "")],
    ["x", (row) => numberCell(x[row])],
    ["y", (row) => numberCell(y[row])],
    ["selection", (row) => textCell(members.filter((one) => one.rows.has(row)).map((one) => one.name).join(", "))],
    ...others.map((key) => /** @type {[string, (row: number) => string]} */ ([key, (row) => score(key, row)])),
  ];
  const lines = [columns.map(([title]) => textCell(title)).join(",")];
  for (let k = 0; k < rows.length; k++) lines.push(columns.map(([, cell]) => cell(rows[k])).join(","));
  return `${lines.join("\n")}\n`;
}

/** @param {string} text */
export function textCell(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The shortest text of a 32-bit number; "" for NaN. @param {number} value */
export function numberCell(value) {
  if (Number.isNaN(value)) return "";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf"; // same as pandas
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}
