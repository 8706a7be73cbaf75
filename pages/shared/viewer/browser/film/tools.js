// How each measuring tool turns a drag into an annotation.

import { set } from "../common/elements.js";

const MOST_CORNERS = 120; // of a free outline
const CORNER_PX = 3; // by which a corner stands out from the line between its neighbours
const OPEN = Math.PI / 3; // of a new angle
const EDGE_PX = 20; // of the screen, where no handle is put
const DEFAULT_SHARE = 0.36; // of the screen, of a shape that a key puts in the middle

export const DRAWN = ["ruler", "ctr", "angle", "arrow", "region", "text"];

/** Draws one annotation at a time on one panel. ask(item): opens a box for its words; hint(name): what comes next */
export class DrawingTool {
  constructor(panel, { ask, hint, done }) {
    Object.assign(this, { panel, ask, hint, done, item: null, kind: "" });
  }

  /** Begin where the pointer is pressed. */
  start(kind, { x, y, shift }) {
    const place = this.film(x, y);
    this.kind = kind;
    if (kind === "ctr" && this.item) {
      this.item.points = [...this.item.points, place, place];
      return;
    }
    this.drop();
    const shape = kind === "region" ? (shift ? "polygon" : "ellipse") : "";
    const points = kind === "text" || shape === "polygon" ? [place] : [place, place];
    this.item = this.panel.drawings.add({ kind: kind === "ctr" || kind === "angle" ? "ruler" : kind, shape, points });
  }

  drag({ x, y }) {
    if (!this.item) return;
    const place = this.film(x, y);
    const { points, shape } = this.item;
    if (shape === "polygon") this.panel.drawings.move(this.item, [...points, place]);
    else this.panel.drawings.move(this.item, [...points.slice(0, -1), place]);
  }

  end() {
    const { item, kind } = this;
    if (!item) return;
    const { drawings } = this.panel;
    if (item.shape === "polygon") item.points = simplified(item.points, this.panel.placement);
    if ((item.shape === "polygon" && item.points.length < 3) || drawings.isTiny(item)) return void this.drop();
    if (kind === "ctr" && item.points.length === 2) return void this.expect("ctr");
    this.item = null;
    if (kind === "ctr") this.replace(item, { kind, points: ordered(item.points, this.panel) });
    else if (kind === "angle") this.replace(item, { kind, points: [...item.points, this.opened(item.points)] });
    else this.finish(item);
  }

  replace(item, given) {
    this.panel.drawings.discard(item);
    this.finish(this.panel.drawings.add(given));
  }

  finish(item) {
    this.expect("");
    this.done();
    this.panel.drawings.draw(this.panel.placement);
    if (item.kind === "text" || item.kind === "arrow") this.ask(item);
    else this.panel.drawings.focus(item);
  }

  /** Say what comes next, with nothing else to be taken hold of until it has come; "" once it has. */
  expect(next) {
    set(this.panel.drawings.svg, { "data-waits": Boolean(next) });
    this.hint(next);
  }

  /** Forget what has been begun. */
  drop() {
    if (this.item) this.panel.drawings.discard(this.item);
    this.item = null;
    this.expect("");
  }

  /** Put a shape into the middle of the screen, for those who press the tool by a key. */
  place(kind) {
    this.drop();
    const { width, height } = this.panel.screen;
    const [dx, dy] = [width * DEFAULT_SHARE * 0.5, height * DEFAULT_SHARE * 0.5];
    const [x, y] = [width / 2, height / 2];
    const at = {
      ruler: [[x - dx, y], [x + dx, y]],
      ctr: [[x - dx / 2, y], [x + dx / 2, y], [x - dx, y + dy], [x + dx, y + dy]],
      angle: [[x - dx, y], [x, y], [x + dx / 2, y - dy]],
      arrow: [[x - dx, y - dy], [x, y]],
      region: [[x - dx / 2, y - dy / 2], [x + dx / 2, y + dy / 2]],
      text: [[x, y]],
    }[kind];
    const points = at.map(([u, v]) => this.film(u, v));
    this.finish(this.panel.drawings.add({ kind, shape: kind === "region" ? "ellipse" : "", points }));
  }

  /** Return where the second arm of a new angle ends: in sight, so that it can be taken. */
  opened([end, vertex]) {
    const { placement, screen } = this.panel;
    const [[x, y], [u, v]] = [placement.toScreen(end), placement.toScreen(vertex)];
    const ends = [OPEN, -OPEN].flatMap((turn) => [1, 0.6, 0.3].map((share) => {
      const [cos, sin] = [share * Math.cos(turn), share * Math.sin(turn)];
      return [u + (x - u) * cos - (y - v) * sin, v + (x - u) * sin + (y - v) * cos];
    }));
    const seen = ([left, top]) => left > EDGE_PX && top > EDGE_PX && left < screen.width - EDGE_PX && top < screen.height - EDGE_PX;
    return this.film(...(ends.find(seen) ?? ends[0]));
  }

  film(x, y) {
    return this.panel.drawings.within(this.panel.placement.toFilm([x, y]));
  }
}

/** Return the two lines of a cardiothoracic ratio, the shorter first: the heart's, then the chest's. */
function ordered(points, panel) {
  const places = points.map((point) => panel.placement.toScreen(point));
  const length = (i) => Math.hypot(places[i][0] - places[i + 1][0], places[i][1] - places[i + 1][1]);
  return length(0) <= length(2) ? points : [...points.slice(2), ...points.slice(0, 2)];
}

/** Return the corners of a free outline that matter on the screen (Ramer, Douglas and Peucker). */
function simplified(points, placement) {
  const places = points.map((point) => placement.toScreen(point));
  const kept = new Set([0, points.length - 1]);
  const stack = [[0, points.length - 1]];
  while (stack.length && kept.size < MOST_CORNERS) {
    const [from, to] = stack.pop();
    let [worst, most] = [-1, CORNER_PX];
    for (let i = from + 1; i < to; i += 1) {
      const off = fromLine(places[i], places[from], places[to]);
      if (off > most) [worst, most] = [i, off];
    }
    if (worst < 0) continue;
    kept.add(worst);
    stack.push([from, worst], [worst, to]);
  }
  return points.filter((_, i) => kept.has(i));
}

function fromLine([x, y], [x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length === 0) return Math.hypot(x - x0, y - y0);
  return Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length;
}
