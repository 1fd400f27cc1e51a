// What is being drawn: as it stands, as it was, as the service judges it, and how it is saved. Both
// drawing pages have one.

import { calmly, clock, comma, say, send, typing } from "./drawing.js";

const CALM_MS = 250;
const MOST_STEPS = 200;
const ONE_STEP_MS = 900;
const said = document.querySelector("[data-said]");
const state = document.querySelector("[data-work]");
const saving = document.querySelector("[data-save]");
const patch = document.querySelector("[data-patch]");
const list = document.querySelector("[data-mistakes]");

/** Words for whoever draws. */
export function tell(words) {
  said.textContent = words;
}

/** Copies of a state, to go back and forth between. */
class Steps {
  #done = [];
  #undone = [];
  #last = { key: "", at: 0 };

  /** Before a change. key: changes of one key in quick succession are one step. */
  mark(state, what, key) {
    const now = performance.now();
    const same = key && key === this.#last.key && now - this.#last.at < ONE_STEP_MS;
    this.#last = { key, at: now };
    if (same) return;
    this.#done.push({ state: JSON.stringify(state), what });
    if (this.#done.length > MOST_STEPS) this.#done.shift();
    this.#undone = [];
  }

  back = (now) => this.#swap(this.#done, this.#undone, now);
  forth = (now) => this.#swap(this.#undone, this.#done, now);

  #swap(from, to, now) {
    this.#last = { key: "", at: 0 };
    const step = from.pop();
    if (!step) return null;
    to.push({ state: JSON.stringify(now), what: step.what });
    return { state: JSON.parse(step.state), what: step.what };
  }
}

export class Work {
  told = null; // as the service gave it
  now = null; // as it stands on the page
  mistakes = [];
  #path;
  #page;
  #saved = "";
  #steps = new Steps();
  #asked = 0;
  #answered = 0; // the number of the last question that was answered
  #waiting = false; // a question is about to be asked
  #ask = calmly(() => this.#question(), CALM_MS);

  /** path: of the interface. page, what differs between the two: first, the state before anything
   * was given; made(told): the state as the service gave it; sent(): what the service is sent of it;
   * render(): show it; judged(answer): what more the service said; settled(): after a step back or
   * forth; cancel(): end a drawing, true where there was one; name(rule), choose(rule): of a rule
   * with a mistake; wish(): what saving is told besides. */
  constructor(path, page) {
    this.#path = path;
    this.#page = page;
    this.now = page.first;
    document.addEventListener("keydown", (event) => this.#press(event));
    saving.addEventListener("submit", (event) => this.#save(event));
    addEventListener("beforeunload", (event) => {
      if (this.dirty) event.preventDefault();
    });
  }

  get dirty() {
    return this.told !== null && JSON.stringify(this.#page.sent()) !== this.#saved;
  }

  /** As the service has it now. */
  async load() {
    const { status, body } = await send(this.#path);
    if (status !== 200) return tell(body?.detail ?? say("no-answer"));
    this.told = body;
    this.now = this.#page.made(body, this.now);
    this.#saved = JSON.stringify(this.#page.sent());
    this.#page.render();
    return this.check();
  }

  // ---------------------------------------------------------------- changes
  /** Every change goes through here. key: quick ones of the same key are one step back. */
  change(what, act, key = "") {
    this.#steps.mark(this.now, say(what), key);
    act();
    this.#page.render();
    this.check();
  }

  undo = () => this.#go(this.#steps.back(this.now), "undone");
  redo = () => this.#go(this.#steps.forth(this.now), "redone");

  #go(step, words) {
    if (!step) return tell(say("nothing-to-undo"));
    this.now = step.state;
    this.#page.settled();
    this.#page.render();
    this.check();
    return tell(say(words, { what: step.what }));
  }

  // ---------------------------------------------------------------- what is wrong with it
  check() {
    this.#waiting = true;
    this.renderState();
    this.#ask();
  }

  async #question() {
    this.#waiting = false;
    this.#asked += 1;
    const number = this.#asked;
    const { status, body } = await send(`${this.#path}/check`, this.#page.sent());
    if (number !== this.#asked || status !== 200) return;
    this.#answered = number;
    this.mistakes = body.mistakes;
    this.#page.judged(body);
    this.#listMistakes(this.mistakes);
    this.#page.render();
  }

  #listMistakes(mistakes) {
    list.hidden = !mistakes.length;
    list.querySelector("ul").replaceChildren(...mistakes.map((mistake) => this.#line(mistake)));
  }

  #line(mistake) {
    const line = document.createElement("li");
    const who = mistake.rule === null ? "" : this.#page.name(mistake.rule);
    if (who) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = who;
      button.addEventListener("click", () => this.#page.choose(mistake.rule));
      line.append(button, " ");
    }
    const where = mistake.where ? `${mistake.where}${comma ? "\u00a0: " : ": "}` : "";
    line.append(where + mistake.message + (mistake.remedy ? ` (${mistake.remedy})` : ""));
    return line;
  }

  renderState() {
    const parts = [this.dirty ? say("changed") : ""];
    const count = this.mistakes.length;
    if (count) parts.push(count === 1 ? say("one-mistake") : say("mistakes", { count }));
    else if (this.dirty && this.#answered === this.#asked && !this.#waiting) parts.push(say("fine"));
    const words = parts.filter(Boolean).join(" ");
    if (state.textContent !== words) state.textContent = words;
    state.classList.toggle("bad", count > 0);
  }

  // ---------------------------------------------------------------- keys and saving
  #press(event) {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && this.#page.cancel()) event.preventDefault();
    if (!(event.ctrlKey || event.metaKey) || typing(event.target)) return;
    const name = event.key.toLowerCase();
    if (name === "z" && !event.shiftKey) this.undo();
    else if (name === "y" || name === "z") this.redo();
    else return;
    event.preventDefault();
  }

  async #save(event) {
    event.preventDefault();
    const { reason } = event.target.elements;
    const wish = this.#page.wish();
    const sent = { ...this.#page.sent(), ...wish, reason: reason.value, state: this.told.state };
    const answer = await send(this.#path, sent);
    if (answer.body?.mistakes?.length) {
      this.mistakes = answer.body.mistakes;
      this.#listMistakes(this.mistakes);
    }
    if (tellSaved(answer)) {
      reason.value = "";
      await this.load();
    } else this.#page.render();
  }
}

/** What saving led to, in words; true where it is done. */
function tellSaved({ status, body }) {
  patch.hidden = true;
  if (status === 200) {
    tell(body.patch ? say("saved", { time: clock(body.at) }) : say("same"));
    return true;
  }
  const cause = body?.cause;
  if (cause === "moved") tell(say("cause-moved"));
  else if (cause === "unfit") tell(say("unfit"));
  else if (cause === "read_only") {
    tell(say("read-only"));
    patch.textContent = body.patch;
    patch.hidden = false;
  } else if (body?.mistakes) tell(say("wrong", { count: body.mistakes.length }));
  else if (status === 401 || status === 403) tell(say("signed-out"));
  else tell(body?.detail ?? say("no-answer"));
  return false;
}
