// What every view is: it says where no kernel answers, and when it goes its elements go with it.

const NOT_CONNECTED = "The kernel is not connected: run the cell again";
const SUBSHELL_MS = 10_000; // a subshell is there in much less, or never

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
 * What messages wait for; null: nothing. JupyterLab 4.4 has widgets' messages answered by a subshell
 * of the kernel once it has made one, and by the main shell before: there the first ones may wait
 * for a cell, and later ones overtake them.
 * @param {any} model
 * @returns {Promise<any> | null}  true where there will be no subshell
 */
function subshell(model) {
  const comm = model.get("layout")?.comm?.jsServicesComm; // the view's own is not to be had
  const isMade = comm?.subshellId || comm?.commsOverSubshells === "disabled";
  if (isMade || !comm?.subshellStarted || !model.widget_manager?.kernel?.supportsSubshells) return null;
  const never = new Promise((resolve) => setTimeout(() => resolve(true), SUBSHELL_MS));
  const started = comm.subshellStarted.then(() => false, () => true);
  // Afterwards: each widget hears of it by itself.
  return Promise.race([started, never]).then((failed) => new Promise((resolve) => setTimeout(() => resolve(failed), 0)));
}

/** Messages of all views of each manager of widgets, in their order, while they wait; then null. */
function waitingMessages() {
  const page = /** @type {any} */ (window);
  /** @type {WeakMap<any, (() => void)[] | null>} */
  const waiting = (page.tsneWidgetMessages ??= new WeakMap());
  return waiting;
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

  function send(/** @type {any[]} */ message) {
    let isLost = false;
    try {
      model.send(...message);
    } catch {
      isLost = true;
    }
    showLost(isLost);
    return !isLost;
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
      const [waiting, manager] = [waitingMessages(), model.widget_manager];
      const queue = waiting.get(manager);
      if (queue) return queue.push(() => send(message)) > 0;
      const made = queue === null ? null : subshell(model);
      if (!made) return send(message);
      const first = [() => send(message)];
      waiting.set(manager, first);
      made.then((failed) => {
        waiting.delete(manager);
        if (failed) waiting.set(manager, null);
        for (const go of first) go();
      });
      return true;
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
