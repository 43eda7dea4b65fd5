// Tests of two sets of rows within strata; same as analysis/sides.py, rank_tests.py and distributions.py. No DOM.
import { CURVE_BINS, CURVE_TAIL, EXACT_LEVELS, FEW_EXPECTED } from "../../frontend/constants.js";
import { roundHalfEven } from "../../frontend/classes.js";

/**
 * @typedef {{rows: number[], here: boolean[], strata: number[], m: number[], n: number[]}} Sides
 *   comparable rows: whether each is of the first set, and its stratum; rows of both sets in each stratum
 */

/**
 * Both sets, without the strata that only one of them has; rows in both count for the first.
 * @param {Iterable<number>} rows @param {Iterable<number>} against @param {ArrayLike<number>} strata  of every row
 * @returns {Sides}
 */
export function sidesOf(rows, against, strata) {
  const side = new Uint8Array(strata.length);
  for (const row of against) side[row] = 2;
  for (const row of rows) side[row] = 1;
  const both = Array.from(side.keys()).filter((row) => side[row]);
  return withBothSides(both, both.map((row) => side[row] === 1), both.map((row) => strata[row]));
}

/** The rows that a mask keeps, without strata that lose a side. @param {Sides} sides @param {boolean[]} known */
export function only(sides, known) {
  const kept = (/** @type {any[]} */ list) => list.filter((_, k) => known[k]);
  return known.every(Boolean) ? sides : withBothSides(kept(sides.rows), kept(sides.here), kept(sides.strata));
}

/** @param {number[]} rows @param {boolean[]} here @param {number[]} codes @returns {Sides} */
function withBothSides(rows, here, codes) {
  /** @type {Map<number, number[]>} */
  const counts = new Map();
  codes.forEach((code, k) => {
    const pair = counts.get(code) ?? [0, 0];
    pair[here[k] ? 0 : 1] += 1;
    counts.set(code, pair);
  });
  const shared = [...counts].filter(([, [m, n]]) => m && n).sort(([a], [b]) => a - b);
  const place = new Map(shared.map(([code], at) => [code, at]));
  const kept = rows.map((_, k) => k).filter((k) => place.has(codes[k]));
  return {
    rows: kept.map((k) => rows[k]), here: kept.map((k) => here[k]), strata: kept.map((k) => place.get(codes[k]) ?? 0),
    m: shared.map(([, [m]]) => m), n: shared.map(([, [, n]]) => n),
  };
}

/** Weights that give each stratum of the second set its share in the first. @param {Sides} sides */
export function weightsOf({ here, strata, m, n }) {
  return here.map((is, k) => (is ? 1 : m[strata[k]] / n[strata[k]]));
}

export const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);

/**
 * Mann & Whitney's test, with several strata that of van Elteren.
 * @param {number[]} values @param {number[]} order  places of the values, the lowest value first @param {Sides} sides
 */
export function rankTest(values, order, { here, strata, m, n }) {
  const [sums, ties] = [m.map(() => 0), m.map(() => 0)];
  const inside = m.map(() => /** @type {number[]} */ ([]));
  for (const k of order) inside[strata[k]].push(k);
  inside.forEach((places, stratum) => {
    for (let start = 0, end = 0; start < places.length; start = end) {
      let mine = 0;
      for (; end < places.length && values[places[end]] === values[places[start]]; end++) mine += Number(here[places[end]]);
      const size = end - start;
      sums[stratum] += mine * (start + (size + 1) / 2);
      ties[stratum] += size ** 3 - size;
    }
  });
  let [excess, variance, pairs] = [0, 0, 0];
  m.forEach((one, k) => {
    const total = one + n[k];
    const weight = 1 / (total + 1);
    excess += weight * (sums[k] - (one * (one + 1)) / 2 - (one * n[k]) / 2);
    variance += ((weight ** 2 * one * n[k]) / 12) * (total + 1 - ties[k] / Math.max(total * (total - 1), 1));
    pairs += weight * one * n[k];
  });
  return { effect: (2 * excess) / pairs, p: variance > 1e-12 * pairs ? erfc(Math.abs(excess) / Math.sqrt(2 * variance)) : 1 };
}

/**
 * The value of a category whose share differs most: Mantel & Haenszel's test, exact for small counts.
 * @param {number[]} codes @param {number} levels @param {Sides} sides
 */
export function shareTest(codes, levels, { here, strata, m, n }) {
  const table = () => Array.from({ length: levels }, () => m.map(() => 0));
  const [mine, total] = [table(), table()];
  codes.forEach((code, k) => {
    total[code][strata[k]] += 1;
    if (here[k]) mine[code][strata[k]] += 1;
  });
  const found = total.map((counts, level) => {
    const expected = counts.map((t, k) => (m[k] * t) / (m[k] + n[k]));
    const spread = Math.sqrt(sum(counts.map((t, k) => {
      const size = m[k] + n[k];
      return (m[k] * n[k] * t * (size - t)) / (size ** 2 * Math.max(size - 1, 1));
    })));
    const z = spread > 0 ? sum(mine[level].map((one, k) => one - expected[k])) / spread : 0;
    const effect = sum(counts.map((t, k) => (mine[level][k] / m[k] - (t - mine[level][k]) / n[k]) * m[k])) / sum(m);
    return { level, z, spread, effect, few: Math.min(sum(expected), sum(m) - sum(expected)), p: erfc(Math.abs(z) / Math.SQRT2) };
  });
  const foremost = [...found].sort((a, b) => Math.abs(b.z) - Math.abs(a.z) || a.level - b.level).slice(0, EXACT_LEVELS);
  for (const one of foremost) if (one.few < FEW_EXPECTED) one.p = exactP(sum(mine[one.level]), total[one.level], m, n);
  let best = foremost.reduce((a, b) => (b.p < a.p ? b : a));
  const occurring = found.filter(({ spread }) => spread > 0).length;
  const p = Math.min(1, best.p * (occurring <= 2 ? 1 : occurring));
  if (occurring === 2) best = found.reduce((a, b) => (b.effect > a.effect ? b : a)); // both differ alike: the one that is more frequent here
  return { level: best.level, effect: best.effect, p };
}

/** Twice the smaller tail of the sum of hypergeometric counts. @param {number} mine @param {number[]} total @param {number[]} m @param {number[]} n */
function exactP(mine, total, m, n) {
  const logs = [0];
  for (let k = 1; k <= Math.max(...m.map((one, at) => one + n[at])); k++) logs.push(logs[k - 1] + Math.log(k));
  const choose = (/** @type {number} */ a, /** @type {number} */ b) => logs[a] - logs[b] - logs[a - b];
  let [chances, least] = [[1], 0];
  m.forEach((one, at) => {
    const [other, t] = [n[at], total[at]];
    const [low, high] = [Math.max(0, t - other), Math.min(one, t)];
    const next = new Array(chances.length + high - low).fill(0);
    for (let k = low; k <= high; k++) {
      const chance = Math.exp(choose(one, k) + choose(other, t - k) - choose(one + other, t));
      chances.forEach((value, place) => { next[place + k - low] += value * chance; });
    }
    [chances, least] = [next, least + low];
  });
  const at = mine - least;
  return Math.min(1, 2 * Math.min(sum(chances.slice(0, at + 1)), sum(chances.slice(at))));
}

/** p-values corrected for their number, after Benjamini & Hochberg. @param {number[]} ps */
export function adjusted(ps) {
  const corrected = ps.map(() => 1);
  let least = 1;
  const order = ps.map((_, k) => k).sort((a, b) => ps[b] - ps[a] || b - a);
  order.forEach((k, place) => {
    least = Math.min(least, (ps[k] * ps.length) / (ps.length - place));
    corrected[k] = least;
  });
  return corrected;
}

/** 1 − erf(x) for x of 0 or more: a series near 0, a continued fraction beyond. @param {number} x */
export function erfc(x) {
  if (x < 2.5) {
    let [term, total] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17 * total; k++) {
      term *= (-x * x) / k;
      total += term / (2 * k + 1);
      if (k > 200) break;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/**
 * The distributions of both sides as curves, and the place of a value between their ends.
 * @param {number[]} values @param {Sides} sides
 */
export function curvesOf(values, sides) {
  const [low, high] = [CURVE_TAIL, 1 - CURVE_TAIL].map((share) => quantile(values, share));
  const [weights, width] = [weightsOf(sides), high - low || 1];
  const curve = (/** @type {boolean} */ isHere) => {
    const counts = new Array(CURVE_BINS).fill(0);
    values.forEach((value, k) => {
      const bin = Math.trunc(((value - low) / width) * CURVE_BINS);
      if (sides.here[k] === isHere) counts[Math.max(0, Math.min(CURVE_BINS - 1, bin))] += weights[k];
    });
    const total = sum(counts);
    const shares = counts.map((count) => count / total);
    return shares.map((share, k) => rounded(0.25 * (shares[k - 1] ?? share) + 0.5 * share + 0.25 * (shares[k + 1] ?? share), 5));
  };
  return { curves: [curve(true), curve(false)], place: (/** @type {number} */ value) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5) };
}

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  const ordered = Float64Array.from(values).sort();
  const at = share * (ordered.length - 1);
  const low = Math.floor(at);
  const [one, two] = [ordered[low], ordered[Math.min(low + 1, ordered.length - 1)]];
  const t = at - low;
  return t < 0.5 ? one + (two - one) * t : two - (two - one) * (1 - t);
}

/** A number with some decimals, half to even. @param {number} value @param {number} decimals */
export function rounded(value, decimals) {
  return roundHalfEven(value * 10 ** decimals) / 10 ** decimals;
}
