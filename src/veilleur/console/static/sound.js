// The sound of alerts: by priority, until somebody takes them. It never fails in silence: a browser
// that blocks it, and a mute with its end, stand at the top of the page.

import { clock } from "./clock.js";
import { key } from "./keys.js";
import { say } from "./texts.js";

const MUTED = "veilleur.muted-until";
const EVERY_MS = { high: 4000, medium: 10000, low: 30000 };
const NOTES = { high: [880, 1175, 880], medium: [740, 740], low: [587] };
const NOTE_S = 0.16;
const VOLUME = 0.25;
const LOUDER = 0.6;

const button = document.querySelector("[data-sound]");
const dialog = document.querySelector("#sound");
let context = null;
let level = null;
let louder = false;
let next = 0;
let said = "";

/** Told with each change: is the sound blocked? */
export const sound = new EventTarget();

const mutedUntil = () => Number(localStorage.getItem(MUTED) ?? 0);
const muted = () => mutedUntil() > Date.now();
export const blocked = () => context !== null && context.state !== "running";

/** level: of the most urgent alert that nobody has taken, null: none. escalated: one of them has
 * waited for too long. */
export function urgent(wanted, { now = false, escalated = false } = {}) {
  level = wanted;
  louder = escalated;
  if (now) next = 0;
  beat();
}

/** Called often, by messages of the service too: timers sleep in tabs that nobody looks at. */
export function beat() {
  if (!button) return;
  show();
  if (level === null || muted() || blocked() || performance.now() < next) return;
  next = performance.now() + EVERY_MS[level] / (louder ? 2 : 1);
  play(level);
}

function play(which) {
  NOTES[which].forEach((pitch, place) => {
    const start = context.currentTime + place * NOTE_S * 1.25;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = which === "high" ? "triangle" : "sine";
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(louder ? LOUDER : VOLUME, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + NOTE_S);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + NOTE_S);
  });
  document.documentElement.dataset.sounded = String(Number(document.documentElement.dataset.sounded ?? 0) + 1);
}

function state() {
  if (muted()) return ["muted", say("sound-muted", { time: clock(new Date(mutedUntil())).slice(0, 5) })];
  return blocked() ? ["blocked", say("sound-blocked")] : ["on", say("sound-on")];
}

function show() {
  const [is, words] = state();
  if (said === words) return;
  said = words;
  button.dataset.state = is;
  button.querySelector("[data-sound-words]").textContent = words;
  dialog.querySelector("[data-sound-state]").textContent = words;
  sound.dispatchEvent(new CustomEvent("state", { detail: is }));
}

async function unblock() {
  if (!blocked()) return;
  await context.resume();
  beat();
}

function openDialog() {
  dialog.showModal();
  dialog.querySelector("input").focus();
  return true;
}

if (button) {
  context = new AudioContext();
  context.addEventListener("statechange", beat);
  for (const sign of ["keydown", "pointerdown"]) addEventListener(sign, unblock, true);
  button.addEventListener("click", openDialog);
  key("m", openDialog);
  dialog.querySelector("form").addEventListener("submit", (event) => {
    const minutes = Number(event.target.elements.minutes.value);
    localStorage.setItem(MUTED, String(Date.now() + minutes * 60000));
    show();
  });
  dialog.querySelector("[data-unmute]").addEventListener("click", () => {
    localStorage.removeItem(MUTED);
    dialog.close();
    beat();
  });
  dialog.querySelector("[data-try]").addEventListener("click", () => play("medium"));
  addEventListener("storage", show);
  setInterval(beat, 1000);
  setTimeout(show, 300); // a browser needs a moment to say whether it blocks
}
