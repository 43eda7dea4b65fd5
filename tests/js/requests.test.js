// Asks for tiles whose messages are lost.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Requests } from "../../tsne_widget/widgets/views/gallery/requests.js";

const [FIRST_PATIENCE, SIDE] = [5_000, 90]; // milliseconds, pixels
const NO_PICTURE = { bytes: 0 };

/** A view that shows ten tiles, and the ranges that it has asked for. */
function makeView(coming = 0) {
  const asked = [];
  const traits = { epoch: 1, coming };
  const model = { get: (name) => traits[name], send: ({ kind, start, stop }) => { if (kind === "tiles") asked.push([start, stop]); } };
  const requests = new Requests(model, () => requests.ask(0, 10, SIDE));
  return { asked, requests, traits };
}

const tilesOf = (start, stop) => ({ start, size: 96, tiles: Array.from({ length: stop - start }, () => ({ ...NO_PICTURE })) });

beforeEach(() => {
  globalThis.window = globalThis;
  globalThis.devicePixelRatio = 1;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("a request without an answer is repeated, and again after twice as long", () => {
  const { asked, requests } = makeView();
  requests.ask(0, 10, SIDE);
  mock.timers.tick(FIRST_PATIENCE);
  assert.deepEqual(asked, [[0, 10], [0, 10]]);
  mock.timers.tick(2 * FIRST_PATIENCE - 1);
  assert.equal(asked.length, 2);
  mock.timers.tick(1);
  assert.equal(asked.length, 3);
});

test("tiles that were to come by themselves are asked for if they do not", () => {
  const { asked, requests } = makeView(1);
  requests.clear();
  requests.ask(0, 10, SIDE);
  assert.deepEqual(asked, []);
  mock.timers.tick(FIRST_PATIENCE);
  assert.deepEqual(asked, [[0, 10]]);
});

test("a tile that its answer leaves out is asked for, and nothing once all are there", () => {
  const { asked, requests } = makeView();
  requests.ask(0, 10, SIDE);
  requests.receive(tilesOf(0, 7), new DataView(new ArrayBuffer(0)));
  requests.ask(0, 10, SIDE);
  requests.receive(tilesOf(7, 10), new DataView(new ArrayBuffer(0)));
  requests.ask(0, 10, SIDE);
  mock.timers.tick(100 * FIRST_PATIENCE);
  assert.deepEqual(asked, [[0, 10], [7, 10]]);
});

test("a released view asks for nothing", () => {
  const { asked, requests } = makeView();
  requests.ask(0, 10, SIDE);
  requests.release();
  mock.timers.tick(100 * FIRST_PATIENCE);
  assert.equal(asked.length, 1);
});
