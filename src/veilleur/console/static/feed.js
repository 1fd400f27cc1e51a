// What the service tells: one stream for the page, that knows when it is silent.
//
// Events, with what was told in `detail`: "incident" (and its `number`), "cameras", "technical",
// "stops", "pulse";
// "fresh" when the page is up to date again, "stale" when it is not; "over" with the session.

import { session } from "./ask.js";

const SILENT_MS = 4500; // it is said within 5 s (D03), looked at every LOOK_MS
const LOOK_MS = 250;
const AGAIN_MS = 2000;
const TOPICS = ["incident", "canary", "cameras", "technical", "stops", "pulse"];

export const feed = new EventTarget();

let source = null;
let last = null;
let stale = true;
let over = false;
let tried = 0;
let beat = null;
let heard = now();

/** Two clocks: one stops while a computer sleeps, the other may be put right. */
function now() {
  return { wall: Date.now(), steady: performance.now() };
}

const since = (then) => Math.max(Date.now() - then.wall, performance.now() - then.steady);

/** When something was last heard. */
export const heardAt = () => new Date(heard.wall);
export const isStale = () => stale;

/** after: number of the last message that the page knows, null: whatever comes from now on. */
export function listen(after) {
  last = after;
  open();
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
  addEventListener("online", reopen);
}

const address = () => (last === null ? "/feed" : `/feed?after=${last}`);

function open() {
  tried = performance.now();
  source?.close();
  source = new EventSource(address());
  for (const topic of TOPICS) source.addEventListener(topic, hear);
  source.addEventListener("error", refused);
  source.addEventListener("over", ended);
}

/** Rights have changed, the session has ended, or it is another database: what the page shows is
 * no longer true. */
async function ended() {
  source.close();
  await knock();
  if (!over) location.reload();
}

/** A browser that was told no does not ask again by itself. */
function refused(event) {
  if (!over && event.target === source && source.readyState === EventSource.CLOSED) setTimeout(knock, LOOK_MS);
}

function reopen() {
  if (!over) open();
}

function hear(event) {
  if (event.lastEventId) last = Math.max(last ?? 0, Number(event.lastEventId));
  const detail = JSON.parse(event.data);
  if (event.lastEventId) detail.number = Number(event.lastEventId);
  if (event.type === "pulse" && !beats(detail)) return;
  feed.dispatchEvent(new CustomEvent(event.type, { detail }));
}

/** A new pulse is the only sign of life: a service that has none repeats its last one to whoever
 * comes, and may still tell of this and that. */
function beats(detail) {
  if (detail.at === beat) return false;
  beat = detail.at;
  heard = now();
  if (stale) {
    stale = false;
    feed.dispatchEvent(new Event("fresh"));
  }
  return true;
}

function look() {
  if (over || since(heard) < SILENT_MS) return;
  if (!stale) {
    stale = true;
    feed.dispatchEvent(new Event("stale"));
  }
  const stuck = source.readyState !== EventSource.CONNECTING || since(heard) > 4 * SILENT_MS;
  if (stuck && performance.now() - tried > AGAIN_MS) knock();
}

/** Is it the network, or are we not signed in any more? */
async function knock() {
  tried = performance.now();
  const stop = new AbortController();
  try {
    const answer = await fetch(address(), { signal: stop.signal });
    if (answer.status === 401 || answer.status === 403) session.dispatchEvent(new Event("over"));
    else if (answer.ok && !stop.signal.aborted) open();
  } catch {
    return;
  } finally {
    stop.abort();
  }
}

session.addEventListener("over", () => {
  over = true;
  stale = true;
  source?.close();
  feed.dispatchEvent(new Event("over"));
});
