// The annotations of one film: lines, words and handles over it, in pixels of the stored film.

import { fill, set, svgElement } from "../common/elements.js";
import { makeHandle } from "../common/handles.js";
import { inWords, measure } from "./measures.js";
import { clamped } from "./view.js";

const LABEL_PX = [9, -9]; // from the point where the words stand
const LABEL_LINE_PX = 17; // from one line of words to the next
const LABEL_TOP_PX = 46; // under title and stamp
const HEAD_PX = 13; // of an arrow
const FEWEST_APART_PX = 6; // two ends that are nearer were not meant

/**
 * film    : {width, height, spacing}
 * words   : of the viewer, `kinds`, `measured`, `handle`, `centre`
 * changed : called with "moving" while one is dragged, and with "done" after
 */
export class Drawings {
  constructor({ film, words, changed }) {
    Object.assign(this, { film, words, changed });
    this.svg = svgElement("svg", { class: "drawings", role: "group", "aria-label": words.drawings });
    this.items = [];
    this.nodes = new Map();
    this.placement = null;
  }

  /** Take the annotations as they are from now on. */
  replace(items) {
    this.nodes.forEach((node) => node.group.remove());
    this.nodes.clear();
    this.items = items.map((item) => ({ ...item, points: item.points.map((point) => [...point]) }));
    this.draw(this.placement);
  }

  /** Add one and return it, measured. */
  add(item) {
    const made = { id: newId(), shape: "", text: "", ...item };
    this.items.push(made);
    this.remeasure(made);
    return made;
  }

  remove(item) {
    const node = this.nodes.get(item.id);
    const focused = node?.group.contains(node.group.getRootNode().activeElement);
    this.discard(item);
    if (focused) this.svg.querySelector(".handle")?.focus({ preventScroll: true });
    this.changed("done");
  }

  /** Take away one that was only begun. */
  discard(item) {
    this.items = this.items.filter((other) => other !== item);
    this.nodes.get(item.id)?.group.remove();
    this.nodes.delete(item.id);
    this.draw(this.placement);
  }

  /** Change points; they stay on the film. */
  move(item, points, whole = false) {
    item.points = whole ? this.inside(points) : points.map((point) => this.within(point));
    this.remeasure(item);
    this.changed("moving");
  }

  remeasure(item) {
    item.measured = measure(item, this.film);
  }

  within([x, y]) {
    return [clamped(x, 0, this.film.width), clamped(y, 0, this.film.height)];
  }

  /** Return the points shifted together so that all are on the film. */
  inside(points) {
    const shift = (axis, size) => {
      const places = points.map((point) => point[axis]);
      return Math.max(0, -Math.min(...places)) - Math.max(0, Math.max(...places) - size);
    };
    const [dx, dy] = [shift(0, this.film.width), shift(1, this.film.height)];
    return points.map(([x, y]) => [x + dx, y + dy]);
  }

  /** Return whether an annotation is too small on the screen to have been meant. */
  isTiny(item) {
    if (item.kind === "text") return false;
    const places = item.points.map((point) => this.placement.toScreen(point));
    return places.every(([x, y]) => Math.hypot(x - places[0][0], y - places[0][1]) < FEWEST_APART_PX);
  }

  /** Return what an annotation is called: its kind, with a number where there are several. */
  nameOf(item) {
    const alike = this.items.filter((other) => other.kind === item.kind);
    const name = this.words.kind[item.kind];
    return alike.length > 1 ? `${name} ${alike.indexOf(item) + 1}` : name;
  }

  /** Return what an annotation says: its value, then its words. */
  valueOf(item) {
    return [inWords(item.measured, this.words.measured), item.text].filter(Boolean).join(" · ");
  }

  focus(item) {
    this.nodes.get(item.id)?.handles.at(-1)?.focus({ preventScroll: true });
  }

  draw(placement) {
    this.placement = placement;
    if (!placement) return;
    const labels = []; // placed so far: left, right, base
    for (const item of this.items) {
      const node = this.nodes.get(item.id) ?? this.make(item);
      const places = item.points.map((point) => placement.toScreen(point));
      const outline = outlineOf(item, places, placement);
      for (const line of node.lines) set(line, { d: outline });
      const [x, y] = labelPlace(item, places);
      node.label.textContent = this.valueOf(item);
      const { width, height } = placement.screen;
      const length = node.label.textContent.length * 7.2;
      const left = clamped(x + LABEL_PX[0], 4, Math.max(4, width - length - 6));
      let base = clamped(y + LABEL_PX[1], LABEL_TOP_PX, height - 6);
      const meets = (one) => left < one[1] && left + length > one[0] && Math.abs(base - one[2]) < LABEL_LINE_PX;
      while (length && labels.some(meets)) base += LABEL_LINE_PX;
      if (length) labels.push([left, left + length, base]);
      set(node.label, { x: left, y: base });
      const ends = this.handlePlaces(item, places);
      node.handles.forEach((handle, i) => {
        handle.place(...ends[i]);
        const [u, v] = ends[i];
        handle.toggleAttribute("hidden", u < 0 || v < 0 || u > width || v > height);
        handle.rename(this.handleName(item, i, ends.length));
      });
    }
  }

  handleName(item, i, n) {
    const name = `${this.nameOf(item)} ${inWords(item.measured, this.words.measured)}`.trim();
    if (n === 1) return name;
    if (item.kind === "region" && i === n - 1) return fill(this.words.centre, { name });
    return fill(this.words.handle, { name, point: i + 1, points: n });
  }

  handlePlaces(item, places) {
    if (item.kind !== "region") return places;
    const middle = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
    return item.shape === "polygon" ? [middle] : [...places, middle];
  }

  make(item) {
    const kind = `drawn ${item.kind}`;
    const lines = ["halo", "line", "grip"].map((name) => svgElement("path", { class: name }));
    const label = svgElement("text", { class: "value" });
    const group = svgElement("g", { class: kind, "data-id": item.id }, ...lines, label);
    const n = this.handlePlaces(item, item.points).length;
    const handles = Array.from({ length: n }, (_, i) => this.makeHandle(item, i, n));
    group.append(...handles);
    this.followGrip(item, lines[2], handles);
    this.svg.append(group);
    const node = { group, lines, label, handles };
    this.nodes.set(item.id, node);
    return node;
  }

  makeHandle(item, i, n) {
    const whole = item.kind === "region" && i === n - 1;
    const shifted = (dx, dy) => item.points.map(([x, y]) => [x + dx, y + dy]);
    const to = (place) => {
      if (!whole) return this.move(item, item.points.map((point, at) => (at === i ? place : point)));
      const middle = [0, 1].map((axis) => item.points.reduce((sum, point) => sum + point[axis], 0) / item.points.length);
      return this.move(item, shifted(place[0] - middle[0], place[1] - middle[1]), true);
    };
    return makeHandle({
      name: this.nameOf(item),
      drag: (place) => to(this.placement.toFilm(place)),
      step: ([du, dv]) => {
        const [dx, dy] = unitStep(this.placement.view.turn, du, dv);
        if (whole) this.move(item, shifted(dx, dy), true);
        else to([item.points[i][0] + dx, item.points[i][1] + dy]);
      },
      done: () => this.changed("done"),
      remove: () => this.remove(item),
    });
  }

  /** A line can be taken anywhere: it moves as a whole. */
  followGrip(item, grip, handles) {
    let last = null;
    grip.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      handles[0].focus({ preventScroll: true });
      last = [event.clientX, event.clientY];
    });
    grip.addEventListener("pointermove", (event) => {
      if (!last) return;
      event.stopPropagation();
      const [dx, dy] = this.placement.along([event.clientX - last[0], event.clientY - last[1]]);
      last = [event.clientX, event.clientY];
      this.move(item, item.points.map(([x, y]) => [x + dx, y + dy]), true);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      grip.addEventListener(name, () => {
        if (last) this.changed("done");
        last = null;
      });
    }
  }
}

/** Return a step along the screen as one along the film: one pixel of it for each. */
function unitStep([a, b, c, d], du, dv) {
  return [a * du + c * dv, b * du + d * dv];
}

function labelPlace(item, places) {
  if (item.kind === "angle") return places[1];
  if (item.kind === "arrow") return places[0];
  if (item.kind !== "region") return places.at(-1);
  return [Math.max(...places.map((place) => place[0])), Math.min(...places.map((place) => place[1])) + 12];
}

function outlineOf(item, places, placement) {
  const [first, second] = places;
  if (item.kind === "text") return `M${first[0] - 4} ${first[1]}h8`;
  if (item.kind === "ctr") return path(places.slice(0, 2)) + path(places.slice(2));
  if (item.kind === "arrow") return path([first, second]) + head(first, second);
  if (item.kind !== "region") return path(places);
  if (item.shape === "polygon") return `${path(places)}Z`;
  const [rx, ry] = [Math.abs(second[0] - first[0]) / 2, Math.abs(second[1] - first[1]) / 2];
  const [x, y] = [Math.min(first[0], second[0]), Math.min(first[1], second[1])];
  if (item.shape === "box") return `M${x} ${y}h${2 * rx}v${2 * ry}h${-2 * rx}Z`;
  return `M${x} ${y + ry}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
}

function path(places) {
  return `M${places.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
}

function head([x, y], [tipX, tipY]) {
  const turn = Math.atan2(tipY - y, tipX - x);
  const side = (by) => [tipX - HEAD_PX * Math.cos(turn + by), tipY - HEAD_PX * Math.sin(turn + by)];
  return path([side(0.45), [tipX, tipY], side(-0.45)]);
}

/** Return an id for the record: random letters; `crypto.randomUUID` is missing where there is no https. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
