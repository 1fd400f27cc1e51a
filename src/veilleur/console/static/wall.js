// The camera wall: one redacted picture a second, of what is in view.

import { picture, piece } from "./ask.js";
import { clock, serviceNow, tick } from "./clock.js";
import { feed, isStale } from "./feed.js";
import { parse } from "./swap.js";

const EVERY_MS = 1000;
const OLD_MS = 10000;
const wall = document.querySelector("[data-wall]");
const language = document.documentElement.lang;
const states = new Map();
const shown = new Map(); // camera: { address, taken }
const inView = new Set();
const watcher = new IntersectionObserver((changes) => {
  for (const change of changes) {
    if (change.isIntersecting) inView.add(change.target.dataset.camera);
    else inView.delete(change.target.dataset.camera);
  }
});
let renewing = false;

const tile = (camera) => wall.querySelector(`[data-camera="${CSS.escape(camera)}"]`);

function watch() {
  watcher.disconnect();
  inView.clear();
  for (const one of wall.querySelectorAll("[data-camera]")) watcher.observe(one);
}

/** Put the last picture of a camera where it belongs. */
function put(camera) {
  const place = tile(camera);
  const image = place?.querySelector("[data-live-picture]");
  if (!image) return;
  const { address, taken } = shown.get(camera) ?? {};
  image.hidden = !address;
  place.querySelector("[data-no-picture]").hidden = Boolean(address);
  place.classList.toggle("old", Boolean(taken) && serviceNow() - taken > OLD_MS);
  const time = place.querySelector("[data-taken]");
  time.dataset.taken = taken ? taken.toISOString() : "";
  time.textContent = taken ? clock(taken) : "";
  if (address) image.src = address;
}

async function look(camera) {
  let next = null;
  try {
    const got = await picture(`/cameras/${encodeURIComponent(camera)}/picture.jpg`);
    if (got) next = { address: URL.createObjectURL(got.blob), taken: got.taken };
  } catch (refusal) {
    if (refusal.status === 0) return; // no answer: the old picture stays, and its age is told
  }
  const before = shown.get(camera);
  if (next) shown.set(camera, next);
  else shown.delete(camera);
  put(camera);
  if (before) URL.revokeObjectURL(before.address);
}

async function round() {
  const began = performance.now();
  if (!document.hidden && !isStale() && wall.querySelector("[data-live-picture]"))
    await Promise.all([...inView].map(look));
  tick();
  setTimeout(round, Math.max(50, EVERY_MS - (performance.now() - began)));
}

/** The tiles as the service has them; whoever is at a button stays there. */
async function renew() {
  if (renewing) return;
  renewing = true;
  try {
    const html = await piece("/cameras/tiles");
    const active = document.activeElement;
    const camera = wall.contains(active) ? active.closest("[data-camera]")?.dataset.camera : null;
    const at = camera ? [...tile(camera).querySelectorAll("a, button")].indexOf(active) : -1;
    wall.replaceChildren(parse(html));
    for (const one of shown.keys()) put(one);
    if (camera) tile(camera)?.querySelectorAll("a, button")[at]?.focus({ preventScroll: true });
    watch();
    tick();
  } finally {
    renewing = false;
  }
}

feed.addEventListener("cameras", ({ detail }) => {
  const place = tile(detail.id);
  const state = JSON.stringify([detail.condition, detail.cause, detail.refused, detail.key_frames_only, detail.reference]);
  const before = states.get(detail.id);
  states.set(detail.id, state);
  if (before !== undefined && before !== state) renew().catch(() => {});
  if (!place) return;
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  place.querySelector("[data-hz]").textContent = detail.analysed_hz.toLocaleString(language, digits);
  place.querySelector("[data-late]").textContent = String(Math.round((detail.latency_p95_s ?? 0) * 1000));
});
feed.addEventListener("fresh", () => renew().catch(() => {}));

watch();
setTimeout(round, 100);
