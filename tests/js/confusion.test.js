// Tests of the confusion panel's functions that need no page.
import assert from "node:assert/strict";
import test from "node:test";

import { describeCell, fullness, tinyCount, totals, valuesOf } from "../../tsne_widget/widgets/views/confusion/counts.js";
import { stepFrom } from "../../tsne_widget/widgets/frontend/steps.js";

const TABLE = Uint32Array.from([90, 4, 0, 1, 50, 0, 0, 0, 0]);
const REPORT = Uint32Array.from([94, 91, 90, 51, 54, 50, 0, 0, 0]);
const COUNTS = { table: TABLE, report: REPORT, chosen: Uint32Array.from([0, 2, 0, 0, 0, 0, 0, 0, 0]), isSelection: false };
const NAMES = ["cat", "dog", "owl"];

test("only mistakes are tinted, and the largest one fully", () => {
  const full = fullness(TABLE, 3);
  assert.equal(full[1], 1);
  assert.ok(full[3] > 0.2 && full[3] < 0.5);
  assert.deepEqual([full[0], full[4], full[2]], [0, 0, 0]);
});

test("a matrix without mistakes has no tint", () => {
  assert.deepEqual([...fullness([3, 0, 0, 3], 2)], [0, 0, 0, 0]);
});

test("shares are those of the label, and 0 without pictures", () => {
  assert.deepEqual([...valuesOf(COUNTS, 3, true)].map((value) => value.toFixed(3)), ["0.957", "0.043", "0.000", "0.020", "0.980", "0.000", "0.000", "0.000", "0.000"]);
});

test("a cell's count has at most four characters", () => {
  for (const count of [0, 9, 999, 1000, 9_949, 9_950, 99_999, 999_499, 999_500, 4_000_000]) {
    assert.ok(tinyCount(count).length <= 4, tinyCount(count));
  }
  assert.deepEqual([999, 1000, 1_240, 12_400, 1_500_000].map(tinyCount), ["999", "1k", "1.2k", "12k", "1.5M"]);
});

test("cells and headings are described with their shares and the selection", () => {
  assert.equal(describeCell(COUNTS, NAMES, [0, 1]), "label cat, predicted dog: 4 of 94 (4.3\u202f%), 2 selected");
  assert.equal(describeCell(COUNTS, NAMES, [-1, 1]), "predicted dog: 54, 50 of them right (92.6\u202f%)");
  assert.equal(describeCell(COUNTS, NAMES, [2, -1]), "label owl: 0, 0 of them right");
});

test("totals sum the report", () => {
  assert.deepEqual(totals(REPORT), { pictures: 145, right: 140 });
});

test("keys move to headings but not into the corner", () => {
  assert.deepEqual(stepFrom("ArrowUp", [0, 1], 2), [-1, 1]);
  assert.deepEqual(stepFrom("ArrowLeft", [-1, 0], 2), [-1, 0]);
  assert.deepEqual(stepFrom("End", [1, 0], 2), [1, 2]);
  assert.equal(stepFrom("a", [0, 0], 2), null);
});
