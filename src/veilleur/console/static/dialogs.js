// Dialogs: what is stopped, what is ordered with a reason, the list of keys.

import { order } from "./ask.js";
import { key } from "./keys.js";

const stop = document.querySelector("#stop");
const orders = document.querySelector("#order");
const keys = document.querySelector("#keys");
let wanted = null;

for (const shut of document.querySelectorAll("dialog [data-close]"))
  shut.addEventListener("click", () => shut.closest("dialog").close());

/** Send what a dialog asks for; a refusal is said in it and keeps it open. */
async function send(dialog, path, body) {
  const said = dialog.querySelector(".refusal");
  said.hidden = true;
  try {
    await order(path, body);
    dialog.close();
    return true;
  } catch (refusal) {
    said.textContent = refusal.message;
    said.hidden = false;
    return false;
  }
}

// ---------------------------------------------------------------- stops
/** What is before the visitor: the rule or camera in view. */
function inView() {
  const near = document.activeElement?.closest("[data-camera]") ?? document.querySelector("article[data-shown]");
  return near ? { camera: near.dataset.camera, rule: near.dataset.rule ?? "" } : {};
}

export function openStop({ camera, rule } = inView()) {
  if (!stop) return;
  const form = stop.querySelector("form");
  const targets = { camera, rule: camera && rule ? `${camera}/${rule}` : "" };
  form.reset();
  for (const [scope, target] of Object.entries(targets)) {
    const line = stop.querySelector(`[data-scope=${scope}]`);
    line.hidden = !target;
    line.querySelector("input").disabled = !target;
    line.querySelector("output").textContent = target || "";
    if (target) line.querySelector("input").checked = true;
  }
  stop.querySelector(".refusal").hidden = true;
  stop.showModal();
  form.querySelector("input[name=scope]:checked").focus();
}

stop?.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const scope = form.elements.scope.value;
  const target = stop.querySelector(`[data-scope=${scope}] output`)?.textContent ?? "";
  send(stop, "/api/v1/stops", { scope, target, reason: form.elements.reason.value });
});

if (stop) key("x", () => openStop() ?? true);
if (location.hash === "#stop") {
  // Wanted on a page without scripts: those of the accounts.
  history.replaceState(null, "", location.pathname + location.search);
  openStop({});
}

// ---------------------------------------------------------------- orders with a reason
function openOrder(button) {
  wanted = button;
  orders.querySelector("[data-order-title]").textContent = button.dataset.title;
  orders.querySelector("[data-order-text]").textContent = button.dataset.text ?? "";
  orders.querySelector(".refusal").hidden = true;
  const reason = orders.querySelector("input");
  reason.value = button.dataset.reason ?? "";
  orders.showModal();
  reason.focus();
  reason.select();
}

orders.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { ...JSON.parse(wanted.dataset.body ?? "{}"), reason: event.target.elements.reason.value };
  const reload = wanted.dataset.then === "reload";
  if ((await send(orders, wanted.dataset.order, body)) && reload) location.reload();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.order) openOrder(button);
  else if ("stop" in button.dataset) {
    const tile = button.closest("[data-camera]");
    openStop(tile ? { camera: tile.dataset.camera, rule: button.dataset.rule } : undefined);
  } else if ("keys" in button.dataset) keys.showModal();
});
key("?", () => keys.showModal() ?? true);
