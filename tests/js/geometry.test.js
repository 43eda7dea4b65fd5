// Tests of the map's functions that need no page: viewports, points and the budget for drawing.
import assert from "node:assert/strict";
import test from "node:test";

import * as bytes from "../../tsne_widget/widgets/frontend/bytes.js";
import * as geometry from "../../tsne_widget/widgets/frontend/geometry.js";

const isClose = (actual, expected, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);

/** Uniform numbers in [0, 1), the same in every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("the extent of some rows leaves the others out", () => {
  const [x, y] = [[0, 5, -3, 9], [1, 1, 2, 90]];
  assert.deepEqual(geometry.extent(x, y), { x: [-3, 9], y: [1, 90] });
  assert.deepEqual(geometry.extent(x, y, [0, 2]), { x: [-3, 0], y: [1, 2] });
});

test("the nearest point is a visible one within reach", () => {
  const nearest = (position, radius, drawn = null) =>
    geometry.nearestPoint([0, 1, 5], [0, 0, 0], [1, 0, 1], position, radius, drawn);
  assert.equal(nearest([0.9, 0], 2), 0); // the nearer point is hidden
  assert.equal(nearest([4.5, 0], 2), 2);
  assert.equal(nearest([2.5, 0], 1), -1);
  assert.equal(nearest([0.9, 0], 9, Uint32Array.of(2, 1)), 2); // the nearer point is not drawn
});

test("opacities say hidden, dimmed and selected", () => {
  const codes = Uint16Array.of(0, 1, 2, 2);
  const opacity = geometry.opacities(codes, Uint8Array.of(1, 0, 1), Uint32Array.of(3, 1));
  assert.equal(opacity[1], 0); // hidden although selected
  assert.ok(0 < opacity[0] && opacity[0] < 0.5);
  assert.equal(opacity[2], opacity[0]);
  assert.equal(opacity[3], 1);
});

test("bits are read in numpy's order, and missing ones are 0", () => {
  const bits = new DataView(Uint8Array.of(0b10110000, 0b01000000).buffer);
  assert.deepEqual([...bytes.unpackBits(bits, 10)], [1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual([...bytes.unpackBits(bits, 20)].slice(16), [0, 0, 0, 0]);
  assert.deepEqual([...bytes.unpackBits(null, 2)], [0, 0]);
});

test("points to draw are the first ones, then the selected ones, then those in sight", () => {
  const next = random(3);
  const n = 3000;
  const [x, y] = [Float32Array.from({ length: n }, next), Float32Array.from({ length: n }, next)];
  const opacity = Float32Array.from({ length: n }, () => (next() < 0.8 ? 1 : 0));
  const selected = Uint32Array.from(Array.from({ length: n }, (_, i) => i).filter(() => next() < 0.07));
  for (const [low, high, first, budget] of [[0.2, 0.5, 50, 300], [0, 1, 50, 1000], [0.4, 0.45, 0, 500]]) {
    const viewport = { x: [low, high], y: [low, high] };
    const { points, shown, inSight } = geometry.pointsToDraw(x, y, opacity, selected, viewport, first, budget);
    const sees = (i) => opacity[i] > 0 && x[i] >= low && x[i] <= high && y[i] >= low && y[i] <= high;
    assert.ok(points.length <= budget);
    assert.equal(new Set(points).size, points.length);
    assert.deepEqual([...points.subarray(0, first)], Array.from({ length: first }, (_, i) => i));
    assert.equal(inSight, Array.from({ length: n }, (_, i) => i).filter(sees).length);
    assert.equal(shown, [...points].filter(sees).length);
    const wanted = [...selected].filter((i) => sees(i) && i >= first).slice(0, budget - first);
    assert.deepEqual([...points.subarray(first, first + wanted.length)], wanted);
    if (first + inSight <= budget) assert.equal(shown, inSight); // zoomed in: all points in the viewport are drawn
  }
});

test("a class has its name in the middle of its right points", () => {
  const x = [0, 1, 2, 50, 60, 9, 9];
  const y = [0, 5, 1, 50, 60, 9, 9];
  const codes = [0, 0, 0, 0, 0, 2, 1];
  const found = geometry.medianPlaces(x, y, codes, Uint8Array.of(1, 0, 1), Uint32Array.of(3, 4, 5), 3);
  assert.deepEqual(found, [{ code: 0, count: 5, x: 1, y: 1 }, { code: 2, count: 1, x: 9, y: 9 }]); // all of class 2 are wrong
});

test("a cluster ends where the gap to its next member is wide", () => {
  const x = [0, 1, 2, 3, 9, 10, 1];
  const y = [0, 0, 1, 1, 0, 0, 0];
  const found = geometry.clusterAround(x, y, (i) => i !== 6, 0, 1.5);
  assert.deepEqual([...found], [0, 1, 2, 3]);
});

test("arrows go to the next visible point ahead", () => {
  const [x, y, opacity] = [[0, 2, 1, 3, -1], [0, 0, 0.9, 0, 0], [1, 1, 1, 0, 1]];
  const next = (direction) => geometry.nextPoint(x, y, opacity, [0, 0], direction, null);
  assert.equal(next([1, 0]), 1); // straight ahead, although another one is nearer
  assert.equal(next([-1, 0]), 4);
  assert.equal(next([0, -1]), -1);
});

test("a name goes where it covers the fewest points, and stays where there is no better place", () => {
  const points = [[50, 50], [52, 55], [52, 30], [90, 70]];
  assert.equal(geometry.leastCovered(points, 50, [50, 30, 70], 20, 8), 70);
  assert.equal(geometry.leastCovered([], 50, [50, 30, 70], 20, 8), 50);
});
