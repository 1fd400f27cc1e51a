// What both drawing pages share: words, numbers, sending, steps back and forth.

const csrf = document.querySelector("meta[name=csrf]").content;
const words = new Map();
for (const one of document.querySelector("#words").content.querySelectorAll("[data-key]"))
  words.set(one.dataset.key, one.textContent);
const comma = document.documentElement.lang === "fr";

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
export const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang);

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

/** Copies of a state, to go back to and forth. */
export class Steps {
  #done = [];
  #undone = [];
  #last = { key: "", at: 0 };

  /** Before a change. key: changes of one key in quick succession are one step. */
  mark(state, what, key = "") {
    const now = performance.now();
    const same = key && key === this.#last.key && now - this.#last.at < 900;
    this.#last = { key, at: now };
    if (same) return;
    this.#done.push({ state: JSON.stringify(state), what });
    if (this.#done.length > 200) this.#done.shift();
    this.#undone = [];
  }

  back = (now) => this.#swap(this.#done, this.#undone, now);
  forth = (now) => this.#swap(this.#undone, this.#done, now);

  get canBack() { return this.#done.length > 0; }
  get canForth() { return this.#undone.length > 0; }

  #swap(from, to, now) {
    this.#last = { key: "", at: 0 };
    const step = from.pop();
    if (!step) return null;
    to.push({ state: JSON.stringify(now), what: step.what });
    return { state: JSON.parse(step.state), what: step.what };
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

/** Mistakes as a list; choose(rule) is called where one is picked. */
export function listMistakes(mistakes, name, choose) {
  const box = document.querySelector("[data-mistakes]");
  box.hidden = !mistakes.length;
  box.querySelector("ul").replaceChildren(...mistakes.map((mistake) => {
    const line = document.createElement("li");
    const who = mistake.rule === null ? "" : name(mistake.rule);
    if (who) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = who;
      button.addEventListener("click", () => choose(mistake.rule));
      line.append(button, " ");
    }
    const where = mistake.where ? `${mistake.where}${comma ? "\u00a0: " : ": "}` : "";
    line.append(where + mistake.message + (mistake.remedy ? ` (${mistake.remedy})` : ""));
    return line;
  }));
}

/** What saving led to, in words; true where it is done. */
export function tellSaved({ status, body }, said, patch) {
  patch.hidden = true;
  if (status === 200) {
    said.textContent = body.patch ? say("saved", { time: clock(body.at) }) : say("same");
    return true;
  }
  const cause = body?.cause;
  if (cause === "moved") said.textContent = say("cause-moved");
  else if (cause === "read_only") {
    said.textContent = say("read-only");
    patch.textContent = body.patch;
    patch.hidden = false;
  } else if (body?.mistakes) said.textContent = say("wrong", { count: body.mistakes.length });
  else if (status === 401 || status === 403) said.textContent = say("signed-out");
  else said.textContent = body?.detail ?? say("no-answer");
  return false;
}
