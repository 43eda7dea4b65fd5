// Tests of how the points look: what stands out, and when rings would cover each other.
import assert from "node:assert/strict";
import test from "node:test";

import { layersOf, looksOf } from "../../tsne_widget/widgets/views/map/looks.js";

const MAP = {
  area: 500 * 500, count: 2000, zoom: 1, wrong: 0.19, hasSelection: false, isDark: false,
  mistakes: "mark", isValue: false, size: 1, opacity: 1,
};
const looks = (changes = {}) => looksOf({ ...MAP, ...changes });

test("wrong points are larger and stronger than right ones, and have a ring", () => {
  const { base, wrong } = looks();
  assert.ok(wrong.radius > base.radius && wrong.alpha > base.alpha && wrong.ring > 0);
});

test("unselected points keep less size and weight than selected ones, and no ring", () => {
  const { base, wrong, selected, selectedWrong } = looks({ hasSelection: true });
  assert.ok(base.alpha < looks().base.alpha && base.radius < looks().base.radius);
  assert.equal(wrong.ring, 0);
  assert.ok(selected.radius > base.radius && selectedWrong.radius > selected.radius && selectedWrong.ring > 0);
});

test("points that are close together, or mostly wrong, have no rings until one zooms in", () => {
  for (const many of [{ count: 70_000 }, { wrong: 0.6 }]) {
    assert.equal(looks(many).wrong.ring, 0);
    assert.ok(looks({ ...many, zoom: 8 }).wrong.ring > 0);
  }
});

test("plain mistakes and colours of values do not tell wrong from right", () => {
  for (const plain of [{ mistakes: "plain" }, { isValue: true }]) assert.equal(looks(plain).wrong, null);
});

test("the user's factors change size and weight", () => {
  assert.equal(looks({ size: 2 }).base.radius, 2 * looks().base.radius);
  assert.ok(looks({ opacity: 1.5 }).base.alpha > looks().base.alpha);
  assert.equal(looks({ opacity: 4 }).base.alpha, 1);
});

test("selected points are drawn above wrong ones, and hidden ones not at all", () => {
  const opacity = Float32Array.of(0.1, 0.1, 1, 1, 0);
  const layers = layersOf(opacity, Uint32Array.of(1, 3, 4), Uint32Array.of(2, 3), looks({ hasSelection: true }));
  assert.deepEqual(layers.map(({ points }) => [...points]), [[1], [2], [3]]);
});
