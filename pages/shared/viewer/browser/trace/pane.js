// One paper that scrolls: canvas, calipers over it, names of what is shown, and the line of settings.

import { element, fill, set, svgElement } from "../common/elements.js";
import { followSize } from "../common/mounting.js";
import { CaliperDrawing, newCaliper, straighten } from "./calipers.js";
import { beatPlaces, drawPaper } from "./ink.js";
import { MM_PER_MV, MM_PER_S, beatsPaper, pageLength, pulsePaper, stripPaper } from "./paper.js";

const SMALLEST_PX_PER_MM = 2.3; // at which a whole page is still shown
const LEAST_PX_PER_MM = 2.5; // of paper that scrolls
const READ_PX_PER_MM = 3.5; // that it scrolls at where the height allows
const MOST_PX_PER_MM = 9;
const PULSE_PX_PER_MM = 4;
const MOST_CALIPERS = 12;
const FIRST_SPAN_S = 0.4; // of a caliper that is put down by a button
const NEAR_BEAT_PX = 9;

/**
 * One pane.
 *
 * panel  : what the server says of the recording; null where the pane shows median beats of `complexes`
 * state  : of the viewer: view, speed, gain, layout, zoom, calipers …
 * events : {redraw(), changed(caliper, done), choose(caliper), remove(caliper), scrolled(pane)}
 */
export class Pane {
  constructor(panel, number, { state, words, colours, complexes, events }) {
    Object.assign(this, { panel, number, state, words, colours, complexes, events, held: {}, curves: [], start: 0 });
    this.drawings = new Map();
    this.canvas = element("canvas", { role: "img" });
    this.marks = svgElement("svg", { class: "marks" });
    this.tip = element("div", { class: "tip", hidden: true });
    this.stage = element("div", { class: "stage" }, this.canvas, this.marks, this.tip);
    this.spacer = element("div", { class: "spacer" }, this.stage);
    this.scroller = element("div", { class: "scroller", tabindex: 0, role: "group" }, this.spacer);
    this.head = element("div", { class: "head" });
    this.foot = element("div", { class: "foot" });
    this.legend = element("div", { class: "legend", hidden: true });
    this.root = element("section", { class: `pane ${panel?.side ?? ""}` }, this.head, this.scroller, element("div", { class: "under" }, this.foot, this.legend));
    this.scroller.addEventListener("scroll", () => events.scrolled(this));
    this.listen();
    this.stop = followSize(this.scroller, () => events.redraw());
  }

  close() {
    this.stop();
  }

  get signal() {
    return this.curves[0]?.signal;
  }

  get pulse() {
    return this.panel?.pulse ?? false;
  }

  get units() {
    return (this.panel ?? this.complexes).units;
  }

  get calibrated() {
    return this.units === "mV";
  }

  get beating() {
    return this.state.view === "beats" && !this.pulse;
  }

  get layout() {
    const { layouts } = this.panel;
    return layouts[this.state.layout] ?? Object.values(layouts)[0];
  }

  /** Return how long the paper is, s, and whether the overview moves the page instead of the paper. */
  get page() {
    const seconds = this.pulse ? this.panel.seconds : pageLength(this.layout, this.panel.seconds);
    return { seconds, turns: seconds < this.panel.seconds - 0.01 };
  }

  /** Return where the page begins, s: 0 where one page holds all of the recording. */
  get begin() {
    return this.page.turns ? this.start : 0;
  }

  paperAt(speed, gain) {
    if (this.beating) return beatsPaper(this.complexes, { speed, gain });
    if (this.pulse) return pulsePaper(this.panel, { speed });
    return stripPaper(this.panel, this.layout, { speed, gain, start: this.begin });
  }

  /**
   * Return pixels a millimetre at which a usual page fits. Where they would be too few to read, the paper scrolls at
   * a scale at which it can be read.
   */
  fit(width, height) {
    const usual = this.paperAt(this.beating ? 2 * MM_PER_S : MM_PER_S, MM_PER_MV);
    const wide = this.beating ? usual.width : Math.min(usual.width, Math.min(this.page.seconds, 10) * MM_PER_S + 2);
    const [across, down] = [(0.999 * width) / (usual.margin + wide), (0.999 * height) / usual.needed];
    const whole = Math.min(across, down);
    if (whole >= SMALLEST_PX_PER_MM) return Math.min(whole, MOST_PX_PER_MM);
    return Math.min(Math.max(down, LEAST_PX_PER_MM), READ_PX_PER_MM);
  }

  /** Lay the paper out for the pane's size. scale : pixels a millimetre that linked panes share, else null */
  lay(scale) {
    const [width, height] = [this.scroller.clientWidth, this.scroller.clientHeight];
    if (!width || !height) return false;
    const px = this.pulse ? PULSE_PX_PER_MM : (scale ?? this.fit(width, height)) * this.state.zoom;
    const { state } = this;
    const paper = this.pulse
      ? this.paperAt((width / px - 6) / Math.min(state.span, this.panel.seconds), MM_PER_MV)
      : this.paperAt(state.speeds[state.view], state.gain);
    if (this.pulse) paper.stretch(height / px, this.rangeSeen(paper, px, width));
    else paper.spread(height / px);
    const whole = [(paper.margin + paper.width) * px, paper.height * px];
    const keep = this.view && !this.beating ? this.seen()[0] : null;
    set(this.spacer, { style: `width:${Math.max(whole[0], width)}px;height:${Math.max(whole[1], height)}px` });
    set(this.stage, { style: `width:${width}px;height:${height}px`, "data-px-per-mm": px, "data-margin-mm": paper.margin });
    set(this.stage, { "data-bases-mm": paper.bases.map((base) => base.toFixed(4)).join(" ") }); // for tests and the bench
    this.view = { paper, scale: px, width, height, left: 0, top: 0, colours: this.colours };
    if (keep !== null && this.laid !== `${px} ${paper.speed}`) this.showFrom(keep);
    this.laid = `${px} ${paper.speed}`;
    return true;
  }

  /** Return the lowest and highest of what is seen of a pulse. */
  rangeSeen(paper, px, width) {
    const t = (x) => paper.t(paper.cells[0], (this.scroller.scrollLeft + x) / px);
    const range = this.signal.range(0, this.signal.index(t(0)), this.signal.index(t(width)));
    return range[0] < range[1] ? range : [-1, 1];
  }

  /** Scroll so that a time stands at the margin. */
  showFrom(t) {
    const { paper, scale } = this.view;
    this.scroller.scrollLeft = paper.x(paper.cells[0], t) * scale;
  }

  /** Return the times between which the paper is seen, s. */
  seen() {
    const { paper, scale, width, left } = this.view;
    const [cell] = paper.cells;
    const first = paper.t(cell, left / scale);
    const last = paper.t(cell, (left + width) / scale - paper.margin);
    return [Math.max(first, this.begin), Math.min(last, this.begin + this.page.seconds)];
  }

  draw(scale) {
    if (!this.curves.length || !this.lay(scale)) return;
    const { view, canvas, scroller } = this;
    Object.assign(view, { left: scroller.scrollLeft, top: scroller.scrollTop, curves: this.curves });
    Object.assign(view, { beats: this.beating ? null : this.beats, overlay: this.beating ? null : this.overlay });
    view.marks = this.beating ? this.complexes.marks : null;
    view.seconds = this.pulse || (!this.beating && this.panel.seconds > 12 && !this.page.turns);
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const ink = canvas.getContext("2d", { alpha: false });
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawPaper(ink, view);
    this.drawCalipers();
    this.describe();
  }

  /** Say in words what is drawn, over and under it. */
  describe() {
    const { panel, state, words } = this;
    const settings = this.beating ? this.complexes.settings : panel.settings;
    const values = { speed: state.speeds[state.view], gain: state.gain, layout: this.pulse || this.beating ? "" : this.layout.name };
    const foot = this.pulse ? panel.settings : fill(settings, values);
    const from = !this.beating && this.page.turns ? ` · ${fill(words.from, { start: this.start.toFixed(1) })}` : "";
    if (this.foot.textContent !== foot + from) this.foot.textContent = foot + from;
    const alt = fill(this.beating ? this.complexes.alt : panel.alt, values);
    if (canvasName(this.canvas) !== alt) set(this.canvas, { "aria-label": alt });
    set(this.scroller, { "aria-label": panel?.title || words.paper });
  }

  drawCalipers() {
    const { state, view } = this;
    set(this.marks, { width: view.width, height: view.height });
    const own = state.calipers.filter((one) => one.pane === this.number);
    for (const [caliper, drawing] of this.drawings) {
      if (own.includes(caliper)) continue;
      drawing.root.remove();
      this.drawings.delete(caliper);
    }
    for (const caliper of own) {
      if (!this.drawings.has(caliper)) {
        const drawing = new CaliperDrawing(caliper, this);
        this.drawings.set(caliper, drawing);
        this.marks.append(drawing.root);
      }
      this.drawings.get(caliper).place(state.calipers.indexOf(caliper) + 1, state.chosen === caliper.id);
    }
  }

  px(mm, axis) {
    const { paper, scale, left, top } = this.view;
    return axis === "x" ? (mm + paper.margin) * scale - left : mm * scale - top;
  }

  mm(px, axis) {
    const { paper, scale, left, top } = this.view;
    return axis === "x" ? (px + left) / scale - paper.margin : (px + top) / scale;
  }

  pxPerS() {
    return this.view.paper.speed * this.view.scale;
  }

  pxPerUnit() {
    return this.view.paper.perUnit * this.view.scale;
  }

  get snapping() {
    return this.state.snap;
  }

  /** Return the height of the pane in the curve's own unit. */
  get height() {
    return this.view.height / this.pxPerUnit();
  }

  changed(caliper, done) {
    if (done) this.drawCalipers();
    this.events.changed(caliper, done);
  }

  choose(caliper) {
    this.events.choose(caliper);
  }

  remove(caliper) {
    this.events.remove(caliper);
  }

  /** Return the place of a pointer in the pane's pixels. */
  pointAt(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  placeAt([x, y]) {
    const { paper } = this.view;
    const cell = paper.cellAt(this.mm(x, "x"), this.mm(y, "y"));
    return { cell, x, y, t: paper.t(cell, this.mm(x, "x")), v: paper.v(cell, this.mm(y, "y")) * cell.sign };
  }

  add(caliper) {
    const { state } = this;
    caliper.pane = this.number;
    if (state.calipers.length >= MOST_CALIPERS) state.calipers.shift();
    state.calipers.push(caliper);
    state.chosen = caliper.id;
    this.drawCalipers();
  }

  /** Put a caliper down in the middle of what is seen. */
  addInMiddle() {
    const { view } = this;
    const place = this.placeAt([(view.width + view.paper.margin * view.scale) / 2, view.height / 2]);
    const half = Math.min(FIRST_SPAN_S / 2, view.width / this.pxPerS() / 6);
    const caliper = newCaliper({ ...place, v: 0 }, this.state.view);
    caliper.t0 -= half;
    caliper.t1 += half;
    this.add(caliper);
    this.events.changed(caliper, true);
    this.drawings.get(caliper).handles[1].focus();
  }

  /** A mouse or a pen draws a caliper from where it is pressed; a finger moves the paper. */
  listen() {
    let drawn = null;
    const { stage } = this;
    const hold = (event) => (this.held = { shift: event.shiftKey, alt: event.altKey });
    stage.addEventListener("pointermove", hold, true);
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch" || !this.view || !this.curves.length) return;
      const [startX, startY] = this.pointAt(event);
      if (startX < this.view.paper.margin * this.view.scale) return;
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      drawn = { startX, startY, place: this.placeAt([startX, startY]), caliper: null };
    });
    stage.addEventListener("pointermove", (event) => {
      const [x, y] = this.pointAt(event);
      if (!drawn) {
        this.tellBeat([x, y]);
        return;
      }
      if (!drawn.caliper) {
        if (Math.hypot(x - drawn.startX, y - drawn.startY) < 3) return;
        drawn.caliper = newCaliper(drawn.place, this.state.view);
        this.add(drawn.caliper);
      }
      const drawing = this.drawings.get(drawn.caliper);
      if (!drawing) return;
      drawing.dragEnd(1, [x, y]);
      straighten(drawn.caliper, { x, y, startX: drawn.startX, startY: drawn.startY });
    });
    const release = () => {
      if (drawn?.caliper) this.drawings.get(drawn.caliper)?.done();
      else if (drawn) this.events.choose(null);
      drawn = null;
    };
    stage.addEventListener("pointerup", release);
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("pointerleave", () => set(this.tip, { hidden: true }));
  }

  /** Read the interval before a beat that is pointed at. */
  tellBeat([x, y]) {
    const { beats, words } = this;
    if (!this.view?.beats) return;
    const near = beatPlaces(this.view, beats).find((one) => Math.hypot(one.x - x, one.y - 4 - y) < NEAR_BEAT_PX);
    set(this.tip, { hidden: !near });
    if (!near) return;
    const gap = beats.at[near.i] - beats.at[near.i - 1];
    const read = { ms: (gap * 1000).toFixed(0), rate: (60 / gap).toFixed(0) };
    this.tip.textContent = near.i ? fill(words.beat_hover, read) : words.beat;
    set(this.tip, { style: `left:${Math.min(near.x + 8, this.view.width - 220)}px;top:${Math.max(near.y - 34, 2)}px` });
  }
}

function canvasName(canvas) {
  return canvas.getAttribute("aria-label");
}
