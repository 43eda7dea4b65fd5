// Tests of the list of classes without a page: order, search by typing, numbers.
import assert from "node:assert/strict";
import test from "node:test";

import * as classes from "../../tsne_widget/widgets/frontend/classes.js";

test("classes are sorted by name, size and accuracy", () => {
  const list = { names: ["owl 10", "Émeu", "owl 9", "cat"], counts: [5, 9, 5, 1], accuracies: [0.5, NaN, 0.2, 1] };
  assert.deepEqual(classes.sortedCodes("order", list), [0, 1, 2, 3]);
  assert.deepEqual(classes.sortedCodes("name", list), [3, 1, 2, 0]); // 9 comes before 10
  assert.deepEqual(classes.sortedCodes("size", list), [1, 0, 2, 3]); // equal counts keep their order
  assert.deepEqual(classes.sortedCodes("accuracy", list), [2, 0, 3, 1]); // unknown comes last
  assert.deepEqual(classes.sortedCodes("accuracy", { ...list, accuracies: [] }), [0, 1, 2, 3]);
});

test("search ignores case and accents", () => {
  assert.equal(classes.fold("Émeu"), "emeu");
  assert.equal(classes.fold("ÅNGSTRÖM"), "angstrom");
  assert.equal(classes.fold("ﬁsh"), "fish");
  assert.equal(classes.fold("猫"), "猫");
});

test("letters jump to a name, and a repeated letter to the next one", () => {
  const names = ["cat", "cow", "dog", "crow"];
  assert.equal(classes.typedPosition(names, 0, "c"), 1);
  assert.equal(classes.typedPosition(names, 1, "c"), 3);
  assert.equal(classes.typedPosition(names, 3, "c"), 0);
  assert.equal(classes.typedPosition(names, 0, "cr"), 3);
  assert.equal(classes.typedPosition(names, 0, "cc"), 1); // the same letter again: the next name
  assert.equal(classes.typedPosition(names, 0, "co"), 1);
  assert.equal(classes.typedPosition(names, 2, "d"), 2);
  assert.equal(classes.typedPosition(names, 0, "z"), -1);
  assert.equal(classes.typedPosition([], -1, "a"), -1);
});

test("counts are exact in full and short in a narrow column", () => {
  assert.equal(classes.fullCount(1234567), "1,234,567");
  assert.deepEqual([0, 9999, 12345, 1234567].map(classes.shortCount), ["0", "9,999", "12.3k", "1.23M"]);
});

test("a percentage is 0 or 100 only for none or all", () => {
  const text = (share, digits) => classes.percent(share, digits).replace("\u202f", " ");
  assert.deepEqual([0, 0.001, 0.5, 0.999, 1].map((share) => text(share)), ["0 %", "1 %", "50 %", "99 %", "100 %"]);
  assert.deepEqual([0, 0.00001, 0.99999, 1].map((share) => text(share, 1)), ["0.0 %", "0.1 %", "99.9 %", "100.0 %"]);
  assert.equal(text(NaN), "");
});

test("a screen reader hears all of a class in one sentence", () => {
  const row = { name: "owl", selected: 4, count: 1200, accuracy: 0.75, visible: true };
  assert.equal(classes.describe(row), "owl, 4 of 1,200 selected, 75 % right, shown");
  assert.equal(classes.describe({ ...row, accuracy: NaN, visible: false }), "owl, 4 of 1,200 selected, hidden");
  assert.equal(classes.describe({ ...row, count: 0, accuracy: NaN }), "owl, no pictures, shown");
});
