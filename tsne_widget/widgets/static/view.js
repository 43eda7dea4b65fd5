// What every view is: it says where no kernel answers, and when it goes its elements go with it.

const NOT_CONNECTED = "The kernel is not connected: run the cell again";

/**
 * A view of anywidget's.
 * @param {(context: {model: any, el: HTMLElement}) => () => void} render  returns what releases it
 */
export function guardedView(render) {
  return {
    render: (/** @type {{model: any, el: HTMLElement}} */ { model, el }) => {
      const release = render({ model: connected(model, el), el });
      return () => {
        release();
        el.replaceChildren(); // ipywidgets keeps the element as long as the model is not closed
      };
    },
  };
}

/**
 * The model, of which `send` tells whether the message has gone and raises nothing. JupyterLab's
 * raises for a kernel that was restarted or has died; one that is busy or cut off gets it later.
 * @param {any} model
 * @param {HTMLElement} el  of the view
 * @returns {any}
 */
function connected(model, el) {
  function showLost(/** @type {boolean} */ isLost) {
    const place = el.closest(".tsne-widget")?.querySelector(".tw-toolbar") ?? el;
    const note = place.querySelector(":scope > .tw-lost");
    if (!isLost) note?.remove();
    else if (!note) place.appendChild(lostNote());
  }

  return {
    get: (/** @type {string} */ name) => model.get(name),
    set: (/** @type {string} */ name, /** @type {any} */ value) => model.set(name, value),
    on: (/** @type {string} */ event, /** @type {any} */ callback) => model.on(event, callback),
    off: (/** @type {string} */ event, /** @type {any} */ callback) => model.off(event, callback),
    widget_manager: model.widget_manager,
    save_changes: () => {
      // Asked before: ipywidgets catches what saving raises, and writes it to the console.
      if (model.widget_manager?.kernel?.isDisposed) showLost(true);
      else model.save_changes();
    },
    send: (/** @type {any[]} */ ...message) => {
      let isLost = false;
      try {
        model.send(...message);
      } catch {
        isLost = true;
      }
      showLost(isLost);
      return !isLost;
    },
  };
}

function lostNote() {
  const node = document.createElement("div");
  node.className = "tw-lost";
  node.setAttribute("role", "alert");
  node.textContent = NOT_CONNECTED;
  return node;
}
