import assert from "node:assert/strict";
import test from "node:test";
import { tileMap } from "../../tsne_widget/widgets/html_export/page/tile_maps.js";

// The same maps as in tests/widgets/models/test_tile_maps.py.
const record = (/** @type {any} */ known) => /** @type {any} */ ({ evidence: new Map(Object.entries(known)) });
const stored = (/** @type {number} */ height, /** @type {number} */ width, /** @type {number[]} */ values, row = 0) => ({ height, width, values: Float32Array.from(values), at: new Map([[row, 0]]) });

test("a map on a tile is its shape and whole numbers", () => {
  assert.deepEqual(tileMap(record({ difference: stored(1, 3, [0, 2, -1]) }), 0), [1, 3, 0, 127, -63]);
  assert.deepEqual(tileMap(record({ difference: stored(1, 3, [0, 2, -1]) }), 1), []);
});

test("a large map on a tile is averaged", () => {
  const values = Array(66).fill(0);
  for (const y of [0, 1, 2]) values[2 * y] = 1;
  for (const y of [3, 4]) values[2 * y + 1] = -0.5;
  assert.deepEqual(tileMap(record({ difference: stored(33, 2, values) }), 0), [16, 2, 127, 0, 0, -63, ...Array(28).fill(0)]);
});

test("the map of the prediction replaces an unknown difference on a tile", () => {
  const known = { difference: stored(1, 2, [0, 1]), prediction: stored(1, 2, [1, 0], 1), label: stored(1, 2, [0, 1], 2) };
  assert.deepEqual(tileMap(record(known), 0), [1, 2, 0, 127]);
  assert.deepEqual(tileMap(record(known), 1), [1, 2, 127, 0]);
  assert.deepEqual(tileMap(record(known), 2), []);
});
