// Lines over the map: to the nearest neighbours of a point, and from places on another map.
import { typed } from "../../frontend/bytes.js";

export class Lines {
  #map;

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
  }

  show() {
    this.showLinks();
    this.showTrails();
  }

  /** Draw lines from the point in focus to its nearest neighbours in feature space. */
  showLinks() {
    const { plot, model, points, sketch } = this.#map;
    const [from, ...near] = typed(model.get("links"), Uint32Array);
    if (!plot || from === undefined || !plot.has(from)) return sketch.drawLinks(null, []);
    const codes = points.codes;
    const ends = near.filter((point) => plot.has(point));
    sketch.drawLinks(plot.pixelsOf(from), ends.map((point) => ({ to: plot.pixelsOf(point), differs: codes[point] !== codes[from] })));
  }

  /** Draw lines from the places of samples on another map to their places on this one. */
  showTrails() {
    const { plot, model, sketch } = this.#map;
    const ends = typed(model.get("trails"), Float32Array);
    /** @type {[number[], number[]][]} */
    const pairs = [];
    for (let k = 0; plot && k + 3 < ends.length; k += 4) {
      pairs.push([plot.toPixels(ends[k], ends[k + 1]), plot.toPixels(ends[k + 2], ends[k + 3])]);
    }
    sketch.drawTrails(pairs);
  }
}
