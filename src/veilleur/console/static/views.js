// The picture of an alert: its redacted still or clip, the clear seconds around it, the camera live.

import { order, picture } from "./ask.js";
import { clock, tick } from "./clock.js";
import { isStale } from "./feed.js";
import { say } from "./texts.js";

const LIVE_MS = 250;
const PLAY_MS = 500;
const AGAIN_MS = 1000;
const MOST = 120;
let current = null;

/** Is something other than the still before the visitor? */
export const looking = () => current !== null && current.mode !== "still";

/** End what runs: nothing is asked for any more. */
export function leave() {
  current?.end();
  current = null;
}

/** Take over the picture of an alert. article: its element. failed(words): tell the visitor. */
export function enter(article, failed) {
  leave();
  current = new View(article, failed);
}

/** mode: "still", "seconds", "live" or "clip". */
export function show(mode) {
  return current?.show(mode);
}

class View {
  constructor(article, failed) {
    this.id = article.dataset.shown;
    this.part = article.querySelector("[data-part=picture]");
    this.screen = this.part.querySelector(".screen");
    this.taken = this.part.querySelector("[data-taken]");
    this.kept = { node: this.part.querySelector("[data-still]"), taken: this.taken.dataset.taken, text: this.taken.textContent };
    this.failed = failed;
    this.mode = "still";
    this.run = 0;
    this.shots = [];
    this.kept.node?.addEventListener("error", () => this.missing());
    this.part.addEventListener("click", (event) => {
      const button = event.target.closest("[data-view]");
      if (button) this.show(button.dataset.view);
      if (event.target.closest("[data-play]")) this.play(!this.playing);
    });
    this.scrub = this.part.querySelector("[data-scrub]");
    this.scrub.addEventListener("input", () => {
      this.play(false);
      this.put(this.shots[Number(this.scrub.value)]);
    });
  }

  end() {
    this.run += 1;
    for (const shot of this.shots) URL.revokeObjectURL(shot.address);
    this.shots = [];
    clearInterval(this.timer);
  }

  missing() {
    this.kept.node.hidden = true;
    const words = this.screen.querySelector(".no-picture");
    if (words) words.hidden = false;
  }

  async show(mode) {
    const button = this.part.querySelector(`[data-view=${mode}]`);
    if (!button || (mode === this.mode && mode === "still")) return;
    const again = mode === this.mode ? "still" : mode;
    this.end();
    this.mode = again;
    for (const one of this.part.querySelectorAll("[data-view]"))
      one.setAttribute("aria-pressed", String(one.dataset.view === again));
    this.part.querySelector(".scrubber").hidden = true;
    this.part.querySelector("[data-view-words]").textContent = say(`view-${again}`);
    this.part.dataset.mode = again;
    try {
      await this[again]();
    } catch (refusal) {
      if (this.mode !== again) return;
      this.failed(refusal.message);
      if (again !== "still") this.show("still");
    }
  }

  // -------------------------------------------------------------- what is on the screen
  element(kind) {
    const made = document.createElement(kind);
    made.className = "aged";
    return made;
  }

  fill(node) {
    this.screen.replaceChildren(node);
    return node;
  }

  put(shot) {
    if (!shot) return;
    const image = this.screen.querySelector("img[data-clear]") ?? this.fill(this.element("img"));
    image.dataset.clear = "";
    image.alt = say(`view-${this.mode}`);
    image.src = shot.address;
    this.time(shot.taken);
  }

  time(taken) {
    this.taken.dataset.taken = taken.toISOString();
    this.taken.textContent = clock(taken);
    tick();
  }

  wait() {
    const words = document.createElement("p");
    words.textContent = say("loading");
    this.fill(words);
  }

  // -------------------------------------------------------------- the four views
  still() {
    if (this.kept.node) this.fill(this.kept.node);
    this.taken.dataset.taken = this.kept.taken;
    this.taken.textContent = this.kept.text;
    tick();
  }

  clip() {
    const film = this.fill(this.element("video"));
    film.controls = film.loop = film.autoplay = film.muted = true;
    film.setAttribute("aria-label", say("view-clip"));
    film.src = `/incidents/${this.id}/clip.mp4`;
    film.addEventListener("error", () => {
      this.failed(say("no-picture"));
      this.show("still");
    });
  }

  async live() {
    const run = this.run;
    this.wait();
    await order(`/api/v1/incidents/${this.id}/live`);
    let address = null;
    while (run === this.run) {
      const began = performance.now();
      if (!isStale()) {
        const shot = await this.ask(run, `/incidents/${this.id}/live.jpg`);
        if (run !== this.run) break;
        if (shot) {
          this.put(shot);
          if (address) URL.revokeObjectURL(address);
          address = shot.address;
        }
      }
      await pause(Math.max(20, LIVE_MS - (performance.now() - began)));
    }
    if (address) URL.revokeObjectURL(address);
  }

  /** A live picture; an answer that fails once is asked for again, a view that is over is not. */
  async ask(run, path) {
    try {
      return shotOf(await picture(path));
    } catch (refusal) {
      if (run !== this.run) return null;
      if (refusal.status === 404 || refusal.status === 403) throw refusal;
      await pause(AGAIN_MS);
      return null;
    }
  }

  async seconds() {
    const run = this.run;
    this.wait();
    await order(`/api/v1/incidents/${this.id}/seconds`);
    this.part.querySelector(".scrubber").hidden = false;
    this.play(true);
    for (let number = 0; number < MOST && run === this.run; number += 1) {
      const shot = shotOf(await picture(`/incidents/${this.id}/seconds/${number}.jpg`));
      if (run !== this.run || shot === null) break;
      this.shots.push(shot);
      this.scrub.max = String(this.shots.length - 1);
      if (number === 0) this.put(shot);
    }
    if (run === this.run && this.shots.length === 0) throw new Error(say("refused", { words: say("cause-gone") }));
  }

  play(on) {
    this.playing = on;
    const button = this.part.querySelector("[data-play]");
    button.textContent = say(on ? "pause" : "play");
    button.setAttribute("aria-pressed", String(on));
    clearInterval(this.timer);
    if (on) this.timer = setInterval(() => this.next(), this.step());
  }

  /** The pace at which it was filmed. */
  step() {
    const [first, last] = [this.shots[0], this.shots.at(-1)];
    return this.shots.length > 4 ? (last.taken - first.taken) / (this.shots.length - 1) : PLAY_MS;
  }

  next() {
    if (!this.shots.length) return;
    const number = (Number(this.scrub.value) + 1) % this.shots.length;
    this.scrub.value = String(number);
    this.put(this.shots[number]);
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const shotOf = (got) => got && { address: URL.createObjectURL(got.blob), taken: got.taken };
