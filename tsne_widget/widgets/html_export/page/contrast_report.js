// What the diagnosis panel shows of the properties that set rows apart; same as models/contrast_report.py. No DOM.
import { MAX_CONTRASTS, MAX_NAMED, MAX_SENTENCE, MIN_VALUES } from "../../frontend/constants.js";
import { fullCount, percent } from "../../frontend/classes.js";
import { asProperty, contrastOf, isNotable, wordsOf } from "./contrast.js";
import { curvesOf, only, rounded, sidesOf, sum } from "./rank_tests.js";
import { general, printable } from "./text.js";

/**
 * @typedef {import("./contrast.js").Contrast} Contrast
 * @typedef {{rows: number[], against: number[], who: string, those: string, strata: ArrayLike<number>}} Compared
 */

/**
 * What can be compared: the mistakes with right ones, the selection with the rest.
 * @param {import("./exploration.js").Exploration} exploration @returns {Compared[]}
 */
function choices({ record, state, visibleRows }) {
  const { labels, predictions, wrong } = record;
  const [visible, selected] = [Array.from(visibleRows()), Array.from(state.selected)];
  const strata = labels ?? predictions ?? new Uint8Array(record.n);
  const found = [];
  if (labels && predictions) {
    const mistakes = (selected.length ? selected : visible).filter((row) => wrong[row]);
    const against = visible.filter((row) => !wrong[row] && labels[row] >= 0);
    if (mistakes.length) found.push({ rows: mistakes, against, who: "mistakes", those: "right ones of the same labels", strata });
  }
  const inside = new Set(selected);
  const others = visible.filter((row) => !inside.has(row));
  if (selected.length && others.length) {
    const mine = new Set(selected.map((row) => strata[row]));
    const isAlone = others.filter((row) => mine.has(strata[row])).length < MIN_VALUES || !Array.from(strata).some(Boolean);
    const those = isAlone ? "all others" : `others of the same ${labels ? "labels" : "predictions"}`;
    found.push({ rows: selected, against: others, who: "selection", those, strata: isAlone ? new Uint8Array(record.n) : strata });
  }
  return found;
}

/**
 * The traits of the panel, and the rows that each difference selects.
 * @param {import("./exploration.js").Exploration} exploration @param {Map<string, ArrayLike<any>>} columns
 * @param {string} wanted  "mistakes" or "selection"
 */
export function contrastReport(exploration, columns, wanted) {
  const possible = choices(exploration);
  const both = possible.find(({ who }) => who === wanted) ?? possible[0];
  if (!both) return { traits: { contrasts: [], no_difference: "", compared: [], against: "" }, rows: new Map() };
  const sides = sidesOf(both.rows, both.against, both.strata);
  const found = contrastOf(columns, sides);
  const notable = found.filter((one) => isNotable(one) && !one.follows).slice(0, MAX_CONTRASTS);
  const { scores } = exploration.record;
  const title = (/** @type {string} */ name) => (scores.get(name)?.title ?? name).split(" (")[0];
  const left = both.rows.length - sum(sides.m);
  const leftOut = left ? ` ${fullCount(left)} ${nounOf(both)} have none to be compared with.` : "";
  const column = (/** @type {Contrast} */ { name }) => columns.get(name) ?? [];
  return {
    traits: {
      contrasts: notable.map((one) => ({ ...said(one, title(one.name), scores.get(one.name)?.format, both), ...drawn(one, column(one), sides) })),
      no_difference: printable(`${restOf(found, notable, both, title)}${leftOut}`.trim(), MAX_SENTENCE),
      compared: [both.who, ...possible.map(({ who }) => who).filter((who) => who !== both.who)],
      against: `from ${both.those}`,
    },
    rows: new Map(notable.map((one) => [one.name, beyond(one, column(one), both.rows)])),
  };
}

const nounOf = (/** @type {Compared} */ { who }) => (who === "mistakes" ? "mistakes" : "selected pictures");

/** The rows beyond the others' median, or with the value that differs. @param {Contrast} one @param {ArrayLike<any>} column @param {number[]} rows */
function beyond({ effect, there, level, measure }, column, rows) {
  const { values, known, levels } = asProperty(column, rows);
  const wanted = level ? levels.indexOf(level) : 1;
  const has = (/** @type {number} */ value) => (levels.length && measure === "share" ? (value === wanted) === effect > 0 : effect > 0 ? value > there : value < there);
  return rows.filter((_, k) => known[k] && has(values[k]));
}

/** What else differs, what does not, and what cannot be compared. @param {Contrast[]} found @param {Contrast[]} listed @param {Compared} both @param {(name: string) => string} title */
function restOf(found, listed, both, title) {
  if (!found.length) return "There are no pictures and no columns of yours to compare.";
  const tested = found.filter(({ lacking }) => !lacking);
  if (!tested.length) return `Too few ${nounOf(both)}, or too few ${both.those}, to compare.`;
  const names = (/** @type {Contrast[]} */ some, /** @type {string} */ last) => {
    const words = some.map(({ name }) => title(name));
    if (words.length > MAX_NAMED) words.splice(MAX_NAMED, Infinity, `${words.length - MAX_NAMED} others`);
    return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} ${last} ${words[words.length - 1]}`;
  };
  const similar = tested.filter((one) => !isNotable(one));
  const more = tested.filter((one) => isNotable(one) && !listed.includes(one));
  const parts = more.length ? [`Also different: ${names(more, "and")}.`] : [];
  if (similar.length && similar.length === tested.length) parts.push("Nothing sets them apart.");
  if (similar.length) parts.push(`No clear difference in ${names(similar, "or")}.`);
  parts.push(...found.filter(({ lacking }) => lacking).map(({ name, lacking }) => `${title(name)} is not compared: ${lacking}.`));
  return parts.join(" ");
}

/** A difference as texts. @param {Contrast} one @param {string} title @param {string | undefined} format @param {Compared} both */
function said(one, title, format, both) {
  const isShare = one.measure === "share" || one.name === "label_agreement" || format === "percent";
  const [here, there] = [one.here, one.there].map((value) => (isShare ? percent(value) : Math.abs(value) < 1000 ? general(value, 3) : fullCount(Math.round(value))));
  const words = wordsOf(one);
  const name = one.measure === "share" || one.name === "label_agreement" || words.includes(one.name) ? "" : `${title} `;
  return {
    name: one.name, words: words[0].toUpperCase() + words.slice(1),
    numbers: `${name}${one.measure === "mean" ? "on average " : ""}${here} against ${there}`,
    title: explained(one, title, here, there, both),
  };
}

/** The numbers in full. @param {Contrast} one @param {string} title @param {string} here @param {string} there @param {Compared} both */
function explained(one, title, here, there, both) {
  const chance = `q = ${general(one.q, 2)}, corrected for the number of properties`;
  const what = `${one.measure}${one.level ? ` of '${one.level}'` : ""}`;
  const line = `${title}: ${what} ${here} of the ${nounOf(both)}, ${there} of ${both.those}`;
  if (one.measure === "share") return `${line} (${chance}).`;
  return `${line}. It is ${one.effect > 0 ? "higher" : "lower"} in ${percent((1 + Math.abs(one.effect)) / 2)} of the pairs (${chance}).`;
}

/** Both curves with the places of their medians; a share has only two values. @param {Contrast} one @param {ArrayLike<any>} column @param {import("./rank_tests.js").Sides} sides */
function drawn(one, column, sides) {
  if (one.measure === "share") return { curves: [], marks: [rounded(one.here, 4), rounded(one.there, 4)] };
  const part = only(sides, asProperty(column, sides.rows).known);
  const { curves, place } = curvesOf(part.rows.map((row) => column[row]), part);
  return { curves, marks: [one.here, one.there].map((value) => rounded(place(value), 4)) };
}
