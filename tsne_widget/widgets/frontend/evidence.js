// Maps of evidence: interpolated, coloured for and against a class, and the tenth that counts most.

export const SHARE = 0.1; // of the picture that is covered in the test

/** @typedef {{height: number, width: number, values: ArrayLike<number>}} EvidenceMap */

/** The map in a buffer of a message. @param {{height: number, width: number}} size @param {DataView} data @returns {EvidenceMap} */
export function mapIn({ height, width }, data) {
  return { height, width, values: Float32Array.from({ length: height * width }, (_, k) => data.getFloat32(4 * k, true)) };
}

/** The map of a tile: its height, its width and its values. @param {number[]} given @returns {EvidenceMap} */
export function mapOf([height, width, ...values]) {
  return { height, width, values };
}

/**
 * A map at another size, interpolated between the centres of its places.
 * @param {EvidenceMap} map @param {number} height @param {number} width @returns {Float32Array}
 */
export function resized(map, height, width) {
  const [ys, xs] = [placesOf(map.height, height), placesOf(map.width, width)];
  const fine = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const { first, next, share } = ys[y];
    for (let x = 0; x < width; x++) {
      const across = xs[x];
      const at = (/** @type {number} */ row) => map.values[row * map.width + across.first] * (1 - across.share) + map.values[row * map.width + across.next] * across.share;
      fine[y * width + x] = at(first) * (1 - share) + at(next) * share;
    }
  }
  return fine;
}

/** For each pixel of a side the two places around it, and how near it is to the second. */
function placesOf(/** @type {number} */ count, /** @type {number} */ pixels) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = Math.min(count - 1, Math.max(0, ((pixel + 0.5) * count) / pixels - 0.5));
    const first = Math.floor(at);
    return { first, next: Math.min(count - 1, first + 1), share: at - first };
  });
}

/** 1 for each of the tenth of all values that are highest. @param {Float32Array} fine @returns {Uint8Array} */
export function mostRed(fine) {
  const count = Math.max(1, Math.round(SHARE * fine.length));
  const order = Uint32Array.from(fine, (_, index) => index).sort((a, b) => fine[b] - fine[a] || a - b);
  const mask = new Uint8Array(fine.length);
  for (const index of order.subarray(0, count)) mask[index] = 1;
  return mask;
}

/**
 * RGBA of a map: one colour for the class, one against it, and none where nothing speaks.
 * @param {Float32Array} fine @param {number[]} forColour @param {number[]} againstColour  red, green, blue 0 … 255
 */
export function coloured(fine, forColour, againstColour) {
  const most = fine.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const pixels = new Uint8ClampedArray(4 * fine.length);
  fine.forEach((value, k) => {
    pixels.set(value > 0 ? forColour : againstColour, 4 * k);
    pixels[4 * k + 3] = (255 * Math.abs(value)) / most;
  });
  return pixels;
}

/**
 * Draw a map into a canvas of the picture's shape.
 * @param {HTMLCanvasElement} canvas  in the page, so that it has the colours of the theme
 * @param {EvidenceMap} map @param {{shape: number, outline: boolean, side: number}} options
 *   shape: width of the picture divided by its height; outline: whether to outline the highest tenth; side: longest side in pixels
 */
export function drawEvidence(canvas, map, { shape, outline, side }) {
  canvas.width = Math.max(1, Math.round(shape >= 1 ? side : side * shape));
  canvas.height = Math.max(1, Math.round(shape >= 1 ? side / shape : side));
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  if (!context) return;
  const fine = resized(map, height, width);
  const style = getComputedStyle(canvas);
  const [red, blue] = ["--tw-for", "--tw-against"].map((name) => channels(style.getPropertyValue(name)));
  context.putImageData(new ImageData(coloured(fine, red, blue), width, height), 0, 0);
  if (outline) drawOutline(context, mostRed(fine), width, height);
}

/** "#d9600a" as three numbers. @param {string} color */
function channels(color) {
  const hex = color.trim().slice(1);
  const long = hex.length === 3 ? [...hex].map((one) => one + one).join("") : hex;
  return [0, 2, 4].map((at) => Number.parseInt(long.slice(at, at + 2), 16) || 0);
}

/** A dashed line around a mask, which shows on bright and on dark. */
function drawOutline(/** @type {CanvasRenderingContext2D} */ context, /** @type {Uint8Array} */ mask, /** @type {number} */ width, /** @type {number} */ height) {
  const inside = (/** @type {number} */ x, /** @type {number} */ y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y) || (inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1))) continue;
      context.fillStyle = (x + y) % 8 < 4 ? "#fff" : "#000";
      context.fillRect(x - 0.5, y - 0.5, 2, 2);
    }
  }
}
