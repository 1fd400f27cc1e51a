// Single keys. They rest while somebody types or a dialog is open, and can be switched off.

const SWITCH = "veilleur.single-keys";
const actions = new Map();

/** act(event): what a key does, as `event.key` names it. Letters in lower case. */
export function key(name, act) {
  actions.set(name, act);
}

export const typing = (element) =>
  element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement ||
  (element instanceof HTMLInputElement && !["radio", "checkbox", "range"].includes(element.type));

const on = () => localStorage.getItem(SWITCH) !== "off";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (name !== "Escape" && (typing(event.target) || (name.length === 1 && !on()))) return;
  if (actions.get(name)?.(event) !== undefined) event.preventDefault();
});

const box = document.querySelector("[data-single-keys]");
if (box) {
  box.checked = on();
  box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
}
