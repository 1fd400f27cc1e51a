// The picture to draw on: an SVG over it in pixels of the screen, handles that mouse, finger and
// keys move. Places are shares of the picture, 0 to 1.

import { clock, say } from "./drawing.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.005;
const HIT = 14; // pixels: a target of 28, whatever is drawn in it

export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

const kept = (share) => Math.min(1, Math.max(0, share));

/** How far an arrow key moves: with Shift ten times, with Alt a tenth; null: another key. */
export function stepOf(event) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const way = ways[event.key];
  if (!way || event.ctrlKey || event.metaKey) return null;
  const size = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
  return way.map((part) => part * size);
}

export class Plate {
  /** on: grab(key), move(key, place), drop(key), press(key, event), point(place, event). */
  constructor(root, aspect, on, redraw) {
    this.root = root;
    this.svg = root.querySelector("svg");
    this.image = root.querySelector("[data-picture]");
    this.aspect = aspect;
    this.on = on;
    this.shapes = element("svg", { width: "100%", height: "100%" });
    this.handles = element("g");
    this.svg.append(this.shapes, this.handles);
    this.#listen();
    new ResizeObserver(() => {
      this.#fit();
      redraw();
    }).observe(root);
    this.#fit();
  }

  /** The picture's width by its height. */
  setAspect(aspect) {
    this.aspect = aspect;
    this.#fit();
  }

  #fit() {
    const box = this.root.getBoundingClientRect();
    const width = Math.min(box.width - 2 * HIT, (box.height - 2 * HIT) * this.aspect);
    this.width = Math.max(width, 1);
    this.height = this.width / this.aspect;
    for (const part of [this.svg, this.image]) {
      part.style.width = `${this.width}px`;
      part.style.height = `${this.height}px`;
    }
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
  }

  /** A newer picture; words about it. */
  async show(camera) {
    const taken = document.querySelector("[data-taken]");
    const answer = await fetch(`/cameras/${encodeURIComponent(camera)}/frame.jpg`).catch(() => null);
    if (!answer?.ok) {
      taken.textContent = say("no-picture");
      return;
    }
    const url = URL.createObjectURL(await answer.blob());
    this.image.addEventListener("load", () => {
      URL.revokeObjectURL(url);
      this.image.hidden = false;
    }, { once: true });
    this.image.src = url;
    taken.textContent = say("picture", { time: clock(answer.headers.get("x-taken-at")) });
  }

  px = ([x, y]) => [x * this.width, y * this.height];
  share = ([x, y]) => [kept(x / this.width), kept(y / this.height)];

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return this.share([event.clientX - box.left, event.clientY - box.top]);
  }

  moved = ([x, y], [right, down]) =>
    [kept(x + right * STEP), kept(y + down * STEP * this.aspect)];

  // ---------------------------------------------------------------- what is drawn
  begin() {
    this.shapes.replaceChildren();
  }

  path(points, look, { closed = false, title = "", rule = null } = {}) {
    const text = points.map((point) => this.px(point).map((n) => n.toFixed(1)).join(",")).join(" ");
    const made = element(closed ? "polygon" : "polyline", { points: text, class: look });
    if (title) made.append(element("title", {}, title));
    if (rule !== null) made.dataset.rule = rule;
    this.shapes.append(made);
    return made;
  }

  line(from, to, look) {
    const [[x1, y1], [x2, y2]] = [from, to];
    this.shapes.append(element("line", { x1, y1, x2, y2, class: look }));
  }

  /** From pixel to pixel, with a head. */
  arrow([x1, y1], [x2, y2], look) {
    const long = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [dx, dy] = [(x2 - x1) / long, (y2 - y1) / long];
    const head = [[x2, y2], [x2 - 13 * dx + 6 * dy, y2 - 13 * dy - 6 * dx], [x2 - 13 * dx - 6 * dy, y2 - 13 * dy + 6 * dx]];
    this.line([x1, y1], [x2 - 9 * dx, y2 - 9 * dy], look);
    this.shapes.append(element("polygon", { points: head.map((p) => p.join(",")).join(" "), class: `${look} head` }));
  }

  text(words, [x, y], look = "") {
    this.shapes.append(element("text", { x, y, class: look }, words));
  }

  cross(point) {
    const [x, y] = this.px(point);
    for (const look of ["cross under", "cross"]) {
      this.line([x - 18, y], [x + 18, y], look);
      this.line([x, y - 18], [x, y + 18], look);
    }
  }

  /** handles: [{key, at, label, look, mark}], in the order of Tab. Elements are used again, so
   * that focus and a finger stay on them. */
  setHandles(handles) {
    while (this.handles.childElementCount > handles.length) this.handles.lastElementChild.remove();
    while (this.handles.childElementCount < handles.length) this.handles.append(this.#handle());
    handles.forEach((handle, index) => {
      const made = this.handles.children[index];
      const [x, y] = this.px(handle.at);
      made.dataset.key = handle.key;
      made.setAttribute("class", `handle ${handle.look ?? ""}`);
      made.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      made.setAttribute("aria-label", handle.label);
      made.tabIndex = handle.look === "middle" ? -1 : 0;
      made.toggleAttribute("aria-hidden", false);
      if (handle.look === "middle") made.setAttribute("aria-hidden", "true");
      made.querySelector("text").textContent = handle.mark ?? "";
    });
  }

  #handle() {
    return element("g", { role: "button" },
      element("circle", { r: HIT, class: "hit" }),
      element("circle", { r: 6, class: "dot" }),
      element("text", { x: 9, y: -9 }));
  }

  focus(key) {
    for (const one of this.handles.children) if (one.dataset.key === key) one.focus();
  }

  // ---------------------------------------------------------------- what is done
  #listen() {
    let held = null;
    this.handles.addEventListener("pointerdown", (event) => {
      const handle = event.target.closest(".handle");
      if (!handle || event.button !== 0) return;
      event.stopPropagation();
      event.preventDefault();
      this.svg.setPointerCapture(event.pointerId);
      held = { key: this.on.grab(handle.dataset.key) ?? handle.dataset.key, moved: false };
      this.focus(held.key);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!held) return this.on.hover?.(this.place(event));
      held.moved = true;
      return this.on.move(held.key, this.place(event));
    });
    this.svg.addEventListener("pointerup", () => {
      if (held) this.on.drop(held.key, held.moved);
      held = null;
    });
    this.svg.addEventListener("pointercancel", () => { held = null; });
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.on.point(this.place(event), event);
    });
    this.svg.addEventListener("keydown", (event) => {
      const handle = event.target.closest?.(".handle");
      if (this.on.press(handle?.dataset.key ?? null, event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
  }
}
