// The backend of a page in a notebook: sends messages to the kernel through the widget's model.

const NOT_CONNECTED = "The kernel is not connected: run the cell again";
const PENDING_MS = 700; // a free kernel answers sooner
const SUBSHELL_MS = 10_000; // a subshell starts much faster or not at all

/**
 * The part of the backend that a view's script uses: its traits, their change events, and messages.
 * @typedef {{
 *   get: (name: string) => any,
 *   set: (name: string, value: any) => void,
 *   save_changes: () => void,
 *   on: (events: string, callback: (...args: any[]) => void) => void,
 *   off: (events: string, callback: (...args: any[]) => void) => void,
 *   send: (content: any, callbacks?: any, buffers?: ArrayBuffer[]) => boolean,
 *   widget_manager?: any,
 * }} ViewModel
 */

/**
 * The backend of the widget on the page.
 * @param {any} model  the widget's model
 * @param {HTMLElement} el  the element of the widget's view
 * @returns {{backend: (view: string) => ViewModel, release: () => void}}
 */
export function kernelBackend(model, el) {
  const pending = new Pending(el);
  const send = makeSend(model, el, pending);
  const onMessage = (/** @type {any} */ content) => {
    if (content.tiles?.each) content.tiles = unpacked(content.tiles); // before the views read it
    if (content.view === "frame" && content.kind === "waiting") pending.wait(content.waits);
  };
  model.on("msg:custom", onMessage);
  void hear(model);
  return {
    backend: (view) => viewModel(model, send, view),
    release: () => {
      model.off("msg:custom", onMessage);
      pending.end();
    },
  };
}

/**
 * Follow the kernel although this script came late. anywidget (0.11) drops every message of the kernel from then on if the
 * browser takes more than 2 seconds to load a widget's script, as on a busy machine.
 * @param {any} model
 */
async function hear(model) {
  const own = model.set({}); // `model` has only some of the functions of the widget's own one
  if (!own?.comm || !own._handle_comm_msg) return;
  try {
    await own._handle_comm_msg({ content: { data: {} } }); // fails if the script was late
  } catch {
    if (!own.comm) return; // closed
    const { _handle_comm_msg: handle } = Object.getPrototypeOf(Object.getPrototypeOf(own)); // that of ipywidgets
    own.comm.on_msg(handle.bind(own));
    own.comm.send({ method: "request_state" }, {}, {}, []); // it includes what was missed
  }
}

/**
 * The tiles that packing.py has packed by column.
 * @param {{count: number, same: Record<string, any>, each: Record<string, any[]>}} tiles
 */
function unpacked({ count, same, each }) {
  const columns = Object.entries(each);
  return Array.from({ length: count }, (_, k) => ({ ...same, ...Object.fromEntries(columns.map(([name, values]) => [name, values[k]])) }));
}

/**
 * Messages that the kernel has not answered. After a moment, the element gets `data-pending` and the
 * event "tw-pending": what was done on the page is ahead of what the kernel knows.
 */
class Pending {
  #el;
  #sent = new Set();
  #waits = false; // the kernel has the messages and says that a cell runs
  #timer = 0;

  /** @param {HTMLElement} el */
  constructor(el) {
    this.#el = el;
  }

  /** Callbacks of a message: it is answered when the kernel is idle again. @param {{kind?: string}} content */
  callbacksOf({ kind }) {
    if (kind === "hover" || kind === "leave") return undefined;
    const message = {};
    this.#sent.add(message);
    this.#timer ||= window.setTimeout(() => this.#show(), PENDING_MS);
    const status = (/** @type {any} */ answer) => {
      if (answer?.content?.execution_state === "idle") this.#answer(message);
    };
    return { iopub: { status }, shell: {}, input: () => undefined };
  }

  /** @param {boolean} waits */
  wait(waits) {
    this.#waits = waits;
    this.#show();
  }

  /** Wait for no answer: the kernel is gone. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waits = false;
    this.#sent.clear();
    this.#show();
  }

  #answer(/** @type {object} */ message) {
    this.#sent.delete(message);
    Pending.#canAnswer = true;
    if (this.#sent.size) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#show();
  }

  // Some notebooks never report the status: there, unanswered messages mean nothing.
  static #canAnswer = false;

  #show() {
    const isPending = this.#waits || (Pending.#canAnswer && this.#timer !== 0 && this.#sent.size > 0);
    if (this.#el.hasAttribute("data-pending") === isPending) return;
    this.#el.toggleAttribute("data-pending", isPending);
    this.#el.dispatchEvent(new CustomEvent("tw-pending"));
  }
}

/**
 * The part of the widget's model that belongs to one view: its traits are named "<view>.<trait>", and
 * its messages contain the view's name.
 * @param {any} model
 * @param {(content: any, buffers?: ArrayBuffer[]) => boolean} send
 * @param {string} view
 * @returns {ViewModel}
 */
function viewModel(model, send, view) {
  /** @type {Map<Function, Function>} */
  const filters = new Map(); // by the view's listener for messages: the listener added to the model
  /** @type {Record<string, any>} */
  let unsaved = {};

  const scoped = (/** @type {string} */ event) => event.replace(/^change:/, `change:${view}.`);

  function forThisView(/** @type {Function} */ callback) {
    const filter = filters.get(callback)
      ?? ((/** @type {any} */ content, /** @type {any} */ buffers) => { if (content.view === view) callback(content, buffers); });
    filters.set(callback, filter);
    return filter;
  }

  function each(/** @type {"on" | "off"} */ action, /** @type {string} */ events, /** @type {Function} */ callback) {
    for (const event of events.split(" ")) model[action](scoped(event), event === "msg:custom" ? forThisView(callback) : callback);
  }

  return {
    get: (name) => model.get(`${view}.${name}`),
    set: (name, value) => {
      unsaved[name] = value;
      model.set(`${view}.${name}`, value);
    },
    save_changes: () => {
      send({ view, kind: "set", state: unsaved });
      unsaved = {};
    },
    on: (events, callback) => each("on", events, callback),
    off: (events, callback) => each("off", events, callback),
    send: (content, _callbacks, buffers) => send({ ...content, view }, buffers),
    widget_manager: model.widget_manager,
  };
}

/**
 * A function that sends a message and returns whether it was sent. JupyterLab's model throws if the
 * kernel has restarted or died; a busy or disconnected kernel gets the message later.
 * @param {any} model
 * @param {HTMLElement} el
 * @param {Pending} pending
 */
function makeSend(model, el, pending) {
  function showLost(/** @type {boolean} */ isLost) {
    const place = el.querySelector(".tw-toolbar") ?? el;
    const note = place.querySelector(":scope > .tw-lost");
    if (!isLost) note?.remove();
    else if (!note) place.appendChild(lostNote());
  }

  function post(/** @type {any} */ content, /** @type {ArrayBuffer[]} */ buffers) {
    let isLost = false;
    try {
      model.send(content, pending.callbacksOf(content), buffers);
    } catch {
      isLost = true;
      pending.end();
    }
    showLost(isLost);
    return !isLost;
  }

  return (/** @type {any} */ content, /** @type {ArrayBuffer[]} */ buffers = []) => {
    const [waiting, manager] = [waitingMessages(), model.widget_manager];
    const queue = waiting.get(manager);
    if (queue) return queue.push(() => post(content, buffers)) > 0;
    const made = queue === null ? null : subshell(model);
    if (!made) return post(content, buffers);
    const first = [() => post(content, buffers)];
    waiting.set(manager, first);
    made.then((failed) => {
      waiting.delete(manager);
      if (failed) waiting.set(manager, null);
      for (const go of first) go();
    });
    return true;
  };
}

/**
 * A promise that messages wait for; null if they need not wait. JupyterLab 4.4 sends messages of
 * widgets to the kernel's main shell until it has made a subshell, and to the subshell from then on.
 * In the main shell, early messages may wait for a running cell, and later ones overtake them.
 * @param {any} model
 * @returns {Promise<any> | null}  true if there will be no subshell
 */
function subshell(model) {
  const comm = model.get("layout")?.comm?.jsServicesComm; // the model does not expose its own comm
  const isMade = comm?.subshellId || comm?.commsOverSubshells === "disabled";
  if (isMade || !comm?.subshellStarted || !model.widget_manager?.kernel?.supportsSubshells) return null;
  const never = new Promise((resolve) => setTimeout(() => resolve(true), SUBSHELL_MS));
  const started = comm.subshellStarted.then(() => false, () => true);
  // In a later task, because each widget is notified separately.
  return Promise.race([started, never]).then((failed) => new Promise((resolve) => setTimeout(() => resolve(failed), 0)));
}

/** Waiting messages in order, by widget manager; null once no message has to wait. */
function waitingMessages() {
  const page = /** @type {any} */ (window);
  /** @type {WeakMap<any, (() => void)[] | null>} */
  const waiting = (page.tsneWidgetMessages ??= new WeakMap());
  return waiting;
}

function lostNote() {
  const node = document.createElement("div");
  node.className = "tw-lost";
  node.setAttribute("role", "alert");
  node.textContent = NOT_CONNECTED;
  return node;
}
