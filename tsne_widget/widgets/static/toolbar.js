// The bar above the map: counts, two lenses, activity, messages.

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("div", "tw-toolbar");
  const line = root.appendChild(element("div", "tw-line"));
  const summary = line.appendChild(element("div", "tw-summary"));
  summary.setAttribute("role", "status");
  const wrong = line.appendChild(button("Select misclassified", "misclassified"));
  const clear = line.appendChild(button("Clear", "clear"));
  const activity = root.appendChild(element("div", "tw-activity"));
  const doing = activity.appendChild(element("span"));
  activity.appendChild(element("div", "tw-bar")).setAttribute("role", "progressbar");
  const message = root.appendChild(element("div", "tw-message"));
  message.setAttribute("role", "alert");
  el.appendChild(root);

  let began = 0;
  let timer = 0;

  function button(/** @type {string} */ text, /** @type {string} */ kind) {
    const node = /** @type {HTMLButtonElement} */ (element("button"));
    node.type = "button";
    node.textContent = text;
    node.addEventListener("click", () => model.send({ kind }));
    return node;
  }

  function show() {
    const [total, shown, selected, errors, chosen] = [
      "total", "shown", "selected", "misclassified", "selected_misclassified",
    ].map((name) => model.get(name));
    const parts = [shown === total ? `${number(total)} samples` : `${number(shown)} of ${number(total)} samples shown`];
    if (errors >= 0) parts.push(`${number(errors)} misclassified (${percent(errors, shown)})`);
    summary.replaceChildren(muted(parts.join(" · ")));
    if (selected) {
      summary.append(" · ");
      summary.appendChild(element("b")).textContent = `${number(selected)} selected`;
      if (errors >= 0) summary.append(`, ${number(chosen)} of them misclassified (${percent(chosen, selected)})`);
    }
    wrong.disabled = errors <= 0;
    wrong.title = errors < 0 ? "Needs labels and predictions" : errors ? "Select every misclassified sample that is shown" : "None of the samples shown is misclassified";
    clear.disabled = !selected;
    clear.title = "Select nothing";
    message.textContent = model.get("message");
    message.hidden = !message.textContent;
  }

  function showActivity() {
    const text = model.get("activity");
    activity.hidden = !text;
    clearInterval(timer);
    if (!text) return;
    began = Date.now();
    const tick = () => { doing.textContent = `${text} · ${Math.round((Date.now() - began) / 1000)} s`; };
    tick();
    timer = setInterval(tick, 1000);
  }

  const fields = "change:total change:shown change:misclassified change:selected change:selected_misclassified change:message";
  model.on(fields, show);
  model.on("change:activity", showActivity);
  show();
  showActivity();
  return () => {
    clearInterval(timer);
    model.off(fields, show);
    model.off("change:activity", showActivity);
  };
}

function muted(/** @type {string} */ text) {
  const node = element("span");
  node.textContent = text;
  return node;
}

function number(/** @type {number} */ value) {
  return value.toLocaleString("en");
}

function percent(/** @type {number} */ part, /** @type {number} */ whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : "0 %";
}

function element(/** @type {string} */ tag, /** @type {string} */ name = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  return node;
}

export default { render };
