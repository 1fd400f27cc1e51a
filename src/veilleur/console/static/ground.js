// Calibration: points of the ground and their metres, or known lengths; how wrong they are is drawn.

import {
  Steps, calmly, fill, listMistakes, made, percent, say, send, shown, tellSaved, typed, typing,
} from "./drawing.js";
import { Plate, stepOf } from "./plate.js";

const camera = document.querySelector("[data-editor]").dataset.camera;
const path = `/api/v1/cameras/${encodeURIComponent(camera)}/ground`;
const form = document.querySelector("[data-form]");
const said = document.querySelector("[data-said]");
const state = document.querySelector("[data-work]");
const tables = { points: form.querySelector("[data-points]"), lengths: form.querySelector("[data-lengths]") };

const steps = new Steps();
let told = null;
let now = { kind: "none", points: [], lengths: [] };
let saved = "";
let marking = null; // { cross, first }
let seen = { mistakes: [], points: [], grid: [], people: [], level: "none", error_m: null, step_m: 0 };
let asked = 0;
let waiting = false; // a question is about to be asked
let answered = 0; // the number of the last question that was answered

const whole = (point) => point.metres.every((one) => typeof one === "number");
const wholeLength = (one) => typeof one.metres === "number";
const wanted = () => JSON.stringify(ground());
const dirty = () => wanted() !== saved;

/** As the site file has it. What has no metres yet is left out. */
function ground() {
  if (now.kind === "none") return null;
  if (now.kind === "file") return told.ground;
  if (now.kind === "lengths") return { lengths: now.lengths.filter(wholeLength) };
  const points = now.points.filter(whole);
  return { image: points.map((point) => point.at), metres: points.map((point) => point.metres) };
}

// ---------------------------------------------------------------- changes
function change(what, act, key = "") {
  steps.mark(now, say(what), key);
  act();
  render();
  check();
}

function go(step, words) {
  if (!step) return tell(say("nothing-to-undo"));
  now = step.state;
  render();
  check();
  return tell(say(words, { what: step.what }));
}

const undo = () => go(steps.back(now), "undone");
const redo = () => go(steps.forth(now), "redone");

function tell(words) {
  said.textContent = words;
}

const ask = calmly(async () => {
  waiting = false;
  const number = ++asked;
  const { status, body } = await send(`${path}/check`, { ground: ground() });
  if (number !== asked || status !== 200) return;
  answered = number;
  seen = body;
  listMistakes(now.kind === "none" ? seen.mistakes.filter((one) => one.rule !== null) : seen.mistakes, () => "", () => {});
  render();
}, 300);

function check() {
  waiting = true;
  renderState();
  ask();
}

const rounded = (at) => at.map((share) => Number(share.toFixed(4)));

// ---------------------------------------------------------------- marking
function startMarking() {
  marking = { cross: [0.5, 0.7], first: null };
  plate.svg.focus();
  tell(say("marking"));
  render();
}

function stopMarking() {
  marking = null;
  tell(say("cancelled"));
  render();
}

function mark(at) {
  marking.cross = at;
  if (now.kind === "lengths" && !marking.first) {
    marking.first = at;
    tell(say("set", { number: "A", x: percent(at[0]), y: percent(at[1]) }));
    return render();
  }
  const { first } = marking;
  marking.first = null;
  change("act-insert", () => {
    if (now.kind === "lengths") now.lengths.push({ a: rounded(first), b: rounded(at), metres: null });
    else now.points.push({ at: rounded(at), metres: [null, null] });
  });
  const table = tables[now.kind];
  const row = table.tBodies[0].lastElementChild;
  tell(say("set", { number: now[now.kind].length, x: percent(at[0]), y: percent(at[1]) }));
  return row?.querySelector("[data-metres]").scrollIntoView({ block: "nearest" });
}

function pressMarking(event) {
  const step = stepOf(event);
  if (step) {
    marking.cross = plate.moved(marking.cross, step);
    tell(say("cross", { x: percent(marking.cross[0]), y: percent(marking.cross[1]) }));
    render();
  } else if (event.key === " " || event.key === "Insert") mark(marking.cross);
  else if (event.key === "Enter") {
    const rows = tables[now.kind].tBodies[0];
    stopMarking();
    [...rows.querySelectorAll("[data-metres]")].find((input) => !input.value)?.focus();
  } else return false;
  return true;
}

// ---------------------------------------------------------------- the picture
function moveTo(key, to, how) {
  const [kind, index, end] = key.split("-");
  const act = kind === "point"
    ? () => { now.points[index].at = rounded(to); }
    : () => { now.lengths[index][end] = rounded(to); };
  change("act-move", act, `${key}-${how}`);
}

const at = (key) => {
  const [kind, index, end] = key.split("-");
  return kind === "point" ? now.points[index].at : now.lengths[index][end];
};

function remove(index) {
  change("act-delete", () => now[now.kind].splice(index, 1));
}

const plate = new Plate(document.querySelector("[data-plate]"), 16 / 9, {
  grab: (key) => key,
  move: (key, to) => moveTo(key, to, "drag"),
  drop() {},
  point(to, event) {
    if (!marking) return;
    event.preventDefault();
    plate.svg.focus();
    mark(to);
  },
  press(key, event) {
    if (marking) return pressMarking(event);
    if (key === null) return false;
    const step = stepOf(event);
    if (step) moveTo(key, plate.moved(at(key), step), "key");
    else if (event.key === "Delete") remove(Number(key.split("-")[1]));
    else return false;
    const words = document.activeElement?.getAttribute("aria-label");
    if (step && words) tell(words.split(/(?<=%[^.]*)\. /)[0]);
    return true;
  },
}, () => told && render());

function renderPlate() {
  plate.begin();
  const { grid, people, errors } = form.elements;
  if (grid.checked) for (const line of seen.grid) plate.path(line, "grid");
  if (people.checked) for (const [foot, head] of seen.people) plate.line(plate.px(foot), plate.px(head), "person");
  if (now.kind === "lengths") for (const one of now.lengths) plate.line(plate.px(one.a), plate.px(one.b), "length");
  if (errors.checked && now.kind === "points") now.points.filter(whole).forEach((point, index) => {
    const to = seen.points[index]?.seen;
    if (to) plate.line(plate.px(point.at), plate.px(to), "error");
  });
  if (marking?.first) plate.line(plate.px(marking.first), plate.px(marking.cross), "length");
  if (marking) plate.cross(marking.cross);
  plate.setHandles(handles());
  plate.root.classList.toggle("drawing", marking !== null);
}

function handles() {
  if (now.kind === "points") return now.points.map((point, index) => ({
    key: `point-${index}`,
    at: point.at,
    mark: String(index + 1),
    look: whole(point) ? "" : "wanting",
    label: say("point", { number: index + 1, x: percent(point.at[0]), y: percent(point.at[1]) }),
  }));
  if (now.kind !== "lengths") return [];
  return now.lengths.flatMap((one, index) => ["a", "b"].map((end) => ({
    key: `length-${index}-${end}`,
    at: one[end],
    mark: `${index + 1}${end.toUpperCase()}`,
    look: wholeLength(one) ? "" : "wanting",
    label: say("end", { end: end.toUpperCase(), number: index + 1, x: percent(one[end][0]), y: percent(one[end][1]) }),
  })));
}

// ---------------------------------------------------------------- lists and the verdict
function renderTable(kind, template, describe) {
  const table = tables[kind];
  table.hidden = now.kind !== kind || !now[kind].length;
  if (now.kind !== kind) return;
  const body = table.tBodies[0];
  while (body.childElementCount > now[kind].length) body.lastElementChild.remove();
  while (body.childElementCount < now[kind].length) body.append(made(template));
  const ready = kind === "points" ? whole : wholeLength;
  let checked = 0;
  now[kind].forEach((one, index) => {
    const row = body.children[index];
    row.querySelector("th").textContent = String(index + 1);
    for (const input of row.querySelectorAll("input")) describe(input, one, index + 1);
    row.querySelector("[data-do=delete]").setAttribute("aria-label", say("delete", { number: index + 1 }));
    const error = ready(one) ? seen.points[checked++]?.error_m : undefined;
    const words = ready(one) ? say("unknown-point") : say("wanting");
    row.querySelector(".error").textContent = typeof error === "number" ? say("metres", { metres: shown(error) }) : words;
  });
}

function pointInput(input, point, number) {
  const { axis, metres } = input.dataset;
  if (axis) fill(input, percent(point.at[axis]));
  else fill(input, metre(point.metres[metres]));
  input.setAttribute("aria-label", say(axis ? `axis-${axis}` : `metres-${metres}`, { number }));
}

function lengthInput(input, one, number) {
  const { axis, end } = input.dataset;
  if (axis) fill(input, percent(one[end][axis]));
  else fill(input, metre(one.metres));
  input.setAttribute("aria-label", say(axis ? `${end}-${axis}` : "long", { number }));
}

const metre = (value) => (typeof value === "number" ? shown(value, 3) : value ?? "");

function renderVerdict() {
  const box = document.querySelector("[data-verdict]");
  const wrong = now.kind !== "none" && seen.level === "none";
  const level = wrong ? "wrong" : seen.level;
  const more = [say(`level-${level}-more`)];
  if (seen.step_m && level !== "wrong") more.push(say("step", { metres: shown(seen.step_m) }));
  box.dataset.level = level;
  const [head, rest] = [say(`level-${level}`, { metres: shown(seen.error_m ?? 0) }), more.join(" ")];
  if (box.firstElementChild.textContent !== head) box.firstElementChild.textContent = head;
  if (box.lastElementChild.textContent !== rest) box.lastElementChild.textContent = rest;
}

function renderState() {
  const parts = [dirty() ? say("changed") : ""];
  if (seen.mistakes.length) parts.push(seen.mistakes.length === 1 ? say("one-mistake") : say("mistakes", { count: seen.mistakes.length }));
  else if (dirty() && answered === asked && !waiting) parts.push(say("fine"));
  const words = parts.filter(Boolean).join(" ");
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("bad", seen.mistakes.length > 0);
}

function render() {
  form.elements.kind.value = now.kind;
  const how = form.querySelector("[data-how]");
  const words = say(`how-${now.kind}`);
  if (how.textContent !== words) how.textContent = words;
  form.querySelector("[data-do=draw]").hidden = !(now.kind in tables);
  form.querySelector("[data-show]").hidden = now.kind === "none";
  renderPlate();
  renderTable("points", "point", pointInput);
  renderTable("lengths", "length", lengthInput);
  renderVerdict();
  renderState();
}

// ---------------------------------------------------------------- what is typed and pressed
form.addEventListener("input", ({ target }) => {
  const row = target.closest("tr");
  if (!row || !target.dataset.metres) return;
  const index = row.sectionRowIndex;
  const value = typed(target.value);
  change("act-set", () => {
    if (now.kind === "points") now.points[index].metres[target.dataset.metres] = value;
    else now.lengths[index].metres = value;
  }, `metres-${index}-${target.dataset.metres}`);
});

form.addEventListener("change", ({ target }) => {
  const row = target.closest("tr");
  if (target.name === "kind") {
    change("act-set", () => { now.kind = target.value; });
    if (marking) stopMarking();
  } else if (["grid", "people", "errors"].includes(target.name)) renderPlate();
  else if (row && target.dataset.axis) typedPlace(row, target);
});

function typedPlace(row, target) {
  const { axis, end } = target.dataset;
  const key = end ? `length-${row.sectionRowIndex}-${end}` : `point-${row.sectionRowIndex}`;
  const value = typed(target.value);
  if (typeof value !== "number") return fill(target, percent(at(key)[axis]));
  return moveTo(key, at(key).with(Number(axis), value / 100), `typed-${axis}`);
}

form.addEventListener("submit", (event) => event.preventDefault());

const deeds = { undo, redo, draw: startMarking, picture: () => plate.show(camera) };

document.querySelector("main").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  const row = button?.closest("tr");
  if (row) remove(row.sectionRowIndex);
  else if (button) deeds[button.dataset.do]?.();
});

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && marking) {
    stopMarking();
    event.preventDefault();
  }
  if (!(event.ctrlKey || event.metaKey) || typing(event.target)) return;
  const name = event.key.toLowerCase();
  if (name === "z" && !event.shiftKey) undo();
  else if (name === "y" || name === "z") redo();
  else return;
  event.preventDefault();
});

document.querySelector("[data-save]").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { reason } = event.target.elements;
  const answer = await send(path, { ground: ground(), reason: reason.value, state: told.state });
  if (answer.body?.mistakes) listMistakes(answer.body.mistakes, () => "", () => {});
  if (tellSaved(answer, said, document.querySelector("[data-patch]"))) {
    reason.value = "";
    await load();
  }
});

addEventListener("beforeunload", (event) => {
  if (dirty()) event.preventDefault();
});

// ---------------------------------------------------------------- beginning
function read(given) {
  if (!given) return { kind: "none", points: [], lengths: [] };
  const points = (given.image ?? []).map((place, index) => ({ at: place, metres: given.metres?.[index] ?? [null, null] }));
  const kind = given.calibration ? "file" : given.lengths ? "lengths" : "points";
  return { kind, points, lengths: structuredClone(given.lengths ?? []) };
}

async function load() {
  const { status, body } = await send(path);
  if (status !== 200) return tell(body?.detail ?? say("no-answer"));
  told = body;
  plate.setAspect(body.aspect);
  now = read(body.ground);
  saved = wanted();
  const file = form.querySelector("[data-file]");
  file.hidden = now.kind !== "file";
  file.querySelector("output").textContent = body.ground?.calibration ?? "";
  render();
  return check();
}

await load();
plate.show(camera);
