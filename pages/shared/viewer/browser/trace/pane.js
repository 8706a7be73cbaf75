// One paper that scrolls: canvas, what is drawn over it, names of what is shown, and the line of settings.

import { element, fill, set, svgElement } from "../common/elements.js";
import { followSize } from "../common/mounting.js";
import { CaliperDrawing } from "./calipers.js";
import { newItem } from "./drawing.js";
import { beatsScale, pageAt, scaleOf, suiting } from "./fitting.js";
import { beatPlaces, drawPaper } from "./ink.js";
import { NoteDrawing, StretchDrawing } from "./notes.js";
import { MM_PER_MV, MM_PER_S, beatsPaper, pulsePaper, stripPaper } from "./paper.js";

const PULSE_PX_PER_MM = 4;
const FIRST_SPAN_S = 0.4; // of what is put down by a button or a key
const DRAWINGS = { caliper: CaliperDrawing, stretch: StretchDrawing, text: NoteDrawing };
const NEAR_BEAT_PX = 9;

/**
 * One pane.
 *
 * panel  : what the server says of the recording; null where the pane shows median beats of `complexes`
 * state  : of the viewer: view, speed, gain, layout, zoom, tool, what is drawn …
 * events : {redraw(), changed(item, done), choose(item), remove(item), ask(item), dropTool(), scrolled(pane)}
 */
export class Pane {
  constructor(panel, number, { state, words, colours, complexes, events }) {
    Object.assign(this, { panel, number, state, words, colours, complexes, events, held: {}, curves: [], start: 0 });
    this.drawings = new Map();
    this.canvas = element("canvas");
    this.marks = svgElement("svg", { class: "marks", role: "none" }); // calipers name themselves in words below
    this.tip = element("div", { class: "tip", hidden: true });
    this.stage = element("div", { class: "stage" }, this.canvas, this.marks, this.tip);
    this.spacer = element("div", { class: "spacer" }, this.stage);
    this.scroller = element("div", { class: "scroller", tabindex: 0, role: "group" }, this.spacer);
    this.head = element("div", { class: "head" });
    this.foot = element("div", { class: "foot" });
    this.legend = element("div", { class: "legend", hidden: true });
    this.root = element("section", { class: `pane ${panel?.side ?? ""}` }, this.head, this.scroller, element("div", { class: "under" }, this.foot, this.legend));
    this.scroller.addEventListener("scroll", () => events.scrolled(this));
    this.scroller.addEventListener("keydown", (event) => this.keepArrows(event));
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

  /**
   * Return how long the page is, s, whether it turns (it is shorter than the recording), and whether scrolling moves it
   * through the recording with all leads in sight; an overview moves that of a long recording.
   */
  get page() {
    const { panel } = this;
    if (this.beating) return { seconds: 0, turns: false, slides: false };
    const seconds = this.pulse ? panel.seconds : (this.pageSeconds ?? panel.seconds);
    const turns = seconds < panel.seconds - 0.01;
    return { seconds, turns, slides: turns && !panel.overview };
  }

  /** Return where the page begins, s: 0 where one page holds all of the recording. */
  get begin() {
    return this.page.turns ? this.start : 0;
  }

  get size() {
    return { width: this.scroller.clientWidth, height: this.scroller.clientHeight };
  }

  paperAt(speed, gain) {
    if (this.beating) return beatsPaper(this.complexes, { speed, gain });
    if (this.pulse) return pulsePaper(this.panel, { speed });
    return stripPaper(this.panel, this.layout, { speed, gain, start: this.begin, seconds: this.page.seconds });
  }

  /** Return what suits an ECG's pane until somebody chooses: {layout, gain, px}. usual : the layout at first */
  suiting(usual) {
    return suiting(this.panel, usual, this.size);
  }

  /** Return pixels a millimetre of the layout. gain : at which the rows are to fit */
  fit(gain) {
    if (this.beating) return beatsScale(this.paperAt(2 * MM_PER_S, MM_PER_MV), this.size);
    return scaleOf(this.panel, this.layout, gain, this.size);
  }

  /** Lay the paper out for the pane's size. scale : pixels a millimetre at the usual zoom */
  lay(scale) {
    const { width, height } = this.size;
    if (!width || !height) return false;
    const { state } = this;
    const px = this.pulse ? PULSE_PX_PER_MM : scale * state.zoom;
    const keep = this.view && !this.beating ? this.seen()[0] : null;
    if (!this.pulse && !this.beating) this.turnPage({ speed: state.speeds.strip, gain: state.gain, px, width }, keep);
    const paper = this.pulse
      ? this.paperAt((width / px - 6) / Math.min(state.span, this.panel.seconds), MM_PER_MV)
      : this.paperAt(state.speeds[state.view], state.gain);
    if (this.pulse) paper.stretch(height / px, this.rangeSeen(paper, px, width));
    else paper.spread(height / px);
    const whole = [(paper.margin + paper.width) * px, paper.height * px];
    const hidden = this.page.slides ? (this.panel.seconds - this.page.seconds) * paper.speed * px : 0; // seconds out of sight
    set(this.spacer, { style: `width:${Math.max(whole[0], width) + hidden}px;height:${Math.max(whole[1], height)}px` });
    set(this.stage, { style: `width:${width}px;height:${height}px`, "data-px-per-mm": px, "data-margin-mm": paper.margin });
    set(this.stage, { "data-bases-mm": paper.bases.map((base) => base.toFixed(4)).join(" ") });
    this.view = { paper, scale: px, width, height, left: 0, top: 0, colours: this.colours };
    const laid = `${px} ${paper.speed} ${this.page.seconds}`;
    if (keep !== null && this.laid !== laid) this.showFrom(keep);
    this.laid = laid;
    return true;
  }

  /** Find the page's length, and its beginning where scrolling moves it. keep : second that was shown first, or null */
  turnPage(paper, keep) {
    this.pageSeconds = pageAt(this.panel, this.layout, paper);
    if (!this.page.slides) return;
    const perS = paper.speed * paper.px;
    const same = this.laid === `${paper.px} ${paper.speed} ${this.page.seconds}`;
    const start = same || keep === null ? this.scroller.scrollLeft / perS : keep;
    this.start = Math.min(Math.max(start, 0), this.panel.seconds - this.page.seconds);
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
    this.scroller.scrollLeft = this.page.slides ? t * this.pxPerS() : paper.x(paper.cells[0], t) * scale;
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
    Object.assign(view, { left: this.page.slides ? 0 : scroller.scrollLeft, top: scroller.scrollTop, curves: this.curves });
    Object.assign(view, { beats: this.beating ? null : this.beats, overlay: this.beating ? null : this.overlay });
    view.marks = this.beating ? this.complexes.marks : null;
    view.seconds = this.pulse || (!this.beating && this.panel.seconds > 12 && !this.page.turns);
    set(this.stage, { "data-leads": view.paper.leadsInSight(view).join(" ") }); // as the bases: for tests and the bench
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const ink = canvas.getContext("2d", { alpha: false });
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawPaper(ink, view);
    this.drawItems();
    this.describe();
  }

  /** Say in words what is drawn, over and under it. */
  describe() {
    const { panel, state, words } = this;
    const settings = this.beating ? this.complexes.settings : panel.settings;
    const values = { speed: state.speeds[state.view], gain: state.gain, layout: this.pulse || this.beating ? "" : this.layout.name };
    const foot = this.pulse ? panel.settings : fill(settings, values);
    const said = [foot, this.partWords()].filter(Boolean).join(" · ");
    if (this.foot.textContent !== said) this.foot.textContent = said;
    const alt = fill(this.beating ? this.complexes.alt : panel.alt, values);
    set(this.canvas, { role: "img", "aria-label": alt });
    set(this.scroller, { "aria-label": panel?.title || words.paper });
  }

  /** Say which part of the recording is in sight, and how the rest comes; "" where all of it is. */
  partWords() {
    const { words, page, scroller } = this;
    if (page.slides) {
      return fill(words.part, { from: this.start.toFixed(1), to: (this.start + page.seconds).toFixed(1), whole: this.panel.seconds.toFixed(0) });
    }
    const from = page.turns ? fill(words.from, { start: this.start.toFixed(1) }) : "";
    const scrolls = scroller.scrollWidth > scroller.clientWidth + 1 || scroller.scrollHeight > scroller.clientHeight + 1;
    return [from, scrolls && !this.panel?.overview ? words.scroll : ""].filter(Boolean).join(" · ");
  }

  drawItems() {
    const { state, view } = this;
    set(this.marks, { width: view.width, height: view.height });
    set(this.stage, { "data-tool": this.tool });
    const own = state.drawn.filter((one) => one.pane === this.number);
    for (const [item, drawing] of this.drawings) {
      if (own.includes(item)) continue;
      drawing.root.remove();
      this.drawings.delete(item);
    }
    for (const item of own) {
      if (!this.drawings.has(item)) {
        const drawing = new DRAWINGS[item.kind](item, this);
        this.drawings.set(item, drawing);
        this.marks.append(drawing.root);
      }
      this.drawings.get(item).place(state.drawn.indexOf(item) + 1, state.chosen === item.id);
    }
  }

  focus(item) {
    this.drawings.get(item)?.handles.at(-1).focus({ preventScroll: true });
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

  get tool() {
    return this.beating ? "caliper" : this.state.tool;
  }

  get snapping() {
    return this.state.snap;
  }

  /** Return the height of the pane in the curve's own unit. */
  get height() {
    return this.view.height / this.pxPerUnit();
  }

  /** Return between which times something may be drawn, s. */
  get limits() {
    return this.beating ? [-Infinity, Infinity] : [0, this.panel.seconds];
  }

  within(t) {
    const [first, last] = this.limits;
    return Math.min(Math.max(t, first), last);
  }

  changed(item, done) {
    if (done) this.drawItems();
    this.events.changed(item, done);
  }

  choose(item) {
    this.events.choose(item);
  }

  remove(item) {
    this.events.remove(item);
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

  add(item) {
    const { state } = this;
    item.pane = this.number;
    state.drawn.push(item);
    state.chosen = item.id;
    this.drawItems();
  }

  /** Arrow keys scroll paper that has more, instead of going to the next case of the page. */
  keepArrows(event) {
    const { scroller } = this;
    const more = scroller.scrollWidth > scroller.clientWidth + 1;
    if (event.target === scroller && more && ["ArrowLeft", "ArrowRight"].includes(event.key)) event.stopPropagation();
  }

  /** Put something down in the middle of what is seen. */
  addInMiddle(kind) {
    const { view } = this;
    const place = this.placeAt([(view.width + view.paper.margin * view.scale) / 2, view.height / 2]);
    if (kind === "text") return void this.addText(place);
    const half = Math.min(FIRST_SPAN_S / 2, view.width / this.pxPerS() / 6);
    const { t0, t1 } = place.cell;
    const t = Math.min(Math.max(place.t, t0 + half), t1 - half); // all of it where its lead is shown
    const item = { ...newItem(kind, { ...place, v: 0 }, this.state.view), t0: t - half, t1: t + half };
    this.add(item);
    this.events.changed(item, true);
    this.focus(item);
  }

  addText(place) {
    const item = newItem("text", { ...place, t: this.within(place.t) }, this.state.view);
    this.add(item);
    this.events.ask(item);
  }

  /** A mouse or a pen draws from where it is pressed; a finger moves the paper unless a tool is chosen. */
  listen() {
    let pressed = null;
    const { stage } = this;
    const hold = (event) => (this.held = { shift: event.shiftKey, alt: event.altKey });
    stage.addEventListener("pointermove", hold, true);
    stage.addEventListener("pointerdown", (event) => {
      const { tool } = this;
      const touch = event.pointerType === "touch";
      if (event.button !== 0 || (touch && tool === "caliper") || !this.view || !this.curves.length) return;
      const from = this.pointAt(event);
      if (from[0] < this.view.paper.margin * this.view.scale) return;
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      pressed = { from, tool, touch, place: this.placeAt(from), item: null };
    });
    stage.addEventListener("pointermove", (event) => {
      const at = this.pointAt(event);
      if (pressed) this.drag(pressed, at);
      else this.tellBeat(at);
    });
    const release = (event) => {
      const ended = pressed;
      pressed = null;
      if (ended) this.release(ended, event.type === "pointercancel");
    };
    stage.addEventListener("pointerup", release);
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("pointerleave", () => set(this.tip, { hidden: true }));
  }

  /** Draw with the tool from where it was pressed to a place. */
  drag(pressed, at) {
    const way = [at[0] - pressed.from[0], at[1] - pressed.from[1]];
    if (pressed.tool === "text" || (!pressed.item && Math.hypot(...way) < 3)) return;
    if (!pressed.item) {
      pressed.item = newItem(pressed.tool, pressed.place, this.state.view);
      this.add(pressed.item);
    }
    const drawing = this.drawings.get(pressed.item);
    drawing?.dragEnd(1, at);
    drawing?.straighten?.(way);
  }

  release({ item, tool, touch, place }, cancelled) {
    if (item) {
      this.drawings.get(item)?.done();
      if (tool === "stretch") this.focus(item);
    } else if (tool === "text" && !cancelled) this.addText(place);
    else this.events.choose(null);
    if (touch && !cancelled) this.events.dropTool();
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
