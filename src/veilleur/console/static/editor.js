// The editor of zones and rules: a picture to draw on, the same points as a list, and settings.

import { fill, made, percent, say, shown, typed } from "./drawing.js";
import { Plate, stepOf } from "./plate.js";
import { Fitness } from "./fitness.js";
import { angleOf, headingOf, middleOf } from "./shapes.js";
import { Work, tell } from "./work.js";

const camera = document.querySelector("[data-editor]").dataset.camera;
const path = `/api/v1/cameras/${encodeURIComponent(camera)}/rules`;
const form = document.querySelector("[data-form]");
const list = document.querySelector("[data-rules]");
const pointRows = form.querySelector("[data-points] tbody");
const arrowRows = form.querySelector("[data-arrows] tbody");

const work = new Work(path, {
  first: { rules: [], selected: 0 },
  made(told, { selected }) {
    plate.setAspect(told.aspect);
    form.elements.event.replaceChildren(...told.events.map((one) => new Option(one.words, one.event)));
    return { rules: structuredClone(told.rules), selected: Math.min(selected, told.rules.length - 1) };
  },
  sent: () => ({ rules: work.now.rules }),
  render,
  judged({ unfit }) {
    fitness.told(unfit);
  },
  settled() {
    if (drawing) stopDrawing();
    work.now.selected = Math.min(work.now.selected, work.now.rules.length - 1);
  },
  cancel() {
    if (!drawing) return false;
    stopDrawing();
    tell(say("cancelled"));
    return true;
  },
  name: (index) => work.now.rules[index]?.settings.id ?? say("rule"),
  choose: select,
  wish: () => fitness.wish(),
});
const fitness = new Fitness(camera);
let drawing = null; // { kind: "zone" | "line", points, cross }

const rule = () => work.now.rules[work.now.selected];
const events = () => work.told.events;
const eventOf = (one) => events().find((event) => event.event === one?.settings.event);
const shapeOf = (one) => (one.settings.line ? "line" : "zone");
const pointsOf = (one) => one.settings[shapeOf(one)] ?? [];
const arrowLength = () => Math.min(70, plate.width / 8);

// ---------------------------------------------------------------- changes
function setPoints(points) {
  const { settings } = rule();
  const shape = shapeOf(rule());
  settings[shape] = points.map(([x, y]) => [rounded(x), rounded(y)]);
}

const rounded = (share) => Number(share.toFixed(4));

function setOrRemove(settings, name, value) {
  if (value === "" || value === null || value === undefined) delete settings[name];
  else settings[name] = value;
}

// ---------------------------------------------------------------- drawing
function startDrawing() {
  if (!rule()) return;
  drawing = { kind: shapeOf(rule()), points: [], cross: [0.5, 0.5] };
  plate.svg.focus();
  tell(say("drawing"));
  render();
}

function stopDrawing() {
  drawing = null;
  render();
}

function addDrawn(point) {
  drawing.points.push(point);
  drawing.cross = point;
  tell(say("set", { number: drawing.points.length, x: percent(point[0]), y: percent(point[1]) }));
  if (drawing.kind === "line" && drawing.points.length === 2) closeDrawn();
  else render();
}

function closeDrawn() {
  const { points } = drawing;
  drawing = null;
  if (points.length < 2) return render();
  work.change("act-draw", () => setPoints(points));
  return tell(say("closed", { count: points.length }));
}

function pressDrawing(event) {
  const step = stepOf(event);
  if (step) {
    drawing.cross = plate.moved(drawing.cross, step);
    tell(say("cross", { x: percent(drawing.cross[0]), y: percent(drawing.cross[1]) }));
    render();
  } else if (event.key === " " || event.key === "Insert") addDrawn(drawing.cross);
  else if (event.key === "Enter") closeDrawn();
  else if (event.key === "Backspace") {
    drawing.points.pop();
    render();
  } else return false;
  return true;
}

// ---------------------------------------------------------------- points and arrows
function movePoint(index, to, key) {
  work.change("act-move", () => setPoints(pointsOf(rule()).with(index, to)), `move-${work.now.selected}-${index}-${key}`);
}

function insertPoint(index, at = null) {
  const points = pointsOf(rule());
  if (shapeOf(rule()) === "line") return;
  const next = points[(index + 1) % points.length] ?? [0.5, 0.5];
  const here = points[index] ?? next;
  const between = at ?? [(here[0] + next[0]) / 2, (here[1] + next[1]) / 2];
  work.change("act-insert", () => setPoints(points.toSpliced(index + 1, 0, between)));
  plate.focus(`point-${index + 1}`);
}

function deletePoint(index) {
  const points = pointsOf(rule());
  if (shapeOf(rule()) === "line") return;
  work.change("act-delete", () => setPoints(points.toSpliced(index, 1)));
  if (points.length > 1) plate.focus(`point-${Math.max(0, index - 1)}`);
}

/** As arrows with a foot, whichever way they are written. */
function arrowsOf(one) {
  const { settings } = one;
  if (settings.headings?.length) return settings.headings.map((arrow) => ({ ...arrow, own: true }));
  if (!settings.allowed_heading) return [];
  return [{ at: middleOf(settings.zone ?? [[0.5, 0.5]]), heading: settings.allowed_heading, own: false }];
}

function setHeading(index, heading, key = "") {
  work.change("act-turn", () => {
    const { settings } = rule();
    if (settings.headings?.length) settings.headings[index].heading = heading;
    else settings.allowed_heading = heading;
  }, key && `turn-${index}-${key}`);
}

function setFoot(index, at, key = "") {
  work.change("act-move", () => { rule().settings.headings[index].at = at.map(rounded); }, key && `foot-${index}-${key}`);
}

function addArrow() {
  work.change("act-turn", () => {
    const { settings } = rule();
    const heading = arrowsOf(rule()).at(-1)?.heading ?? [0, -1];
    if (settings.headings?.length) settings.headings.push({ at: middleOf(settings.zone ?? [[0.5, 0.5]]), heading });
    else if (form.elements.headings.value === "field") settings.headings = [{ at: middleOf(settings.zone ?? [[0.5, 0.5]]), heading }];
    else settings.allowed_heading = heading;
  });
}

function deleteArrow(index) {
  work.change("act-delete", () => {
    const { settings } = rule();
    if (settings.headings?.length) settings.headings.splice(index, 1);
    else delete settings.allowed_heading;
    if (!settings.headings?.length) delete settings.headings;
  });
}

function tipOf({ at, heading }) {
  const [x, y] = plate.px(at);
  const [dx, dy] = [heading[0] * plate.width, heading[1] * plate.height];
  const long = Math.hypot(dx, dy) || 1;
  return [x + (dx / long) * arrowLength(), y + (dy / long) * arrowLength()];
}

// ---------------------------------------------------------------- the picture
const [kindOf, indexOf] = [(key) => key.split("-")[0], (key) => Number(key.split("-")[1])];

const plate = new Plate(document.querySelector("[data-plate]"), 16 / 9, {
  grab(key) {
    if (kindOf(key) !== "middle") return key;
    const points = pointsOf(rule());
    const index = indexOf(key);
    insertPoint(index, middleBetween(points, index));
    return `point-${index + 1}`;
  },
  move(key, to) {
    const index = indexOf(key);
    if (kindOf(key) === "point") movePoint(index, to, "drag");
    else if (kindOf(key) === "foot") setFoot(index, to, "drag");
    else if (kindOf(key) === "tip") {
      const [[x, y], [tx, ty]] = [plate.px(arrowsOf(rule())[index].at), plate.px(to)];
      if (Math.hypot(tx - x, ty - y) > 6) setHeading(index, headingOf([tx - x, ty - y], plate), "drag");
    }
  },
  drop() {},
  hover(to) {
    if (!drawing?.points.length) return;
    drawing.hover = to;
    render();
  },
  point(at, event) {
    if (drawing) {
      event.preventDefault();
      plate.svg.focus();
      const [first] = drawing.points;
      const [a, b] = first ? [plate.px(first), plate.px(at)] : [[0, 0], [99, 99]];
      if (event.detail > 1 || (drawing.points.length > 2 && Math.hypot(a[0] - b[0], a[1] - b[1]) < 12)) closeDrawn();
      else addDrawn(at);
    } else if (event.target.dataset.rule) select(Number(event.target.dataset.rule));
  },
  press(key, event) {
    if (drawing) return pressDrawing(event);
    return key !== null && pressHandle(kindOf(key), indexOf(key), event);
  },
}, () => work.told && render());

function pressHandle(kind, index, event) {
  const step = stepOf(event);
  if (step && kind === "point") movePoint(index, plate.moved(pointsOf(rule())[index], step), "key");
  else if (step && kind === "foot") setFoot(index, plate.moved(arrowsOf(rule())[index].at, step), "key");
  else if (step && kind === "tip") turn(index, step);
  else if (event.key === "Insert" && kind === "point") insertPoint(index);
  else if (event.key === "Delete" && kind === "point") deletePoint(index);
  else if (event.key === "Delete") deleteArrow(index);
  else return false;
  const focused = document.activeElement?.getAttribute("aria-label");
  if (step && focused) tell(focused.split(/(?<=[%°s])\./)[0]);
  return true;
}

function turn(index, [right, down]) {
  const before = angleOf(arrowsOf(rule())[index].heading, plate);
  setHeading(index, headingAt(before + 5 * (right + down)), "key");
}

const headingAt = (degrees) => {
  const angle = (degrees * Math.PI) / 180;
  return headingOf([Math.sin(angle), -Math.cos(angle)], plate);
};

const middleBetween = (points, index) => {
  const [a, b] = [points[index], points[(index + 1) % points.length]];
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
};

function renderPlate() {
  plate.begin();
  work.now.rules.forEach((one, index) => index !== work.now.selected && drawRule(one, index, "other"));
  const handles = [];
  if (drawing) drawUnfinished();
  else if (rule()) {
    drawRule(rule(), work.now.selected, "chosen");
    handles.push(...pointHandles(), ...arrowHandles(), ...middleHandles());
  }
  plate.setHandles(handles);
  plate.root.classList.toggle("drawing", drawing !== null);
}

function drawUnfinished() {
  const points = drawing.hover ? [...drawing.points, drawing.hover] : drawing.points;
  if (points.length) plate.path(points, "chosen new", { closed: drawing.kind === "zone" && points.length > 2 });
  for (const point of drawing.points) {
    const [x, y] = plate.px(point);
    plate.line([x - 3, y], [x + 3, y], "mark");
    plate.line([x, y - 3], [x, y + 3], "mark");
  }
  plate.cross(drawing.cross);
}

function drawRule(one, index, look) {
  const { settings } = one;
  const bad = work.mistakes.some((mistake) => mistake.rule === index) ? " bad" : "";
  if (settings.zone?.length) {
    plate.path(settings.zone, `${look}${bad}`, { closed: true, title: settings.id, rule: index });
    const [x, y] = plate.px(middleOf(settings.zone));
    plate.text(settings.id, [x, y + 20], `${look} centred`);
  }
  if (settings.line?.length === 2) drawLine(settings, look + bad, index);
  if (settings.event === "wrong_way")
    for (const arrow of arrowsOf(one)) plate.arrow(plate.px(arrow.at), tipOf(arrow), `${look} heading`);
}

function drawLine(settings, look, index) {
  plate.path(settings.line, look, { title: settings.id, rule: index });
  const [a, b] = settings.line.map(plate.px);
  const long = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const right = [-(b[1] - a[1]) / long, (b[0] - a[0]) / long];
  const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const forbidden = settings.forbidden ?? "both";
  for (const [way, sign] of [["left_to_right", 1], ["right_to_left", -1]]) {
    if (forbidden !== "both" && forbidden !== way) continue;
    const to = [middle[0] + 46 * sign * right[0], middle[1] + 46 * sign * right[1]];
    const side = [a, b, shift(b, right, 30 * sign), shift(a, right, 30 * sign)].map(plate.share);
    plate.path(side, "side", { closed: true });
    plate.arrow([middle[0] - 26 * sign * right[0], middle[1] - 26 * sign * right[1]], to, "forbidden");
    plate.text(say("forbidden"), [to[0] + 8, to[1] + 4], "forbidden");
  }
  plate.text(settings.id, [a[0] + 8, a[1] + 18], look);
}

const shift = ([x, y], [right, down], by) => [x + right * by, y + down * by];

function pointHandles() {
  const points = pointsOf(rule());
  const line = shapeOf(rule()) === "line";
  return points.map((at, index) => ({
    key: `point-${index}`,
    at,
    mark: line ? "AB"[index] : String(index + 1),
    label: say("point", { number: index + 1, count: points.length, x: percent(at[0]), y: percent(at[1]) }),
  }));
}

function middleHandles() {
  const points = pointsOf(rule());
  if (shapeOf(rule()) === "line" || points.length < 3) return [];
  return points.map((_, index) => ({
    key: `middle-${index}`, at: middleBetween(points, index), look: "middle", label: "",
  }));
}

function arrowHandles() {
  if (rule().settings.event !== "wrong_way") return [];
  return arrowsOf(rule()).flatMap((arrow, index) => {
    const degrees = shown(angleOf(arrow.heading, plate), 0);
    const tip = { key: `tip-${index}`, at: plate.share(tipOf(arrow)), look: "tip", label: say("tip", { number: index + 1, degrees }) };
    if (!arrow.own) return [tip];
    const [x, y] = arrow.at.map(percent);
    return [{ key: `foot-${index}`, at: arrow.at, look: "foot", label: say("base", { number: index + 1, x, y }) }, tip];
  });
}

// ---------------------------------------------------------------- the list and the form
function select(index) {
  if (drawing) drawing = null;
  work.now.selected = index;
  render();
}

function renderList() {
  while (list.childElementCount > work.now.rules.length) list.lastElementChild.remove();
  while (list.childElementCount < work.now.rules.length) list.append(made("rule"));
  work.now.rules.forEach((one, index) => {
    const button = list.children[index].querySelector("button");
    button.querySelector(".name").textContent = one.settings.id;
    button.querySelector(".what").textContent = eventOf(one)?.words ?? one.settings.event;
    button.querySelector(".unfit").hidden = !fitness.isUnfit(one.settings.event);
    button.querySelector(".bad").hidden = !work.mistakes.some((mistake) => mistake.rule === index);
    button.setAttribute("aria-pressed", String(index === work.now.selected));
  });
  document.querySelector("[data-no-rule]").hidden = work.now.rules.length > 0;
}

let formOf = null; // what the form was built for: event and its number of parameters

function renderForm() {
  form.hidden = !rule();
  if (!rule()) return;
  const { settings, schedule } = rule();
  const fields = form.elements;
  const event = eventOf(rule());
  fill(fields.id, String(settings.id ?? ""));
  fields.event.value = settings.event;
  fields.subject.value = settings.subject ?? "person";
  fields.subject.closest("label").hidden = !event?.vehicles;
  fields.priority.value = settings.priority ?? "";
  const shape = shapeOf(rule());
  fields.shape.value = shape;
  form.querySelector("[data-shapes]").hidden = !event?.shapes.includes("line");
  form.querySelector("[data-line]").hidden = shape !== "line";
  fields.forbidden.value = settings.forbidden ?? "both";
  renderPoints();
  renderHeadings(event);
  renderParameters(event, settings.params ?? {}, schedule);
}

function renderPoints() {
  const points = pointsOf(rule());
  const line = shapeOf(rule()) === "line";
  rows(pointRows, points.length, "point");
  points.forEach((point, index) => {
    const row = pointRows.children[index];
    row.querySelector("th").textContent = line ? "AB"[index] : String(index + 1);
    for (const axis of [0, 1]) field(row, axis, point[axis], say(`axis-${axis}`, { number: index + 1 }));
    for (const deed of ["insert", "delete"]) {
      const button = row.querySelector(`[data-do=${deed}]`);
      button.hidden = line;
      button.setAttribute("aria-label", say(deed, { number: index + 1 }));
    }
  });
  form.querySelector("[data-points]").hidden = !points.length;
}

function field(row, axis, share, label) {
  const input = row.querySelector(`[data-axis="${axis}"]`);
  fill(input, percent(share));
  input.setAttribute("aria-label", label);
}

function renderHeadings(event) {
  const box = form.querySelector("[data-headings]");
  box.hidden = !event?.shapes.includes("heading");
  if (box.hidden) return;
  const arrows = arrowsOf(rule());
  form.elements.headings.value = rule().settings.headings?.length ? "field" : "one";
  rows(arrowRows, arrows.length, "arrow");
  arrows.forEach((arrow, index) => {
    const row = arrowRows.children[index];
    const number = index + 1;
    row.querySelector("th").textContent = String(number);
    const degrees = row.querySelector("[data-degrees]");
    fill(degrees, shown(angleOf(arrow.heading, plate), 1));
    degrees.setAttribute("aria-label", say("degrees", { number }));
    for (const axis of [0, 1]) {
      field(row, axis, arrow.at[axis], say(`axis-${axis}`, { number }));
      row.querySelector(`[data-axis="${axis}"]`).disabled = !arrow.own;
    }
    row.querySelector("[data-do=delete]").setAttribute("aria-label", say("delete-arrow", { number }));
  });
  form.querySelector("[data-arrows]").hidden = !arrows.length;
  form.querySelector("[data-do=arrow]").hidden = arrows.length > 0 && !rule().settings.headings?.length;
}

function rows(body, count, template) {
  while (body.childElementCount > count) body.lastElementChild.remove();
  while (body.childElementCount < count) body.append(made(template));
}

function renderParameters(event, params, schedule) {
  const box = form.querySelector("[data-fields]");
  if (formOf !== event?.event) {
    formOf = event?.event;
    box.replaceChildren(...(event?.parameters ?? []).map(fieldOf));
  }
  for (const one of event?.parameters ?? []) {
    const input = box.querySelector(`[data-parameter="${one.name}"]`);
    const value = one.schedule ? schedule : params[one.name];
    fill(input, typeof value === "number" ? shown(value, 4) : String(value ?? ""));
  }
}

function fieldOf(one) {
  const label = made(one.schedule ? "schedule" : "parameter");
  label.querySelector(".label").textContent = one.label;
  const input = label.querySelector("input, textarea");
  input.dataset.parameter = one.name;
  if (one.schedule) return label;
  input.placeholder = one.default && shown(Number(one.default), 4);
  label.querySelector(".unit").textContent = one.unit;
  label.querySelector("small").textContent = one.help;
  return label;
}

function render() {
  renderPlate();
  renderList();
  renderForm();
  fitness.render(rule()?.settings.event);
  work.renderState();
}

// ---------------------------------------------------------------- what is typed and pressed
form.addEventListener("input", ({ target }) => {
  const { parameter } = target.dataset;
  if (target.name === "id") work.change("act-set", () => { rule().settings.id = target.value; }, "id");
  else if (parameter === "schedule") work.change("act-set", () => { rule().schedule = target.value; }, "schedule");
  else if (parameter) work.change("act-set", () => {
    const params = { ...rule().settings.params };
    setOrRemove(params, parameter, typed(target.value));
    rule().settings.params = params;
  }, parameter);
});

form.addEventListener("change", ({ target }) => {
  const { settings } = rule();
  const row = target.closest("tr");
  if (row && target.dataset.axis) return typedPlace(row, target);
  if (row && "degrees" in target.dataset) {
    const degrees = typed(target.value);
    if (typeof degrees === "number") setHeading(row.sectionRowIndex, headingAt(degrees));
    return undefined;
  }
  if (target.name === "event") return changeEvent(target.value);
  if (target.name === "subject") return work.change("act-set", () => setOrRemove(settings, "subject", target.value));
  if (target.name === "priority") return work.change("act-set", () => setOrRemove(settings, "priority", target.value));
  if (target.name === "forbidden") return work.change("act-turn", () => { settings.forbidden = target.value; });
  if (target.name === "shape") return changeShape(target.value);
  if (target.name === "headings") return changeHeadings(target.value);
  return undefined;
});

function typedPlace(row, target) {
  const value = typed(target.value);
  const index = row.sectionRowIndex;
  const arrows = row.parentElement === arrowRows;
  const at = arrows ? arrowsOf(rule())[index].at : pointsOf(rule())[index];
  if (typeof value !== "number") return fill(target, percent(at[Number(target.dataset.axis)]));
  const to = at.with(Number(target.dataset.axis), rounded(value / 100));
  return arrows ? setFoot(index, to) : movePoint(index, to, `typed-${target.dataset.axis}`);
}

function changeEvent(event) {
  work.change("act-set", () => {
    const { settings } = rule();
    settings.event = event;
    const { shapes, vehicles, parameters } = eventOf(rule());
    if (!vehicles) delete settings.subject;
    if (!shapes.includes("line")) asZone(settings);
    if (!shapes.includes("heading")) { delete settings.allowed_heading; delete settings.headings; }
    const known = new Set(parameters.map((one) => one.name));
    settings.params = Object.fromEntries(Object.entries(settings.params ?? {}).filter(([name]) => known.has(name)));
    if (!known.has("schedule")) rule().schedule = "";
  });
}

function asZone(settings) {
  if (!settings.line) return;
  delete settings.line;
  delete settings.forbidden;
  settings.zone ??= [];
}

function changeShape(shape) {
  work.change("act-set", () => {
    const { settings } = rule();
    if (shape === "zone") asZone(settings);
    else {
      delete settings.zone;
      settings.line = [];
    }
  });
  startDrawing();
}

function changeHeadings(kind) {
  work.change("act-turn", () => {
    const { settings } = rule();
    const arrows = arrowsOf(rule());
    delete settings.headings;
    delete settings.allowed_heading;
    if (kind === "field") settings.headings = (arrows.length ? arrows : [{ at: middleOf(settings.zone ?? [[0.5, 0.5]]), heading: [0, -1] }])
      .map(({ at, heading }) => ({ at, heading }));
    else settings.allowed_heading = arrows[0]?.heading ?? [0, -1];
  });
}

const deeds = {
  add() {
    const names = new Set(work.now.rules.map((one) => one.settings.id));
    let number = work.now.rules.length + 1;
    while (names.has(`${say("rule")}-${number}`)) number += 1;
    work.change("act-add", () => {
      work.now.rules.push({ was: "", schedule: "", settings: { id: `${say("rule")}-${number}`, event: events()[0].event, zone: [] } });
      work.now.selected = work.now.rules.length - 1;
    });
    startDrawing();
  },
  remove() {
    if (!rule()) return;
    work.change("act-remove", () => {
      work.now.rules.splice(work.now.selected, 1);
      work.now.selected = Math.max(0, work.now.selected - 1);
    });
  },
  draw: startDrawing,
  turn() {
    const other = { both: "left_to_right", left_to_right: "right_to_left", right_to_left: "left_to_right" };
    work.change("act-turn", () => { rule().settings.forbidden = other[rule().settings.forbidden ?? "both"]; });
  },
  arrow: addArrow,
  undo: work.undo,
  redo: work.redo,
  picture: () => plate.show(camera),
};

document.querySelector("main").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  const row = button?.closest("tr");
  if (row && button.dataset.do === "insert") insertPoint(row.sectionRowIndex);
  else if (row && row.parentElement === pointRows) deletePoint(row.sectionRowIndex);
  else if (row) deleteArrow(row.sectionRowIndex);
  else if (button) deeds[button.dataset.do]?.();
  const chosen = event.target.closest("button.rule");
  if (chosen) select([...list.children].indexOf(chosen.parentElement));
});

// ---------------------------------------------------------------- beginning
await work.load();
plate.show(camera);
fitness.watch(render);
