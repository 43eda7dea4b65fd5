import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, wilson } from "../../tsne_widget/widgets/frontend/intervals.js";
import { barsOf, numbersOf, verdict } from "../../tsne_widget/widgets/views/scores/words.js";

const near = (found, wanted) => found.forEach((value, k) => assert.ok(Math.abs(value - wanted[k]) < 5e-5, `${found}`));

test("Wilson's interval equals the published one", () => {
  near(wilson(81, 263), [0.2553, 0.3662]);
  near(wilson(0, 20), [0, 0.1611]);
});

test("Newcombe's interval equals the published one", () => near(difference([56, 70], [48, 80]), [0.0524, 0.3339]));

test("the verdict tells too sure from calibrated", () => {
  const bars = barsOf(Float32Array.of(0.8, 0.9, 1000, 0.85, 0.68));
  const too = verdict(numbersOf(Float32Array.of(1000, 680, 0.85, 0.17, 0.01, 0, 0)), bars);
  assert.equal(too[0], "The model is surer than it is right.");
  assert.match(too[1], /says 85.%, it is right 68.% .* 17.points too much/);
  const fine = verdict(numbersOf(Float32Array.of(1000, 850, 0.85, 0.01, 0.01, 0, 0)), bars);
  assert.equal(fine[0], "The model keeps what it promises.");
});
