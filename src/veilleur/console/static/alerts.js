// The queue and the alert that is open: always as the service has them, all of it by keyboard.

import { Refusal, order, piece } from "./ask.js";
import { tick } from "./clock.js";
import { feed, isStale } from "./feed.js";
import { key, typing } from "./keys.js";
import { parse } from "./swap.js";
import { enter, leave, looking, show } from "./views.js";

const GATHER_MS = 150;
const LONGEST_PAUSE_MS = 2000; // a question that hung in a cut says nothing of the service
const TOUCH_EVERY_MS = 20000;
const COUNT_EVERY_MS = 4000;
const SETTLED_MS = 700; // what is over by our clock is over by the service's, too
const queue = document.querySelector("[data-queue]");
const section = document.querySelector("[data-alert]");
const server = new Map(); // what the service last said of each part of the open alert
const asked = new Map(); // how often each piece was asked for, and which answer is shown
let queued = null;
let acting = 0; // orders of ours that are on their way
let touched = 0;

const article = () => section.querySelector("article");
const openId = () => article()?.dataset.shown ?? null;
const rows = () => [...queue.querySelectorAll("a[data-incident]")];

// ---------------------------------------------------------------- the queue
async function loadQueue() {
  const newest = inOrder("queue");
  const html = await piece("/queue");
  if (html === queued || !newest()) return;
  queued = html;
  const focused = queue.contains(document.activeElement) ? document.activeElement.dataset.incident : null;
  const scrolled = queue.scrollTop;
  queue.replaceChildren(parse(html));
  queue.scrollTop = scrolled;
  if (focused) (rows().find((row) => row.dataset.incident === focused) ?? queue).focus({ preventScroll: true });
  current();
  tick();
}

function current() {
  const id = openId();
  for (const row of rows()) {
    if (row.dataset.incident === id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function move(step) {
  const all = rows();
  if (!all.length) return undefined;
  const from = all.findIndex((row) => row === document.activeElement);
  const at = from >= 0 ? from + step : step > 0 ? openRow(all) + 1 : openRow(all) - 1;
  all[Math.min(Math.max(at, 0), all.length - 1)].focus();
  return true;
}

/** A question is asked: was none that was asked later answered before it? */
function inOrder(what) {
  const known = asked.get(what) ?? { asked: 0, shown: 0 };
  asked.set(what, known);
  known.asked += 1;
  const number = known.asked;
  return () => {
    const newest = number > known.shown;
    if (newest) known.shown = number;
    return newest;
  };
}

const openRow = (all) => all.findIndex((row) => row.dataset.incident === openId());

// ---------------------------------------------------------------- the open alert
async function open(id, { push = true, focus = true } = {}) {
  const html = await piece(`/incidents/${id}/part`);
  leave();
  section.replaceChildren(parse(html));
  remember();
  if (push) history.pushState({ id }, "", `/incidents/${id}`);
  current();
  if (focus) section.querySelector("h2").focus({ preventScroll: true });
  section.scrollTop = 0;
}

/** A new alert stands in the page. */
function remember() {
  server.clear();
  if (!article()) return;
  for (const part of article().querySelectorAll("[data-part]")) server.set(part.dataset.part, part.outerHTML);
  enter(article(), refuse);
  tick();
}

/** Its parts as they are now; what somebody types in, or looks at, stays. While an order of ours is
 * on its way, its own answer is shown and no other: else our verdict would look like another's. */
async function refresh({ force = false } = {}) {
  const id = openId();
  if (!id || (acting && !force)) return;
  const newest = inOrder("alert");
  const fresh = parse(await piece(`/incidents/${id}/part`)).querySelector("article");
  const old = article();
  if (openId() !== id || !fresh || (acting && !force) || !newest()) return;
  Object.assign(old.dataset, fresh.dataset);
  if (fresh.dataset.decided === "true" && looking()) show("still");
  for (const part of fresh.querySelectorAll("[data-part]")) renew(old, part, force);
  tick();
}

function renew(old, part, force) {
  const name = part.dataset.part;
  const html = part.outerHTML;
  if (server.get(name) === html) return;
  const stands = old.querySelector(`[data-part=${name}]`);
  if (name === "picture" && looking()) return;
  if (name === "deeds" && !force && opened()) {
    if (old.dataset.mine !== "true") lock(stands, part);
    return;
  }
  server.set(name, html);
  const focused = stands.contains(document.activeElement);
  stands.replaceWith(part);
  if (name === "picture") enter(old, refuse);
  if (focused) (part.querySelector("button:not([hidden]):not(:disabled)") ?? section.querySelector("h2")).focus();
}

/** Somebody else has it, or has decided: what was being typed stays readable, and can't be sent. */
function lock(stands, part) {
  for (const set of stands.querySelectorAll("fieldset")) set.disabled = true;
  for (const button of stands.querySelectorAll("[data-opens], [data-do]")) button.disabled = true;
  const words = part.querySelector(".locked")?.textContent ?? article().querySelector("[data-part=heading] .state").textContent;
  refuse(words);
}

function refuse(words) {
  const said = section.querySelector("[data-refusal]");
  if (!said) return;
  said.textContent = words ?? "";
  said.hidden = !words;
}

// ---------------------------------------------------------------- what people do
async function act(verb, body) {
  const id = openId();
  refuse(null);
  acting += 1;
  try {
    await order(`/api/v1/incidents/${id}/${verb}`, body);
    await Promise.all([refresh({ force: true }), loadQueue()]).catch(() => {});
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.status === 409) await refresh({ force: true }).catch(() => {});
    refuse(refusal.message);
    return false;
  } finally {
    acting -= 1;
    alertChanged();
  }
}

async function take() {
  if (await act("take")) section.querySelector("[data-opens=confirm]")?.focus();
}

async function release() {
  if (await act("release")) onward();
}

/** After a verdict the next one that waits is at hand; Enter opens it. */
function onward() {
  const next = rows().find((row) => row.dataset.state === "open" && row.dataset.incident !== openId());
  (next ?? section.querySelector("h2"))?.focus();
}

const form = (kind) => section.querySelector(`[data-form=${kind}]`);
const opened = () => section.querySelector("[data-form]:not([hidden])");

function openForm(kind) {
  const wanted = form(kind);
  const button = section.querySelector(`[data-opens=${kind}]`);
  if (!wanted || wanted.disabled || button.disabled) return undefined;
  shut({ focus: false });
  wanted.hidden = false;
  button.setAttribute("aria-expanded", "true");
  (wanted.querySelector("input:checked") ?? wanted.querySelector("input")).focus();
  wanted.scrollIntoView({ block: "nearest" });
  return true;
}

function shut({ focus = true } = {}) {
  const was = opened();
  if (!was) return undefined;
  was.hidden = true;
  const button = section.querySelector(`[data-opens=${was.dataset.form}]`);
  button.setAttribute("aria-expanded", "false");
  if (focus) {
    button.focus();
    refresh({ force: true }).catch(() => {});
  }
  return true;
}

function choose(event) {
  const choice = opened()?.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
  if (!choice || opened().disabled) return undefined;
  choice.checked = true;
  choice.focus();
  touch();
  return true;
}

function body(kind, fields) {
  if (kind === "hand-over") return ["hand-over", { to: fields.get("to") }];
  const note = fields.get("note") ?? "";
  if (kind === "follow-up") return ["follow-up", { outcome: fields.get("outcome"), note }];
  return ["decide", { confirmed: kind === "confirm", reason: fields.get("reason"), note }];
}

async function submit(event) {
  event.preventDefault();
  const set = event.target.querySelector("[data-form]");
  const [verb, sent] = body(set.dataset.form, new FormData(event.target));
  set.disabled = true;
  const done = await act(verb, sent);
  set.disabled = false;
  if (done && verb !== "follow-up") onward();
}

/** Whoever has the alert is at it: it does not go back to the queue meanwhile. */
function touch() {
  if (article()?.dataset.mine !== "true" || performance.now() - touched < TOUCH_EVERY_MS) return;
  touched = performance.now();
  order(`/incidents/${openId()}/touch`).catch(() => {});
}

// ---------------------------------------------------------------- keys and clicks
const verbs = { take, release };

section.addEventListener("submit", submit);
section.addEventListener("input", touch);
section.addEventListener("click", (event) => {
  touch();
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) verbs[button.dataset.do]();
  else if (button.dataset.opens) button.getAttribute("aria-expanded") === "true" ? shut() : openForm(button.dataset.opens);
  else if ("shut" in button.dataset) shut();
});
document.addEventListener("click", (event) => {
  const row = event.target.closest("a[data-incident]");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(row.dataset.incident).catch((refusal) => refuse(refusal.message));
});
addEventListener("popstate", () => {
  const id = location.pathname.match(/^\/incidents\/([0-9a-f-]{36})$/)?.[1];
  if (id) open(id, { push: false }).catch(() => {});
  else {
    leave();
    section.replaceChildren(document.querySelector("#nothing").content.cloneNode(true));
    current();
  }
});

const can = (name) => section.querySelector(`[data-do=${name}]:not(:disabled)`);
key("j", () => move(1));
key("k", () => move(-1));
key("ArrowDown", (event) => (event.target instanceof HTMLInputElement ? undefined : move(1)));
key("ArrowUp", (event) => (event.target instanceof HTMLInputElement ? undefined : move(-1)));
key("t", () => (can("take") ? (take(), true) : undefined));
key("r", () => (can("release") ? (release(), true) : undefined));
key("c", () => openForm("confirm"));
key("d", () => openForm("dismiss"));
key("h", () => openForm("hand-over"));
key("f", () => openForm("follow-up"));
key("n", () => opened()?.querySelector("[name=note]")?.focus() ?? true);
key("s", () => (show("seconds"), true));
key("l", () => (show("live"), true));
key("Escape", (event) => (typing(event.target) ? (event.target.blur(), opened()?.querySelector("input:checked, input")?.focus(), true) : shut()));
for (let digit = 1; digit <= 9; digit += 1) key(String(digit), choose);

// ---------------------------------------------------------------- news
/** At most one question at a time, and the more slowly the service answers, the fewer. */
function gathered(work) {
  let wanted = false;
  let busy = false;
  async function run() {
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      const began = performance.now();
      await work().catch(() => {});
      const slow = Math.min(LONGEST_PAUSE_MS, 2 * (performance.now() - began));
      await new Promise((done) => setTimeout(done, Math.max(GATHER_MS, slow)));
    }
    busy = false;
  }
  return () => {
    if (wanted) return;
    wanted = true;
    setTimeout(run, GATHER_MS);
  };
}

const queueChanged = gathered(loadQueue);
const alertChanged = gathered(refresh);
feed.addEventListener("incident", ({ detail }) => {
  queueChanged();
  if (detail.id === openId() || detail.camera === article()?.dataset.camera) alertChanged();
});
const counting = document.querySelector("[data-counting]");
let counted = null;

async function loadCounting() {
  const html = await piece("/counting");
  if (html === counted) return;
  counted = html;
  counting.replaceChildren(parse(html));
  tick();
}

const countingChanged = gathered(loadCounting);
setInterval(() => {
  if (document.hidden || isStale()) return;
  if (counting.dataset.counts !== undefined) countingChanged();
  if (article()?.dataset.lasting !== undefined) alertChanged();
}, COUNT_EVERY_MS);
counting.addEventListener("passed", () => setTimeout(countingChanged, SETTLED_MS));
section.addEventListener("passed", () => setTimeout(alertChanged, SETTLED_MS));
feed.addEventListener("fresh", () => { // at once: a question from before the cut may still hang
  loadQueue().catch(queueChanged);
  refresh().catch(alertChanged);
});

remember();
current();
