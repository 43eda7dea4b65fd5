import assert from "node:assert/strict";
import test from "node:test";
import { coloured, mapIn, mostRed, resized } from "../../tsne_widget/widgets/frontend/evidence.js";

const map = { height: 2, width: 2, values: [0, 1, 2, 3] };

test("a map is interpolated between the centres of its places", () => {
  const fine = resized(map, 4, 4);
  assert.deepEqual([...fine.slice(0, 4)], [0, 0.25, 0.75, 1]);
  assert.equal(fine[15], 3);
  assert.deepEqual([...resized(map, 2, 2)], map.values);
});

test("the highest tenth is marked, and never nothing", () => {
  const mask = mostRed(Float32Array.from({ length: 40 }, (_, k) => (k * 7) % 40));
  assert.equal(mask.reduce((sum, one) => sum + one, 0), 4);
  assert.equal(mask[[...Array(40).keys()].find((k) => (k * 7) % 40 === 39)], 1);
  assert.equal(mostRed(Float32Array.of(0, 0, 0))[0], 1);
});

test("what speaks for a class has one colour, what speaks against it another, and nothing is transparent", () => {
  const pixels = coloured(Float32Array.of(2, -1, 0), [255, 0, 0], [0, 0, 255]);
  assert.deepEqual([...pixels.slice(0, 4)], [255, 0, 0, 255]);
  assert.deepEqual([...pixels.slice(4, 8)], [0, 0, 255, 128]);
  assert.equal(pixels[11], 0);
  assert.equal(coloured(Float32Array.of(0), [1, 1, 1], [2, 2, 2])[3], 0);
});

test("the numbers of a message are read at any offset of its buffer", () => {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setFloat32(5, 1.5, true);
  assert.deepEqual([...mapIn({ height: 1, width: 1 }, new DataView(bytes.buffer, 5, 4)).values], [1.5]);
});
