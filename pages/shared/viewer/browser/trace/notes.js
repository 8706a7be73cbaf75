// Stretches of a lead and words beside a curve.

import { set, svgElement } from "../common/elements.js";
import { LABEL_PX, TraceDrawing, shortened } from "./drawing.js";
import { noteWords } from "./readings.js";

const [UP_MM, DOWN_MM] = [9, 5]; // that a stretch covers over and under 0 mV
const NOTE_STEP_MV = 0.05;

/** A stretch: a band over its lead from one time to another, in every cell that shows some of it. */
export class StretchDrawing extends TraceDrawing {
  constructor(item, pane) {
    super(item, pane);
    this.band = svgElement("path", { class: "band" });
    this.ends = svgElement("path", { class: "ends" });
    this.handles = [0, 1].map((end) => this.makeHandle([end], (at) => this.dragEnd(end, at)));
    this.root.append(this.band, this.ends, this.label, ...this.handles);
  }

  /** Return the cell that shows most of it, whichever row that is. */
  cell() {
    return this.pane.view.paper.cellsOf(this.item)[0] ?? null;
  }

  dragEnd(end, at) {
    const { item, pane } = this;
    const cell = this.cell();
    item[`t${end}`] = pane.within(Math.min(Math.max(this.where(at, cell).t, cell.t0), cell.t1));
    pane.changed(item, false);
  }

  placeOn(main) {
    const { item, pane, words } = this;
    const { paper } = pane.view;
    const [from, to] = [Math.min(item.t0, item.t1), Math.max(item.t0, item.t1)];
    const [bands, ends] = [[], []];
    for (const cell of paper.cellsOf(item)) {
      const x = (t) => pane.px(paper.x(cell, t), "x").toFixed(1);
      const [top, low] = [-UP_MM, DOWN_MM].map((mm) => pane.px(paper.bases[cell.row] + mm, "y").toFixed(1));
      bands.push(`M${x(Math.max(from, cell.t0))} ${top}H${x(Math.min(to, cell.t1))}V${low}H${x(Math.max(from, cell.t0))}Z`);
      for (const t of [from, to]) if (inside(t, cell)) ends.push(`M${x(t)} ${top}V${low}`);
    }
    set(this.band, { d: bands.join("") });
    set(this.ends, { d: ends.join("") });
    const top = pane.px(paper.bases[main.row] - UP_MM, "y");
    this.handles.forEach((handle, end) => {
      const t = item[`t${end}`];
      set(handle, { style: inside(t, main) ? null : "display:none" });
      handle.place(pane.px(paper.x(main, t), "x"), top);
    });
    const left = pane.px(paper.x(main, Math.max(from, main.t0)), "x");
    this.placeLabel(shortened(noteWords(item, words)), [left + 8, top - LABEL_PX - 3]);
  }
}

/** Words at a point of a lead. */
export class NoteDrawing extends TraceDrawing {
  constructor(item, pane) {
    super(item, pane);
    this.handles = [this.makeHandle([0, 1], (at) => this.dragEnd(at))];
    this.root.append(this.label, ...this.handles);
  }

  get stepSize() {
    return { t: 0.01, v: this.pane.calibrated ? NOTE_STEP_MV : NOTE_STEP_MV * this.pane.height };
  }

  dragEnd(at) {
    const { item, pane } = this;
    const { t, v } = this.where(at, this.cell());
    Object.assign(item, { t0: pane.within(t), t1: pane.within(t), v0: v, v1: v });
    pane.changed(item, false);
  }

  placeOn(cell) {
    const [x, y] = this.pointOf(0, cell);
    this.handles[0].place(x, y);
    this.placeLabel(shortened(noteWords(this.item, this.words)), [x + 10, y - LABEL_PX - 4]);
  }

  rename(number) {
    super.rename(number);
    this.handles[0].rename(this.label.getAttribute("aria-label"));
  }
}

function inside(t, cell) {
  return t >= cell.t0 - 0.001 && t <= cell.t1 + 0.001;
}
