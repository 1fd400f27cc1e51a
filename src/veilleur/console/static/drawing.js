// What both drawing pages share: words, numbers, fields, sending.

import { clock as siteClock } from "./clock.js";

const csrf = document.querySelector("meta[name=csrf]").content;
const words = new Map();
for (const one of document.querySelector("#words").content.querySelectorAll("[data-key]"))
  words.set(one.dataset.key, one.textContent);
export const comma = document.documentElement.lang === "fr";

/** A text of the page, its {braces} filled in. */
export function say(key, values = {}) {
  if (!words.has(key)) throw new Error(`no text: ${key}`);
  return words.get(key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** A number as it is shown, with the decimal mark of the language. */
export function shown(value, digits = 2) {
  const text = String(Number(Number(value).toFixed(digits)));
  return comma ? text.replace(".", ",") : text;
}

/** What was typed, as a number; null for nothing; the text itself where it is none. */
export function typed(text) {
  const trimmed = text.trim();
  if (!trimmed) return null;
  const number = Number(trimmed.replace(",", "."));
  return Number.isFinite(number) ? number : trimmed;
}

export const percent = (share) => shown(share * 100);
/** A time as the site has it. */
export const clock = (at) => siteClock(new Date(at));

/** Ask or order something. status 0: no answer came. */
export async function send(path, body) {
  const options = { headers: { "x-csrf-token": csrf } };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(15000) });
    const kind = answer.headers.get("content-type") ?? "";
    return { status: answer.status, body: kind.includes("json") ? await answer.json() : null };
  } catch {
    return { status: 0, body: null };
  }
}

/** Call it as often as one likes; it runs once, when there was peace for so many ms. */
export function calmly(run, ms) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(run, ms);
  };
}

/** Clone a <template>. */
export const made = (id) => document.querySelector(`#${id}`).content.firstElementChild.cloneNode(true);

export const typing = (element) =>
  element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement ||
  (element instanceof HTMLInputElement && element.type !== "radio");

/** Set a field's text where nobody is typing in it. */
export function fill(field, text) {
  if (field !== document.activeElement && field.value !== text) field.value = text;
}
