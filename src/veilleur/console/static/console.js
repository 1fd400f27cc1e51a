// What every page has: the stream, the clock, the state of the service, stops.

import { order, piece } from "./ask.js";
import "./clock.js";
import { clock, serviceNow } from "./clock.js";
import "./dialogs.js";
import { feed, heardAt, listen } from "./feed.js";
import { learn } from "./signals.js";
import { sound } from "./sound.js";
import { parse } from "./swap.js";
import { say } from "./texts.js";

const STAY_EVERY_MS = 60000;
const WARN_MS = 120000;
const ACTIVE = "veilleur.active"; // when somebody was last at a page of ours, whichever
const idleMs = Number(document.querySelector("meta[name=idle]").content) * 1000;
const banners = document.querySelector("[data-banners]");
const life = document.querySelector("[data-life]");
const lifeWords = document.querySelector("[data-life-words]");

// ---------------------------------------------------------------- banners
/** One line a matter; null takes it away. link: [address, words]. */
function banner(name, words, link) {
  let line = banners.querySelector(`[data-banner=${name}]`);
  if (words === null) return line?.remove();
  if (!line) {
    line = document.createElement("p");
    line.dataset.banner = name;
    banners.append(line);
  }
  if (line.firstChild?.textContent === words) return undefined;
  line.replaceChildren(words);
  if (link) {
    const way = document.createElement("a");
    [way.href, way.textContent] = link;
    line.append(" ", way);
  }
  return line;
}

function alive(state, words) {
  life.dataset.state = state;
  if (lifeWords.textContent !== words) lifeWords.textContent = words;
}

feed.addEventListener("stale", () => {
  document.body.classList.add("stale");
  banner("stale", say("stale", { time: clock(heardAt()) }));
  alive("stale", say("stale-short"));
});
feed.addEventListener("over", () => {
  document.body.classList.add("stale");
  banner("stale", null);
  document.querySelector("main").replaceChildren();
  banner("over", say("signed-out"), [`/sign-in?next=${encodeURIComponent(location.pathname)}`, say("sign-in")]);
  alive("stale", say("stale-short"));
});
feed.addEventListener("fresh", () => {
  document.body.classList.remove("stale");
  banner("stale", null);
  learn().catch(() => {});
});
let missing = 0; // cameras that are not analysed and should be
feed.addEventListener("technical", ({ detail }) => {
  missing = detail.reduce((sum, alarm) => sum + alarm.cameras.length, 0);
});
feed.addEventListener("pulse", ({ detail }) => {
  const ill = detail.stages.filter((stage) => !stage.well);
  const names = ill.map((stage) =>
    say("stage", { stage: say(`stage-${stage.stage}`), seconds: Math.round(stage.age_s) }));
  const quiet = ill.map((stage) => say(`stage-${stage.stage}`));
  document.body.classList.toggle("ailing", ill.length > 0);
  banner("ailing", ill.length ? say("ailing", { stages: quiet.join(", ") }) : null);
  life.title = names.join(", ");
  if (ill.length) alive("ailing", say("ailing-short"));
  else if (missing) alive("missing", say("missing", { count: missing }));
  else alive("well", say("alive"));
});
sound.addEventListener("state", ({ detail }) => {
  banner("sound", detail === "blocked" ? say("sound-blocked-long") : null);
});

// ---------------------------------------------------------------- stops
let shownStops = null;
feed.addEventListener("stops", async ({ detail }) => {
  const told = JSON.stringify(detail);
  if (told === shownStops) return;
  shownStops = told;
  document.querySelector("[data-stops]").replaceChildren(parse(await piece("/stops")));
});

// ---------------------------------------------------------------- somebody is there
const quietMs = () => Date.now() - Number(localStorage.getItem(ACTIVE) ?? 0);

function stay() {
  if (quietMs() < STAY_EVERY_MS) return;
  localStorage.setItem(ACTIVE, String(Date.now()));
  banner("idle", null);
  order("/stay").catch(() => {});
}

localStorage.setItem(ACTIVE, String(Date.now())); // opening a page is a sign of life, too
for (const sign of ["keydown", "pointerdown", "pointermove"]) addEventListener(sign, stay, { passive: true });
feed.addEventListener("pulse", () => {
  const left = idleMs - quietMs();
  const at = new Date(serviceNow().getTime() + left);
  banner("idle", left < WARN_MS ? say("idle", { time: clock(at) }) : null);
});

// ---------------------------------------------------------------- begin
const rendered = document.querySelector("[data-last]")?.dataset.last;
const newest = await learn().catch(() => null);
listen(rendered === undefined ? newest : Number(rendered));
