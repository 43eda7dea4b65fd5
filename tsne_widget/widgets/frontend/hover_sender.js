// Tells the kernel which sample is under the pointer of a view of pictures.

/** Sends the row under the pointer, at most once per frame and only if it has changed. */
export class HoverSender {
  #model;
  /** @type {number | null} */
  #row = null;
  /** @type {number | null} */
  #sent = null;
  #frame = 0;

  /** @param {import("./kernel.js").ViewModel} model */
  constructor(model) {
    this.#model = model;
  }

  /** @param {number | null} row */
  set(row) {
    this.#row = row;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#row === this.#sent) return;
      this.#sent = this.#row;
      this.#model.send({ kind: "hover", row: this.#row });
    });
  }

  release() {
    cancelAnimationFrame(this.#frame);
  }
}
