// Sprites of the markers, each drawn once: copying a sprite is several times faster than drawing a marker.

const TAU = 2 * Math.PI;
const MAX_SIZES = 24; // zooming changes the size of the points

export class Sprites {
  /** @type {string[]} */
  #palette = [];
  #ink = "";
  /** @type {Map<string, HTMLCanvasElement[]>} */
  #kept = new Map(); // by size, in the current colours

  /** Draw in these colours. @param {string[]} palette @param {string[]} ink  colour of the ring of each colour */
  use(palette, ink) {
    const key = ink.join();
    if (palette === this.#palette && key === this.#ink) return;
    [this.#palette, this.#ink] = [palette, key];
    this.#kept.clear();
    this.rings = ink;
  }

  rings = /** @type {string[]} */ ([]);

  /**
   * Sprites of a circle, one per colour.
   * @param {number} radius  pixels of the canvas
   * @param {number} ring  width of the ring around its edge, pixels of the canvas; 0 for none
   */
  of(radius, ring) {
    const size = `${radius.toFixed(2)} ${ring.toFixed(2)}`;
    const kept = this.#kept.get(size);
    if (kept) return kept;
    if (this.#kept.size >= MAX_SIZES) this.#kept.clear();
    const sprites = this.#palette.map((color, k) => drawCircle(radius, color, ring, this.rings[k]));
    this.#kept.set(size, sprites);
    return sprites;
  }
}

/** @param {number} radius @param {string} color @param {number} ring  0 for none @param {string} ringColor */
function drawCircle(radius, color, ring, ringColor) {
  const sprite = document.createElement("canvas");
  sprite.width = sprite.height = Math.ceil(2 * (radius + ring) + 2);
  const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
  context.fillStyle = color;
  context.strokeStyle = ringColor;
  context.lineWidth = ring;
  context.beginPath();
  context.arc(sprite.width / 2, sprite.width / 2, radius, 0, TAU);
  context.fill();
  if (ring) context.stroke();
  return sprite;
}
