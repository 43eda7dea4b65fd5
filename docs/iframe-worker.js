// Browsers run no workers in pages from a folder, so the search worker runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const script = document.createElement("script");
      script.src = url;
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = script.outerHTML;
      this.inside = new Promise((loaded) => {
        frame.addEventListener("load", () => loaded(frame.contentWindow), { once: true });
      }).then((inside) => {
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        return inside;
      });
      document.body.append(frame);
    }

    async postMessage(data) {
      (await this.inside).dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}
