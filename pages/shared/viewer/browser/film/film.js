// The film viewer: one film, or two under the same controls.

import { element, set } from "../common/elements.js";
import { followPointers } from "../common/gestures.js";
import { mounting, recall, redrawing } from "../common/mounting.js";
import { followKeys } from "../common/toolbar.js";
import { AnnotationList } from "./list.js";
import { FilmPanel } from "./panel.js";
import { FilmBar } from "./bar.js";
import { DRAWN, DrawingTool } from "./tools.js";
import { MIRROR, QUARTER, turned, wholeView } from "./view.js";

const DRAG_PX = 260; // a drag of so many pixels changes the window by its own width
const LEAST_SPAN = 0.04; // of the whole scale, that a drag reckons with
const SLOW_MS = 14; // a frame that takes longer is drawn coarsely while something moves
const REST_MS = 140;
const ZOOM_STEP = 1.25;
const PAN_STEP = 40; // pixels, by an arrow key
const WINDOW_STEP = 13;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const SIDES = ["st-key-compare-query", "st-key-compare-match"]; // what a browser finds the two of a pair by

class FilmViewer {
  constructor(host, tell) {
    Object.assign(this, { host, tell, panels: [], stops: [], shown: "" });
    this.redraw = redrawing(host, () => this.draw());
  }

  update(data) {
    const first = !this.data;
    this.data = data;
    this.host.style.height = data.height;
    const shown = data.panels.map((panel) => panel.url).join(" ");
    if (first || shown !== this.shown) this.rebuild(shown);
    data.panels.forEach((source, i) => {
      this.panels[i].setOverlay(source);
      this.list.take(i, source);
    });
    if (data.tells) this.tellWindows();
    this.redraw();
  }

  rebuild(shown) {
    this.close();
    this.shown = shown;
    const { data } = this;
    this.usual = matchMedia("(pointer: coarse)").matches ? "pan" : "window"; // what a drag does unless a tool is chosen
    this.state = recall(`${data.key} ${shown}`, () => ({
      tool: this.usual,
      panels: data.panels.map((panel) => ({ view: wholeView(), window: { ...panel.windows.full, name: "full" }, inverted: false })),
    }));
    this.active = 0;
    const changed = (i) => (phase) => this.drawn(i, phase);
    this.panels = data.panels.map(
      (source, i) => new FilmPanel(source, this.state.panels[i], data.words, { redraw: this.redraw, changed: changed(i) }),
    );
    this.tools = this.panels.map((panel) => new DrawingTool(panel, this.drawingEvents(panel)));
    this.list = new AnnotationList(this.panels, data.words, this.tell);
    this.bar = new FilmBar(this);
    if (this.panels.length === SIDES.length) this.panels.forEach((panel, i) => panel.root.classList.add(SIDES[i]));
    const films = element("div", { class: "films" }, ...this.panels.map((panel) => panel.root));
    this.host.replaceChildren(this.bar.root, films, this.list.root, this.list.said);
    this.panels.forEach((panel, i) => this.stops.push(followPointers(panel.root, this.gestures(i))));
    this.panels.forEach((panel, i) => panel.root.addEventListener("keydown", (event) => this.pressed(event, i)));
    this.panels.forEach((panel, i) => panel.root.addEventListener("focusin", () => this.activate(i)));
    this.panels.forEach((panel) => panel.root.addEventListener("dblclick", (event) => this.clickedTwice(event)));
    this.followSpace();
    if (data.keys.window) this.stops.push(followKeys(this.bar.actions()));
    this.choose(this.state.tool);
    this.activate(0);
  }

  close() {
    this.redraw.stop();
    clearTimeout(this.later);
    this.stops.forEach((stop) => stop());
    this.panels.forEach((panel) => panel.close());
    this.stops = [];
  }

  draw() {
    const { panels } = this;
    const spaced = panels.every((panel) => panel.source.spacing);
    const fits = panels.map((panel) => panel.fit);
    const together = spaced && this.data.linked ? Math.min(...fits) : null; // one scale in millimetres
    const begun = performance.now();
    const quick = this.slow && !this.fine;
    panels.forEach((panel, i) => panel.draw(together ?? fits[i], quick));
    if (!quick) this.slow = performance.now() - begun > SLOW_MS;
    this.fine = false;
    clearTimeout(this.later);
    if (quick) this.later = setTimeout(() => this.refine(), REST_MS);
    this.bar.show();
  }

  /** Draw finely once nothing has moved for a moment. */
  refine() {
    this.fine = true;
    this.redraw();
  }

  /** Return the panels that a change concerns: all where they are linked. */
  concerned(i) {
    return this.data.linked ? this.panels : [this.panels[i]];
  }

  changeView(i, change) {
    for (const panel of this.concerned(i)) if (panel.placement) panel.state.view = change(panel.placement);
    this.replace(i);
  }

  /** A gesture brings several changes between two frames, and each starts from the last. */
  replace(i) {
    for (const panel of this.concerned(i)) panel.placement = panel.placedBy(panel.scale);
    this.redraw();
  }

  changeWindow(i, dx, dy) {
    for (const { state, source } of this.concerned(i)) {
      const top = 2 ** source.bits - 1;
      const span = Math.max(state.window.high - state.window.low, LEAST_SPAN * top) / DRAG_PX;
      const width = Math.min(Math.max(state.window.high - state.window.low + dx * span, 1), 2 * top);
      const centre = Math.min(Math.max((state.window.low + state.window.high) / 2 + dy * span, 0), top);
      state.window = { low: centre - width / 2, high: centre + width / 2, name: "" };
    }
    this.redraw();
  }

  /** Tell the server which windows were set, once for each: what is exported shows the films as they are shown here. */
  tellWindows() {
    const windows = this.panels.map(({ state }) => ({ ...state.window, inverted: state.inverted }));
    const said = JSON.stringify(windows);
    const untouched = windows.every((one) => one.name === "full" && !one.inverted);
    if (said === this.told || (untouched && !this.told)) return;
    this.told = said;
    setTimeout(() => this.tell("windows", windows)); // after the drawing that asked for them
  }

  setWindow(name) {
    for (const { state, source } of this.concerned(this.active)) state.window = { ...source.windows[name], name };
    this.redraw();
  }

  invert() {
    const inverted = !this.panels[this.active].state.inverted;
    for (const { state } of this.concerned(this.active)) state.inverted = inverted;
    this.redraw();
  }

  /** Turn or mirror the film that was touched last: two films seldom lie wrongly in the same way. */
  turn(by) {
    const { state } = this.panels[this.active];
    state.view = { ...state.view, turn: turned(state.view.turn, by) };
    this.redraw();
  }

  quarter() {
    this.turn(QUARTER);
  }

  mirror() {
    this.turn(MIRROR);
  }

  clickedTwice(event) {
    if (!DRAWN.includes(this.state.tool) && !event.target.closest(".drawings, .ask")) this.reset();
  }

  /** Show all of the film, as stored. */
  reset() {
    for (const panel of this.concerned(this.active)) panel.state.view = wholeView();
    this.redraw();
  }

  zoom(steps) {
    const middle = (placement) => [placement.screen.width / 2, placement.screen.height / 2];
    this.changeView(this.active, (placement) => placement.zoomedAt(middle(placement), ZOOM_STEP ** steps));
  }

  choose(tool, byKey = false) {
    this.tools.forEach((one) => one.drop());
    this.state.tool = tool;
    this.panels.forEach((panel) => {
      panel.magnify(null);
      set(panel.root, { "data-tool": tool });
    });
    if (byKey && DRAWN.includes(tool)) this.tools[this.active].place(tool);
    this.redraw();
  }

  activate(i) {
    this.active = i;
    this.panels.forEach((panel, at) => set(panel.root, { "data-active": this.panels.length > 1 && at === i }));
  }

  gestures(i) {
    const panel = this.panels[i];
    let doing = "";
    return {
      start: (press) => {
        this.activate(i);
        doing = press.button !== 0 || this.space ? "pan" : this.state.tool;
        if (DRAWN.includes(doing)) this.tools[i].start(doing, press);
        else if (doing === "magnify") panel.magnify(press);
      },
      drag: (press) => {
        if (doing === "pan") this.changeView(i, (placement) => placement.panned(press.dx, press.dy));
        else if (doing === "window") this.changeWindow(i, press.dx, press.dy);
        else if (doing === "magnify") panel.magnify(press);
        else this.tools[i].drag(press);
      },
      end: (press) => {
        if (DRAWN.includes(doing)) this.tools[i].end(press);
        if (doing === "magnify" && press.touch) panel.magnify(null);
        doing = "";
      },
      cancel: () => {
        this.tools[i].drop();
        panel.magnify(null);
        doing = "";
      },
      pinch: ({ x, y, dx, dy, factor }) => {
        this.changeView(i, (placement) => placement.zoomedAt([x, y], factor));
        this.changeView(i, (placement) => placement.panned(dx, dy));
      },
      wheel: ({ x, y, factor }) => this.changeView(i, (placement) => placement.zoomedAt([x, y], factor)),
      hover: (place) => this.state.tool === "magnify" && panel.magnify(place),
      leave: () => panel.magnify(null),
    };
  }

  /** Keys on a film that has the focus: arrows change the window or move, + and - zoom. */
  pressed(event, i) {
    if (event.target !== this.panels[i].root || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = ARROWS[event.key];
    const many = event.shiftKey ? 4 : 1;
    if (by && this.state.tool === "window") this.changeWindow(i, by[0] * WINDOW_STEP * many, by[1] * WINDOW_STEP * many);
    else if (by) this.changeView(i, (placement) => placement.panned(-by[0] * PAN_STEP * many, -by[1] * PAN_STEP * many));
    else if (event.key === "+" || event.key === "=") this.zoom(1);
    else if (event.key === "-") this.zoom(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** While the space bar is down over a film, a drag moves it. */
  followSpace() {
    const over = () => this.panels.some((panel) => panel.root.matches(":hover"));
    const listen = (name, down) => {
      const listener = (event) => {
        if (event.code !== "Space" || (down && (!over() || event.composedPath()[0].closest?.("button, input, select")))) return;
        this.space = down;
        if (down) event.preventDefault();
      };
      document.addEventListener(name, listener);
      this.stops.push(() => document.removeEventListener(name, listener));
    };
    listen("keydown", true);
    listen("keyup", false);
  }

  drawn(i, phase) {
    this.redraw();
    if (phase === "done") this.list.changed(i);
  }

  drawingEvents(panel) {
    return {
      ask: (item) => this.list.ask(panel, item),
      hint: (name) => this.bar.hint(name),
      done: () => this.drawn(this.panels.indexOf(panel), "done"),
    };
  }
}

export default mounting((host, tell) => new FilmViewer(host, tell));
