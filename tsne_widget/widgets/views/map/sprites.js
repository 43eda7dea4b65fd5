// Sprites of the markers, each drawn once: copying a sprite is several times faster than drawing a marker.

const TAU = 2 * Math.PI;

export class Sprites {
  /** @type {WeakMap<string[], {size: string, sprites: HTMLCanvasElement[]}>} */
  #kept = new WeakMap(); // sprites by palette

  /**
   * Sprites of a circle, one per colour.
   * @param {number} radius  pixels of the canvas
   * @param {string[]} palette
   * @param {number} line  width of the outline, pixels of the canvas; 0 for a filled circle
   */
  of(radius, palette, line = 0) {
    const size = `${radius} ${line}`;
    const kept = this.#kept.get(palette);
    if (kept?.size === size) return kept.sprites;
    const sprites = palette.map((color) => drawCircle(radius, color, line));
    this.#kept.set(palette, { size, sprites });
    return sprites;
  }
}

/** @param {number} radius @param {string} color @param {number} line  0 for a filled circle */
function drawCircle(radius, color, line) {
  const sprite = document.createElement("canvas");
  sprite.width = sprite.height = Math.ceil(2 * (radius + line) + 2);
  const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
  context.fillStyle = context.strokeStyle = color;
  context.lineWidth = line;
  context.beginPath();
  context.arc(sprite.width / 2, sprite.width / 2, radius, 0, TAU);
  if (line) context.stroke();
  else context.fill();
  return sprite;
}
