// Compares the places of the gallery's tiles with tiles laid out one after the other.
import assert from "node:assert/strict";
import test from "node:test";

import * as grid from "../../tsne_widget/widgets/views/gallery/grid.js";

const [SIDE, TALL, HEADING] = [100, 150, 26]; // pixels
const COLUMNS = 4;
const GROUPINGS = [[0, []], [1, []], [23, []], [23, [1, 9, 13]], [30, [4, 4, 8, 1, 13]], [3, [1, 1, 1]]];

/** A grid of four columns, 100 pixels apart. */
const make = (count, groups) => {
  const sized = (groups.length ? groups : [count]).map((size) => ({ size, caption: TALL - SIDE }));
  return grid.makeGrid(sized, { width: SIDE * COLUMNS, least: SIDE, gap: 0, heading: groups.length ? HEADING : 0 });
};

/** [x, y] of every tile, laid out one after the other. */
function places(count, groups) {
  const found = [];
  let y = 0;
  for (const size of groups.length ? groups : [count]) {
    if (groups.length) y += HEADING;
    for (let i = 0; i < size; i++) found.push([100 * (i % COLUMNS), y + TALL * Math.floor(i / COLUMNS)]);
    y += TALL * Math.ceil(size / COLUMNS);
  }
  return found;
}

for (const [count, groups] of GROUPINGS) {
  test(`tiles lie in rows, and each group begins a new one: ${count} in [${groups}]`, () => {
    const expected = places(count, groups);
    const tiles = make(count, groups);
    assert.deepEqual(expected.map((_, index) => grid.placeOf(tiles, index)).map(({ x, y }) => [x, y]), expected);
    assert.equal(tiles.height, expected.length ? Math.max(...expected.map(([, y]) => y)) + TALL : 0);
  });

  test(`every tile in view is drawn, with at most a row more: ${count} in [${groups}]`, () => {
    const expected = places(count, groups);
    const tiles = make(count, groups);
    for (let top = 0; top < 2100; top += 39) {
      const { first, last } = grid.inSight(tiles, top, top + 360);
      const visible = expected.flatMap(([, y], index) => (y < top + 360 && y + TALL > top ? [index] : []));
      assert.ok(visible.every((index) => first <= index && index < last));
      assert.ok(last - first <= visible.length + COLUMNS);
    }
  });
}

test("keys lead to the tile beside, above or below", () => {
  const tiles = make(23, [6, 3, 14]); // rows of 4, 2 | 3 | 4, 4, 4, 2 tiles
  const key = (index, name, pixels = 450) => grid.movedTo(tiles, index, name, pixels);
  assert.deepEqual(["ArrowLeft", "ArrowRight", "Home", "End"].map((name) => key(5, name)), [4, 6, 0, 22]);
  assert.equal(key(0, "ArrowLeft"), 0);
  assert.equal(key(22, "ArrowRight"), 22);
  assert.equal(key(1, "ArrowDown"), 5);
  assert.equal(key(3, "ArrowDown"), 5); // the row below is shorter
  assert.equal(key(5, "ArrowDown"), 7); // into the next group, in the same column
  assert.equal(key(4, "ArrowDown"), 6);
  assert.equal(key(12, "ArrowUp"), 8); // back into a shorter row
  assert.equal(key(7, "ArrowUp"), 5);
  assert.equal(key(2, "ArrowUp"), 2);
  assert.equal(key(22, "ArrowDown"), 22);
  assert.equal(key(0, "PageDown", 2000), 22);
  assert.equal(key(22, "PageUp", 2000), 1); // the first row, in the same column
  assert.equal(key(1, "PageDown", 2 * TALL), 7); // past a heading
});

for (const [count, groups] of GROUPINGS.slice(2)) {
  test(`arrows reach every row, both ways: ${count} in [${groups}]`, () => {
    const tiles = make(count, groups);
    const rowOf = places(count, groups).map(([, y]) => y);
    for (const [name, start] of [["ArrowDown", 0], ["ArrowUp", count - 1]]) {
      const visited = new Set();
      for (let index = start; !visited.has(rowOf[index]); index = grid.movedTo(tiles, index, name, 1)) visited.add(rowOf[index]);
      assert.deepEqual(visited, new Set(rowOf));
    }
  });
}

test("pictures grow until they fill the width, and shrink where not even one fits", () => {
  const at = (width) => {
    const { columns, side, pitch } = grid.makeGrid([{ size: 9, caption: 9 }], { width, least: 100, gap: 10, heading: 0 });
    return [columns, side, pitch];
  };
  assert.deepEqual(at(50), [1, 50, 60]);
  assert.deepEqual(at(490), [4, 115, 125]);
  assert.deepEqual(at(190), [1, 160, 170]); // one column grows to a limit
});

test("groups may have captions of different heights", () => {
  const groups = [{ size: 5, caption: 10 }, { size: 3, caption: 40 }];
  const tiles = grid.makeGrid(groups, { width: 200, least: 100, gap: 0, heading: 20 });
  const tops = Array.from({ length: 8 }, (_, index) => grid.placeOf(tiles, index).y);
  assert.deepEqual(tops, [20, 20, 130, 130, 240, 370, 370, 510]);
  assert.equal(tiles.height, 650);
  assert.equal(grid.movedTo(tiles, 6, "ArrowUp", 100), 4);
  assert.equal(grid.movedTo(tiles, 4, "ArrowDown", 100), 5);
});

test("scrolling reaches the end of a list taller than an element may be", () => {
  assert.deepEqual(grid.scrolling(5000, 400), { height: 5000, ratio: 1 });
  const full = 144 * 1_000_000;
  const { height, ratio } = grid.scrolling(full, 400);
  assert.ok(height < 33_000_000);
  assert.ok(Math.abs((height - 400) * ratio - (full - 400)) < 1e-3);
});

test("the gallery asks for the smallest picture that fills a tile", () => {
  const asked = [56, 96, 97, 200, 400].map((pixels) => grid.pictureSize([96, 192, 384], pixels));
  assert.deepEqual(asked, [96, 96, 192, 384, 384]);
});

test("the bits of the selected tiles are read in numpy's order", () => {
  const bits = new DataView(Uint8Array.of(0b10011000, 0b01000000).buffer);
  const selected = Array.from({ length: 40 }, (_, index) => index).filter((index) => grid.isPicked(bits, 5, index));
  assert.deepEqual(selected, [5, 8, 9, 14]);
  assert.equal(grid.isPicked(null, 0, 0), false);
});
