// Calipers over a pane: two points in time and amplitude, whatever speed, gain and layout they are seen at.

import { fill, set, svgElement } from "../common/elements.js";
import { makeHandle } from "../common/handles.js";
import { shortWords } from "./readings.js";

const FLAT_PX = 3; // a caliper that is drawn so level measures time alone, one so upright amplitude alone
const SNAP_PX = 7;
const [MS, MV, STEP_AU] = [0.001, 0.01, 0.02]; // by one arrow key; the last as a share of the curve's height
const FINE = 0.1; // of a pointer's way with Alt
const LABEL_PX = 19;

/** A caliper from a place on. view : "strip" or "beats", as time counts from the beginning or from the R wave */
export function newCaliper(place, view) {
  const { cell, t, v } = place;
  return {
    id: crypto.randomUUID?.() ?? String(Math.random()).slice(2),
    lead: cell.lead, rhythm: cell.rhythm, view, t0: t, t1: t, v0: v, v1: v, kind: "interval", count: 1, march: false,
  };
}

/** Keep a caliper that was drawn nearly level or upright exactly so. */
export function straighten(caliper, place) {
  const [dx, dy] = [place.x - place.startX, place.y - place.startY].map(Math.abs);
  if (dy <= FLAT_PX && dx > 4 * FLAT_PX) caliper.v1 = caliper.v0;
  if (dx <= FLAT_PX && dy > 4 * FLAT_PX) caliper.t1 = caliper.t0;
}

/** The drawing of one caliper in a pane. */
export class CaliperDrawing {
  constructor(caliper, pane) {
    Object.assign(this, { caliper, pane });
    const { words } = pane;
    const handle = (end) =>
      makeHandle({
        name: "",
        drag: (at) => this.dragEnd(end, at),
        step: (by) => this.step([end], by),
        done: () => this.done(),
        remove: () => pane.remove(caliper),
        chosen: () => pane.choose(caliper),
      });
    this.handles = [handle(0), handle(1)];
    this.label = makeHandle({
      name: "",
      drag: (at) => this.dragWhole(at),
      step: (by) => this.step([0, 1], by),
      done: () => this.done(),
      remove: () => pane.remove(caliper),
      chosen: () => pane.choose(caliper),
    });
    this.label.replaceChildren(svgElement("rect", { class: "plate", rx: 3, height: LABEL_PX }), svgElement("text", { class: "reading" }));
    const line = (name) => svgElement("line", { class: name });
    this.lines = { first: line("edge"), second: line("edge"), low: line("rung"), high: line("rung"), span: line("span") };
    this.march = svgElement("path", { class: "march" });
    this.root = svgElement("g", { class: "caliper" }, this.march, ...Object.values(this.lines), this.label, ...this.handles);
    this.words = words;
  }

  /** Return the place in time and amplitude of a point of the drawing. */
  where([x, y], cell) {
    const { paper } = this.pane.view;
    return { t: paper.t(cell, this.pane.mm(x, "x")), v: paper.v(cell, this.pane.mm(y, "y")) * cell.sign };
  }

  dragEnd(end, at) {
    const { caliper, pane } = this;
    const cell = this.cell();
    const from = pane.held.alt && this.before ? this.before : null;
    const point = from ? [from[0] + (at[0] - this.asked[0]) * FINE, from[1] + (at[1] - this.asked[1]) * FINE] : at;
    [this.before, this.asked] = [point, at];
    let { t, v } = this.where(point, cell);
    if (pane.snapping) {
      const lead = pane.signal.leads.indexOf(caliper.lead);
      const peak = pane.signal.peakNear(lead, t, SNAP_PX / pane.pxPerS());
      if (peak) ({ t, v } = peak);
    }
    if (pane.held.shift) {
      const [wide, high] = [Math.abs(t - caliper[`t${1 - end}`]) * pane.pxPerS(), Math.abs(v - caliper[`v${1 - end}`]) * pane.pxPerUnit()];
      if (wide >= high) v = caliper[`v${1 - end}`];
      else t = caliper[`t${1 - end}`];
    }
    caliper[`t${end}`] = t;
    caliper[`v${end}`] = v;
    pane.changed(caliper, false);
  }

  dragWhole([x, y]) {
    const { caliper, pane } = this;
    const [fromX, fromY] = this.from ?? [this.labelAt[0], this.labelAt[1]];
    this.from = [x, y];
    const [dt, dv] = [(x - fromX) / pane.pxPerS(), -((y - fromY) / pane.pxPerUnit()) * this.cell().sign];
    this.shift(dt, dv);
  }

  shift(dt, dv) {
    const { caliper } = this;
    caliper.t0 += dt;
    caliper.t1 += dt;
    caliper.v0 += dv;
    caliper.v1 += dv;
    this.pane.changed(caliper, false);
  }

  /** Move ends by arrow keys: 1 ms and 0.01 mV a step. */
  step(ends, [dx, dy]) {
    const { caliper, pane } = this;
    const up = pane.calibrated ? MV : STEP_AU * pane.height;
    for (const end of ends) {
      caliper[`t${end}`] += dx * MS;
      caliper[`v${end}`] -= dy * up * this.cell().sign;
    }
    pane.changed(caliper, false);
  }

  done() {
    [this.before, this.asked, this.from] = [null, null, null];
    this.pane.changed(this.caliper, true);
  }

  cell() {
    const { caliper, pane } = this;
    return pane.view.paper.cellOf(caliper.lead, (caliper.t0 + caliper.t1) / 2, caliper.rhythm);
  }

  /** Put everything where it belongs on the paper as it is now. */
  place(number, chosen) {
    const { caliper, pane, words } = this;
    const cell = caliper.view === pane.state.view ? this.cell() : null;
    set(this.root, { hidden: !cell, style: cell ? null : "display:none" });
    if (!cell) return;
    const { paper } = pane.view;
    const point = (end) => [
      pane.px(paper.x(cell, caliper[`t${end}`]), "x"),
      pane.px(paper.y(cell, caliper[`v${end}`] * cell.sign), "y"),
    ];
    const [[x0, y0], [x1, y1]] = [point(0), point(1)];
    const full = [0, pane.view.height];
    const [top, bottom] = chosen ? full : [Math.min(y0, y1) - 12, Math.max(y0, y1) + 12];
    const line = (name, ax, ay, bx, by) => set(this.lines[name], { x1: ax, y1: ay, x2: bx, y2: by });
    line("first", x0, top, x0, bottom);
    line("second", x1, top, x1, bottom);
    line("span", x0, (y0 + y1) / 2, x1, (y0 + y1) / 2);
    const [from, to] = [Math.min(x0, x1) - 6, Math.max(x0, x1) + 6];
    line("low", from, y0, to, y0);
    line("high", from, y1, to, y1);
    this.handles[0].place(x0, y0);
    this.handles[1].place(x1, y1);
    this.placeLabel([x0, y0], [x1, y1]);
    set(this.march, { d: caliper.march ? this.marched(x0, x1) : "" });
    this.root.classList.toggle("chosen", chosen);
    const values = { n: number, reading: shortWords(caliper, words, pane.calibrated), lead: caliper.lead };
    this.handles.forEach((handle, end) => handle.rename(fill(end ? words.handle_second : words.handle_first, values)));
    this.label.rename(fill(words.handle_whole, values));
  }

  placeLabel([x0, y0], [x1, y1]) {
    const { pane } = this;
    const [plate, reading] = this.label.children;
    reading.textContent = shortWords(this.caliper, this.words, pane.calibrated);
    const wide = reading.getComputedTextLength() + 12;
    const x = Math.min(Math.max(Math.max(x0, x1) + 10, 2), pane.view.width - wide - 2);
    const y = Math.min(Math.max(Math.min(y0, y1) - LABEL_PX - 8, 2), pane.view.height - LABEL_PX - 2);
    set(plate, { width: wide });
    set(reading, { x: 6, y: LABEL_PX - 5 });
    this.labelAt = [x, y];
    this.label.place(x, y);
  }

  /** Return the strokes that repeat a caliper's span over the whole pane. */
  marched(x0, x1) {
    const { width, height } = this.pane.view;
    const [first, step] = [Math.min(x0, x1), Math.abs(x1 - x0)];
    if (step < 4) return "";
    const strokes = [];
    for (let x = first - Math.floor(first / step) * step; x < width; x += step) strokes.push(`M${x.toFixed(1)} 0V${height}`);
    return strokes.join("");
  }
}
