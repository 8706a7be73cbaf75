// Calipers over a pane: two points whose distance in time and amplitude is read.

import { set, svgElement } from "../common/elements.js";
import { LABEL_PX, TraceDrawing } from "./drawing.js";
import { shortWords } from "./readings.js";

const FLAT_PX = 3; // a caliper that is drawn so level measures time alone, one so upright amplitude alone
const SNAP_PX = 7;
const [MS, MV, STEP_AU] = [0.001, 0.01, 0.02]; // by one arrow key; the last as a share of the curve's height
const FINE = 0.1; // of a pointer's way with Alt

/** The drawing of one caliper in a pane. */
export class CaliperDrawing extends TraceDrawing {
  constructor(item, pane) {
    super(item, pane);
    this.handles = [0, 1].map((end) => this.makeHandle([end], (at) => this.dragEnd(end, at)));
    const line = (name) => svgElement("line", { class: name });
    this.lines = { first: line("edge"), second: line("edge"), low: line("rung"), high: line("rung"), span: line("span") };
    this.march = svgElement("path", { class: "march" });
    this.root.append(this.march, ...Object.values(this.lines), this.label, ...this.handles);
  }

  /** 1 ms and 0.01 mV. */
  get stepSize() {
    return { t: MS, v: this.pane.calibrated ? MV : STEP_AU * this.pane.height };
  }

  dragEnd(end, at) {
    const { item, pane } = this;
    const cell = this.cell();
    const from = pane.held.alt && this.before ? this.before : null;
    const point = from ? [from[0] + (at[0] - this.asked[0]) * FINE, from[1] + (at[1] - this.asked[1]) * FINE] : at;
    [this.before, this.asked] = [point, at];
    let { t, v } = this.where(point, cell);
    if (pane.snapping) {
      const lead = pane.signal.leads.indexOf(item.lead);
      const peak = pane.signal.peakNear(lead, t, SNAP_PX / pane.pxPerS());
      if (peak) ({ t, v } = peak);
    }
    if (pane.held.shift) {
      const [wide, high] = [Math.abs(t - item[`t${1 - end}`]) * pane.pxPerS(), Math.abs(v - item[`v${1 - end}`]) * pane.pxPerUnit()];
      if (wide >= high) v = item[`v${1 - end}`];
      else t = item[`t${1 - end}`];
    }
    item[`t${end}`] = pane.within(t);
    item[`v${end}`] = v;
    pane.changed(item, false);
  }

  /** Keep a caliper that was drawn nearly level or upright exactly so. */
  straighten([dx, dy]) {
    const { item } = this;
    if (Math.abs(dy) <= FLAT_PX && Math.abs(dx) > 4 * FLAT_PX) item.v1 = item.v0;
    if (Math.abs(dx) <= FLAT_PX && Math.abs(dy) > 4 * FLAT_PX) item.t1 = item.t0;
  }

  done() {
    [this.before, this.asked] = [null, null];
    super.done();
  }

  placeOn(cell, chosen) {
    const { item, pane, words } = this;
    const [[x0, y0], [x1, y1]] = [this.pointOf(0, cell), this.pointOf(1, cell)];
    const [top, bottom] = chosen ? [0, pane.view.height] : [Math.min(y0, y1) - 12, Math.max(y0, y1) + 12];
    const line = (name, ax, ay, bx, by) => set(this.lines[name], { x1: ax, y1: ay, x2: bx, y2: by });
    line("first", x0, top, x0, bottom);
    line("second", x1, top, x1, bottom);
    line("span", x0, (y0 + y1) / 2, x1, (y0 + y1) / 2);
    const [from, to] = [Math.min(x0, x1) - 6, Math.max(x0, x1) + 6];
    line("low", from, y0, to, y0);
    line("high", from, y1, to, y1);
    this.handles[0].place(x0, y0);
    this.handles[1].place(x1, y1);
    this.placeLabel(shortWords(item, words, pane.calibrated), [Math.max(x0, x1) + 10, Math.min(y0, y1) - LABEL_PX - 8]);
    set(this.march, { d: item.march ? this.marched(x0, x1) : "" });
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
