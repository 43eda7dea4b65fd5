// Tests of the places on the map: one scale for x and y, and the limits of zoom.
import assert from "node:assert/strict";
import test from "node:test";

import { boundsOf, length, limited, placeOf, zoomed } from "../../tsne_widget/widgets/views/map/place.js";

const BOUNDS = { x: [-10, 30], y: [2, 4] };
const isClose = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test("a place shows all of its bounds at one scale, whatever the size", () => {
  for (const size of [[500, 300], [300, 900], [12, 7]]) {
    const shown = boundsOf(placeOf(BOUNDS, size, 18), size);
    isClose(length(shown.x) / size[0], length(shown.y) / size[1]);
    assert.ok(shown.x[0] <= -10 && 30 <= shown.x[1]);
    assert.ok(shown.y[0] <= 2 && 4 <= shown.y[1]);
  }
});

test("a single position has a place", () => {
  assert.ok(placeOf({ x: [3, 3], y: [5, 5] }, [100, 100]).unit > 0);
});

test("zooming keeps its anchor at its pixel", () => {
  const size = [400, 200];
  const before = { x: 5, y: 1, unit: 0.1 };
  const after = zoomed(before, [8, 2], 0.25);
  const pixels = ({ x, y }) => [(8 - x[0]) / length(x), (2 - y[0]) / length(y)];
  const [now, then] = [pixels(boundsOf(after, size)), pixels(boundsOf(before, size))];
  now.forEach((share, k) => isClose(share, then[k]));
  isClose(after.unit, 0.025);
});

test("zooming out ends at the whole map, without a jump", () => {
  const size = [400, 300];
  const whole = placeOf(BOUNDS, size, 18);
  assert.equal(limited({ ...whole, unit: 3 * whole.unit }, whole, size), null);
  assert.equal(limited({ x: 99, y: 99, unit: whole.unit }, whole, size), null);
  const almost = limited({ x: 1e6, y: -1e6, unit: 0.99 * whole.unit }, whole, size);
  assert.ok(Math.abs(almost.x - whole.x) < 0.02 * length(boundsOf(whole, size).x));
});

test("a zoomed map cannot be lost", () => {
  const size = [400, 300];
  const whole = placeOf(BOUNDS, size, 18);
  const place = limited({ x: 1e9, y: 0, unit: whole.unit / 50 }, whole, size);
  const shown = boundsOf(whole, size);
  assert.ok(place.x <= shown.x[1] + 1e-9);
});
