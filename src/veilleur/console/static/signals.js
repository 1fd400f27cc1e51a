// What waits, told in every way there is: number, title, icon, sound, words for a screen reader,
// and the desktop where somebody wishes it.

import { data } from "./ask.js";
import { feed, isStale } from "./feed.js";
import { beat, urgent } from "./sound.js";
import { say } from "./texts.js";

const NOTIFY = "veilleur.notify";
const LEVELS = ["high", "medium", "low"];
const GATHER_MS = 300;
const waiting = new Map();
const gone = new Map(); // who left, by which message: a slower answer does not bring them back
const icon = document.querySelector("link[rel=icon]");
const live = document.querySelector("[data-live]");
const title = document.title;
const may = document.body.dataset.may.split(" ");
let news = [];
let learnt = false;

/** All that waits, as it is now. Resolves with the number of the newest message, null: none. */
export async function learn() {
  if (!may.includes("see_alerts")) return null;
  const known = await data("/waiting");
  const there = known.incidents.filter((one) => !(gone.get(one.id) > known.last));
  const arrived = there.filter((one) => learnt && !waiting.has(one.id) && one.state === "open");
  learnt = true;
  for (const [id, one] of waiting) if (!(one.number > known.last)) waiting.delete(id);
  for (const one of there) if (!waiting.has(one.id)) waiting.set(one.id, one);
  arrived.forEach(gather); // the stream will tell of them as well, and find them known
  show({ now: arrived.length > 0 });
  return known.last;
}

feed.addEventListener("incident", ({ detail }) => {
  const known = waiting.get(detail.id);
  if (known && known.revision >= detail.revision) return;
  gone.delete(detail.id);
  const waits = detail.state === "open" || detail.state === "taken";
  if (waits) waiting.set(detail.id, detail);
  else {
    waiting.delete(detail.id);
    gone.set(detail.id, detail.number);
  }
  const fresh = !known && detail.state === "open" && detail.revision === 1;
  if (fresh) gather(detail);
  show({ now: fresh || (detail.escalated && !known?.escalated) });
});

function show({ now = false } = {}) {
  const open = [...waiting.values()].filter((one) => one.state === "open");
  const level = LEVELS.find((one) => open.some((waits) => waits.priority === one)) ?? null;
  const count = document.querySelector("[data-waiting]");
  if (count) {
    count.textContent = String(open.length);
    count.hidden = open.length === 0;
  }
  mark(open.length, level);
  urgent(level, { now, escalated: open.some((one) => one.escalated) });
}

function mark(number, level) {
  const sign = isStale() ? "⚠ " : number ? `(${number}) ` : "";
  document.title = `${sign}${title}`;
  const name = isStale() ? "icon-stale" : level ? `icon-${level}` : "icon";
  const href = `/static/${name}.svg`;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

// ---------------------------------------------------------------- in words
function gather(detail) {
  news.push(detail);
  if (news.length === 1) setTimeout(tell, GATHER_MS);
}

function tell() {
  const one = news[0];
  const words = news.length === 1
    ? say("new", { event: say(`event-${one.event}`), camera: one.camera, priority: say(`priority-${one.priority}`) })
    : say("news", { count: news.length });
  live.textContent = words;
  if (document.hidden && localStorage.getItem(NOTIFY) === "on" && Notification.permission === "granted")
    new Notification("Veilleur", { body: words, tag: one.id });
  news = [];
}

document.querySelector("[data-notify]")?.addEventListener("click", async () => {
  const given = globalThis.Notification ? await Notification.requestPermission() : "denied";
  localStorage.setItem(NOTIFY, given === "granted" ? "on" : "off");
  document.querySelector("[data-sound-state]").textContent =
    say(given === "granted" ? "notified" : "not-notified");
});

for (const change of ["fresh", "stale", "over"]) feed.addEventListener(change, () => show());
feed.addEventListener("pulse", beat);
feed.addEventListener("technical", ({ detail }) => {
  const count = document.querySelector("[data-technical]");
  if (!count) return;
  count.textContent = String(detail.length);
  count.hidden = detail.length === 0;
});
