// The time of the site, by the service's clock, and how old things are.

import { feed } from "./feed.js";
import { say } from "./texts.js";

const TICK_MS = 500;
const zone = document.querySelector("meta[name=zone]").content;
const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language, {
  timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
let ahead = 0;

/** Now, as the service's clock has it. */
export const serviceNow = () => new Date(Date.now() + ahead);
export const clock = (at) => format.format(at);

export function age(at) {
  const seconds = Math.max(0, Math.round((serviceNow() - at) / 1000));
  if (seconds < 100) return say("ago-s", { number: seconds });
  if (seconds < 5400) return say("ago-min", { number: Math.round(seconds / 60) });
  return say("ago-h", { number: Math.round(seconds / 3600) });
}

/** How long until then: 1:05. */
function left(at) {
  const seconds = Math.max(0, Math.ceil((at - serviceNow()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Every age on the page: of what waits, and of each picture. */
export function tick() {
  for (const one of document.querySelectorAll("[data-clock]")) put(one, clock(serviceNow()));
  for (const one of document.querySelectorAll("[data-age]")) put(one, age(new Date(one.dataset.age)));
  for (const one of document.querySelectorAll("[data-left]")) put(one, left(new Date(one.dataset.left)));
  for (const one of document.querySelectorAll("[data-until]")) passed(one);
  for (const one of document.querySelectorAll("[data-taken]")) {
    const shown = one.parentElement.querySelector("[data-taken-age]");
    if (shown) put(shown, one.dataset.taken ? age(new Date(one.dataset.taken)) : "");
  }
}

/** What was true until now: whoever shows it is told once. */
function passed(one) {
  if (serviceNow() < new Date(one.dataset.until)) return;
  delete one.dataset.until;
  one.dispatchEvent(new Event("passed", { bubbles: true }));
}

feed.addEventListener("pulse", ({ detail }) => {
  ahead = new Date(detail.at) - Date.now();
});
setInterval(tick, TICK_MS);
