// Calibration: points of the ground and their metres, or known lengths; how wrong they are is drawn.

import { fill, made, percent, say, shown, typed } from "./drawing.js";
import { Plate, stepOf } from "./plate.js";
import { Work, tell } from "./work.js";

const camera = document.querySelector("[data-editor]").dataset.camera;
const path = `/api/v1/cameras/${encodeURIComponent(camera)}/ground`;
const form = document.querySelector("[data-form]");
const tables = { points: form.querySelector("[data-points]"), lengths: form.querySelector("[data-lengths]") };

const work = new Work(path, {
  first: { kind: "none", points: [], lengths: [] },
  made(told) {
    plate.setAspect(told.aspect);
    const file = form.querySelector("[data-file]");
    file.hidden = !told.ground?.calibration;
    file.querySelector("output").textContent = told.ground?.calibration ?? "";
    return read(told.ground);
  },
  sent: () => ({ ground: ground() }),
  render,
  judged(answer) {
    seen = answer;
    if (work.now.kind === "none") work.mistakes = seen.mistakes.filter((one) => one.rule !== null);
  },
  settled() {},
  cancel() {
    if (!marking) return false;
    stopMarking();
    return true;
  },
  name: () => "",
  choose() {},
  wish: () => ({}),
});
let marking = null; // { cross, first }
let seen = { points: [], grid: [], people: [], level: "none", error_m: null, step_m: 0 };

const whole = (point) => point.metres.every((one) => typeof one === "number");
const wholeLength = (one) => typeof one.metres === "number";

/** As the site file has it. What has no metres yet is left out. */
function ground() {
  if (work.now.kind === "none") return null;
  if (work.now.kind === "file") return work.told.ground;
  if (work.now.kind === "lengths") return { lengths: work.now.lengths.filter(wholeLength) };
  const points = work.now.points.filter(whole);
  return { image: points.map((point) => point.at), metres: points.map((point) => point.metres) };
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
  if (work.now.kind === "lengths" && !marking.first) {
    marking.first = at;
    tell(say("set", { number: "A", x: percent(at[0]), y: percent(at[1]) }));
    return render();
  }
  const { first } = marking;
  marking.first = null;
  work.change("act-insert", () => {
    if (work.now.kind === "lengths") work.now.lengths.push({ a: rounded(first), b: rounded(at), metres: null });
    else work.now.points.push({ at: rounded(at), metres: [null, null] });
  });
  const table = tables[work.now.kind];
  const row = table.tBodies[0].lastElementChild;
  tell(say("set", { number: work.now[work.now.kind].length, x: percent(at[0]), y: percent(at[1]) }));
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
    const rows = tables[work.now.kind].tBodies[0];
    stopMarking();
    [...rows.querySelectorAll("[data-metres]")].find((input) => !input.value)?.focus();
  } else return false;
  return true;
}

// ---------------------------------------------------------------- the picture
function moveTo(key, to, how) {
  const [kind, index, end] = key.split("-");
  const act = kind === "point"
    ? () => { work.now.points[index].at = rounded(to); }
    : () => { work.now.lengths[index][end] = rounded(to); };
  work.change("act-move", act, `${key}-${how}`);
}

const at = (key) => {
  const [kind, index, end] = key.split("-");
  return kind === "point" ? work.now.points[index].at : work.now.lengths[index][end];
};

function remove(index) {
  work.change("act-delete", () => work.now[work.now.kind].splice(index, 1));
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
}, () => work.told && render());

function renderPlate() {
  plate.begin();
  const { grid, people, errors } = form.elements;
  if (grid.checked) for (const line of seen.grid) plate.path(line, "grid");
  if (people.checked) for (const [foot, head] of seen.people) plate.line(plate.px(foot), plate.px(head), "person");
  if (work.now.kind === "lengths") for (const one of work.now.lengths) plate.line(plate.px(one.a), plate.px(one.b), "length");
  if (errors.checked && work.now.kind === "points") work.now.points.filter(whole).forEach((point, index) => {
    const to = seen.points[index]?.seen;
    if (to) plate.line(plate.px(point.at), plate.px(to), "error");
  });
  if (marking?.first) plate.line(plate.px(marking.first), plate.px(marking.cross), "length");
  if (marking) plate.cross(marking.cross);
  plate.setHandles(handles());
  plate.root.classList.toggle("drawing", marking !== null);
}

function handles() {
  if (work.now.kind === "points") return work.now.points.map((point, index) => ({
    key: `point-${index}`,
    at: point.at,
    mark: String(index + 1),
    look: whole(point) ? "" : "wanting",
    label: say("point", { number: index + 1, x: percent(point.at[0]), y: percent(point.at[1]) }),
  }));
  if (work.now.kind !== "lengths") return [];
  return work.now.lengths.flatMap((one, index) => ["a", "b"].map((end) => ({
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
  table.hidden = work.now.kind !== kind || !work.now[kind].length;
  if (work.now.kind !== kind) return;
  const body = table.tBodies[0];
  while (body.childElementCount > work.now[kind].length) body.lastElementChild.remove();
  while (body.childElementCount < work.now[kind].length) body.append(made(template));
  const ready = kind === "points" ? whole : wholeLength;
  let checked = 0;
  work.now[kind].forEach((one, index) => {
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
  const wrong = work.now.kind !== "none" && seen.level === "none";
  const level = wrong ? "wrong" : seen.level;
  const more = [say(`level-${level}-more`)];
  if (seen.step_m && level !== "wrong") more.push(say("step", { metres: shown(seen.step_m) }));
  box.dataset.level = level;
  const [head, rest] = [say(`level-${level}`, { metres: shown(seen.error_m ?? 0) }), more.join(" ")];
  if (box.firstElementChild.textContent !== head) box.firstElementChild.textContent = head;
  if (box.lastElementChild.textContent !== rest) box.lastElementChild.textContent = rest;
}

function render() {
  form.elements.kind.value = work.now.kind;
  const how = form.querySelector("[data-how]");
  const words = say(`how-${work.now.kind}`);
  if (how.textContent !== words) how.textContent = words;
  form.querySelector("[data-do=draw]").hidden = !(work.now.kind in tables);
  form.querySelector("[data-show]").hidden = work.now.kind === "none";
  renderPlate();
  renderTable("points", "point", pointInput);
  renderTable("lengths", "length", lengthInput);
  renderVerdict();
  work.renderState();
}

// ---------------------------------------------------------------- what is typed and pressed
form.addEventListener("input", ({ target }) => {
  const row = target.closest("tr");
  if (!row || !target.dataset.metres) return;
  const index = row.sectionRowIndex;
  const value = typed(target.value);
  work.change("act-set", () => {
    if (work.now.kind === "points") work.now.points[index].metres[target.dataset.metres] = value;
    else work.now.lengths[index].metres = value;
  }, `metres-${index}-${target.dataset.metres}`);
});

form.addEventListener("change", ({ target }) => {
  const row = target.closest("tr");
  if (target.name === "kind") {
    work.change("act-set", () => { work.now.kind = target.value; });
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

const deeds = { undo: work.undo, redo: work.redo, draw: startMarking, picture: () => plate.show(camera) };

document.querySelector("main").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  const row = button?.closest("tr");
  if (row) remove(row.sectionRowIndex);
  else if (button) deeds[button.dataset.do]?.();
});

// ---------------------------------------------------------------- beginning
function read(given) {
  if (!given) return { kind: "none", points: [], lengths: [] };
  const points = (given.image ?? []).map((place, index) => ({ at: place, metres: given.metres?.[index] ?? [null, null] }));
  const kind = given.calibration ? "file" : given.lengths ? "lengths" : "points";
  return { kind, points, lengths: structuredClone(given.lengths ?? []) };
}

await work.load();
plate.show(camera);
