// What is drawn over a pane: points in time and amplitude, whatever speed, gain and layout they are seen at.

import { fill, set, svgElement } from "../common/elements.js";
import { makeHandle } from "../common/handles.js";

export const LABEL_PX = 19; // height of the plate with what is said
const ON_PAPER = 40; // letters of words on the paper; the list has all of them
const EDGE_PX = 2;

/** Return something new of a kind from a place on. view : "strip" or "beats", as time counts from the beginning or from R */
export function newItem(kind, place, view) {
  const { cell, t, v } = place;
  const id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  const { lead, rhythm } = cell;
  return { id, kind, lead, rhythm, view, t0: t, t1: t, v0: v, v1: v, text: "", measures: "interval", count: 1, march: false };
}

/** Return words as they fit on the paper. */
export function shortened(words) {
  return words.length > ON_PAPER ? `${words.slice(0, ON_PAPER - 1).trimEnd()}…` : words;
}

/** The drawing of one annotation in a pane; each kind places its own lines. */
export class TraceDrawing {
  constructor(item, pane) {
    Object.assign(this, { item, pane, words: pane.words });
    this.plate = svgElement("rect", { class: "plate", rx: 3, height: LABEL_PX });
    this.reading = svgElement("text", { class: "reading", x: 6, y: LABEL_PX - 5 });
    this.label = this.makeHandle([0, 1], (at) => this.dragWhole(at));
    this.label.replaceChildren(this.plate, this.reading);
    this.root = svgElement("g", { class: item.kind });
  }

  makeHandle(ends, drag) {
    const { item, pane } = this;
    return makeHandle({
      name: "",
      drag,
      step: (by) => this.step(ends, by),
      done: () => this.done(),
      remove: () => pane.remove(item),
      chosen: () => pane.choose(item),
    });
  }

  /** Return by how much an arrow key moves an end: {t, v}. */
  get stepSize() {
    return { t: 0.01, v: 0 };
  }

  /** Return the place in time and amplitude of a point of the drawing. */
  where([x, y], cell) {
    const { paper } = this.pane.view;
    return { t: paper.t(cell, this.pane.mm(x, "x")), v: paper.v(cell, this.pane.mm(y, "y")) * cell.sign };
  }

  /** Return the point of the drawing of an end. */
  pointOf(end, cell) {
    const { item, pane } = this;
    const { paper } = pane.view;
    return [pane.px(paper.x(cell, item[`t${end}`]), "x"), pane.px(paper.y(cell, item[`v${end}`] * cell.sign), "y")];
  }

  /** Return the cell that shows most of it; null where none does. */
  cell() {
    return this.pane.view.paper.cellOf(this.item);
  }

  /** Return whether its lead is drawn upside down, as a sign. */
  get sign() {
    return this.cell()?.sign ?? 1;
  }

  dragWhole([x, y]) {
    const { pane } = this;
    const [fromX, fromY] = this.from ?? this.labelAt;
    this.from = [x, y];
    this.shift([0, 1], (x - fromX) / pane.pxPerS(), -((y - fromY) / pane.pxPerUnit()) * this.sign);
  }

  step(ends, [dx, dy]) {
    const { t, v } = this.stepSize;
    this.shift(ends, dx * t, -dy * v * this.sign);
  }

  /** Move ends together, as far as the recording reaches; the middle of the whole stays where its lead is shown. */
  shift(ends, dt, dv) {
    const { item, pane } = this;
    const cell = this.cell();
    if (!cell) return;
    const [first, last] = pane.limits;
    const times = ends.map((end) => item[`t${end}`]);
    const middle = ends.length > 1 ? (times[0] + times[1]) / 2 : null;
    const least = Math.max(first - Math.min(...times), middle === null ? -Infinity : cell.t0 - middle);
    const most = Math.min(last - Math.max(...times), middle === null ? Infinity : cell.t1 - middle);
    const by = Math.min(Math.max(dt, least), most);
    for (const end of ends) {
      item[`t${end}`] += by;
      item[`v${end}`] += dv;
    }
    pane.changed(item, false);
  }

  done() {
    this.from = null;
    this.pane.changed(this.item, true);
  }

  /** Put everything where it belongs on the paper as it is now. */
  place(number, chosen) {
    const cell = this.item.view === this.pane.state.view ? this.cell() : null;
    set(this.root, { style: cell ? null : "display:none" });
    if (!cell) return;
    this.root.classList.toggle("chosen", chosen);
    this.placeOn(cell, chosen);
    this.rename(number);
  }

  /** Write what is said on a plate at a place, inside the pane. */
  placeLabel(words, [x, y]) {
    const { width, height } = this.pane.view;
    if (this.said !== words) {
      this.reading.textContent = this.said = words;
      this.wide = this.reading.getComputedTextLength() + 12; // measured once, as it lays the page out
    }
    const inside = (at, most) => Math.min(Math.max(at, EDGE_PX), most - EDGE_PX);
    this.labelAt = [inside(x, width - this.wide), inside(y, height - LABEL_PX)];
    set(this.plate, { width: this.wide });
    this.label.place(...this.labelAt);
  }

  /** Name the handles for a screen reader. */
  rename(number) {
    const { words, item } = this;
    const values = { name: words[`name_${item.kind}`], n: number, lead: item.lead, reading: this.said };
    this.handles.forEach((handle, end) => handle.rename(fill(end ? words.handle_second : words.handle_first, values)));
    this.label.rename(fill(words.handle_whole, values));
  }
}
