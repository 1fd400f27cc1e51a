// Which events this camera can serve: asked again and again while the page is open, since people have
// to be seen on it first.

import { made, say, send } from "./drawing.js";

const EVERY_MS = 5000;
const FIRST_MS = 1200;
const MARKS = { yes: "✓", limited: "!", "not known": "?", no: "✗" };
const KEYS = { yes: "fit-count", limited: "limited-count", "not known": "not-known-count", no: "unfit-count" };
const list = document.querySelector("[data-served]");
const seen = document.querySelector("[data-seen]");
const counts = document.querySelector("[data-counts]");
const here = document.querySelector("[data-fitness]");
const despite = document.querySelector("[data-despite]");

export class Fitness {
  #path;
  #events = []; // as the service gave them
  #shown = ""; // what the list was made of
  #refused = false;

  constructor(camera) {
    this.#path = `/api/v1/cameras/${encodeURIComponent(camera)}/fitness`;
  }

  /** changed(): what is known is another. */
  async watch(changed) {
    const answer = document.hidden ? null : await send(this.#path);
    if (answer?.status === 200) {
      this.#take(answer.body);
      changed();
    }
    const soon = answer?.body?.pictures < 3;
    setTimeout(() => this.watch(changed), soon ? FIRST_MS : EVERY_MS);
  }

  /** Which of the rules on the page can't be served. */
  told(unfit) {
    this.#refused = unfit.some((one) => one.refused);
    despite.hidden = !this.#refused;
    if (!this.#refused) despite.querySelector("input").checked = false;
  }

  wish() {
    return { despite: this.#refused && despite.querySelector("input").checked };
  }

  isUnfit(event) {
    return this.#of(event)?.fit === "no";
  }

  #of = (event) => this.#events.find((one) => one.event === event);

  #take({ events, pictures, people }) {
    this.#events = events;
    const words = pictures ? say("seen", { pictures, people }) : say("seen-none");
    if (seen.textContent !== words) seen.textContent = words;
    const told = JSON.stringify(events);
    if (told === this.#shown) return;
    this.#shown = told;
    list.replaceChildren(...events.map((one) => row(one, one.words)));
    counts.textContent = this.#counted((count, fit) => `${MARKS[fit]} ${count}`);
    counts.setAttribute("aria-label", this.#counted((count, fit) => say(KEYS[fit], { count })));
  }

  #counted(words) {
    return Object.keys(MARKS)
      .map((fit) => [this.#events.filter((one) => one.fit === fit).length, fit])
      .filter(([count]) => count)
      .map(([count, fit]) => words(count, fit))
      .join("   ");
  }

  /** Beside the rule that is open: what is to be said of its event. */
  render(event) {
    const one = this.#of(event);
    here.hidden = !one || one.fit === "yes";
    if (here.hidden) return;
    const made = row(one, one.fit_words);
    if (here.firstElementChild?.outerHTML !== made.outerHTML) here.replaceChildren(made);
  }
}

function row(one, words) {
  const line = made("served");
  const mark = line.querySelector(".fit");
  line.dataset.fit = one.fit;
  mark.textContent = MARKS[one.fit];
  mark.title = one.fit_words;
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", one.fit_words);
  line.querySelector("strong").textContent = words;
  const reasons = one.findings.map(({ reason, remedy }) => said(reason, remedy));
  line.querySelector("ul").replaceChildren(...(reasons.length ? reasons : [said(one.well, "")]));
  return line;
}

function said(reason, remedy) {
  const line = document.createElement("li");
  line.textContent = reason;
  if (remedy) {
    const next = document.createElement("small");
    next.textContent = remedy;
    line.append(" ", next);
  }
  return line;
}
