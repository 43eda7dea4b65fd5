// The script of the widget: anywidget calls `render` for every view of it on the page.
import views from "tsne-widget:views";
import { openApplication } from "./app.js";
import { kernelBackend } from "./kernel.js";

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const { backend, release } = kernelBackend(model, el);
  const close = openApplication(el, backend, views);
  return () => {
    close();
    release();
  };
}

export default { render };
