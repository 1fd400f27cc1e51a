// Technical alarms as they are now.

import { piece } from "./ask.js";
import { tick } from "./clock.js";
import { feed } from "./feed.js";
import { parse } from "./swap.js";

const place = document.querySelector("[data-technical-part]");
const language = document.documentElement.lang;
let known = null;

async function renew() {
  place.replaceChildren(parse(await piece("/technical/part")));
  tick();
}

feed.addEventListener("technical", ({ detail }) => {
  const told = JSON.stringify(detail);
  if (told !== known) renew().catch(() => {});
  known = told;
});
let illness = null;
feed.addEventListener("pulse", ({ detail }) => {
  const ill = detail.stages.filter((stage) => !stage.well).map((stage) => stage.stage).join();
  if (illness !== null && illness !== ill) renew().catch(() => {});
  illness = ill;
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  for (const stage of detail.stages) {
    const age = place.querySelector(`[data-stage="${stage.stage}"] [data-stage-age]`);
    if (age) age.textContent = stage.age_s.toLocaleString(language, digits);
  }
});
