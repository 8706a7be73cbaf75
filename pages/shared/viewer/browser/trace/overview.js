// The whole of a recording, with a window on what is seen, the stretch that is searched, and the quality of a pulse.

import { element, fill, set, svgElement } from "../common/elements.js";
import { followSize } from "../common/mounting.js";

const STEP_SHARE = 0.1; // of the window, by an arrow key
const PAGE_SHARE = 1; // by Page up and down
const LEAST_WINDOW_PX = 10;
const NUMBERED_PX = 44; // from this width on, a stretch has room for its number

/**
 * One overview under a pane.
 *
 * panel : what the server says; move(t) : the window is to begin at t s; settled() : it was let go
 */
export class Overview {
  constructor(panel, words, colours, { move, settled }) {
    Object.assign(this, { panel, words, colours, move, settled, window: [0, 0] });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.frame = element("div", { class: "window", tabindex: 0, role: "slider", "aria-label": words.window });
    set(this.frame, { "aria-valuemin": 0, "aria-valuemax": Math.round(panel.seconds) });
    this.strip = element("div", { class: "whole" }, this.canvas, this.frame);
    if (panel.searched) this.strip.append(element("div", { class: "searched", title: words.searched }, element("span", {}, words.searched)));
    this.root = element("div", { class: "overview" }, this.strip);
    if (panel.quality?.length) this.root.append(this.qualityStrip());
    this.listen();
    this.stop = followSize(this.strip, () => this.draw());
  }

  close() {
    this.stop();
  }

  px(t) {
    return (t / this.panel.seconds) * this.strip.clientWidth;
  }

  draw() {
    const { canvas, strip, panel, colours } = this;
    const [width, height, ratio] = [strip.clientWidth, strip.clientHeight, window.devicePixelRatio || 1];
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const ink = canvas.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    const low = panel.overview.map(([least]) => least);
    ink.beginPath();
    low.forEach((least, i) => {
      const most = panel.overview[i][1];
      if (least === null) return;
      const x = ((i + 0.5) / low.length) * width;
      ink.moveTo(x, height - 3 - (least / 100) * (height - 6));
      ink.lineTo(x, height - 4 - (most / 100) * (height - 6));
    });
    ink.strokeStyle = colours.ink;
    ink.lineWidth = Math.max(width / low.length, 1);
    ink.stroke();
    if (panel.searched) {
      const [from, to] = panel.searched.map((t) => this.px(t));
      set(strip.querySelector(".searched"), { style: `left:${from}px;width:${Math.max(to - from, 3)}px` });
    }
    this.show(this.window);
  }

  /** Frame what is seen: [from, to] s. */
  show([from, to]) {
    this.window = [from, to];
    const wide = Math.max(this.px(to - from), LEAST_WINDOW_PX);
    const left = Math.min(this.px(from), this.strip.clientWidth - wide);
    set(this.frame, {
      style: `left:${left}px;width:${wide}px`,
      "aria-valuenow": Math.round(from),
      "aria-valuetext": fill(this.words.window_at, { from: from.toFixed(1), to: to.toFixed(1), whole: this.panel.seconds.toFixed(0) }),
    });
  }

  to(t) {
    const long = this.window[1] - this.window[0];
    this.move(Math.min(Math.max(t, 0), Math.max(this.panel.seconds - long, 0)));
  }

  listen() {
    let held = null;
    const { strip, frame } = this;
    const at = (event) => ((event.clientX - strip.getBoundingClientRect().left) / strip.clientWidth) * this.panel.seconds;
    strip.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      strip.setPointerCapture(event.pointerId);
      const [from, to] = this.window;
      const t = at(event);
      held = t >= from && t <= to ? t - from : (to - from) / 2;
      frame.focus();
      this.to(t - held);
    });
    strip.addEventListener("pointermove", (event) => held !== null && this.to(at(event) - held));
    const release = () => {
      if (held !== null) this.settled();
      held = null;
    };
    strip.addEventListener("pointerup", release);
    strip.addEventListener("pointercancel", release);
    frame.addEventListener("keydown", (event) => {
      const long = this.window[1] - this.window[0];
      const by = { ArrowLeft: -STEP_SHARE, ArrowRight: STEP_SHARE, PageUp: -PAGE_SHARE, PageDown: PAGE_SHARE }[event.key];
      if (by) this.to(this.window[0] + by * long);
      else if (event.key === "Home") this.to(0);
      else if (event.key === "End") this.to(this.panel.seconds);
      else return;
      event.preventDefault();
      event.stopPropagation();
      this.settled();
    });
  }

  /** Return a bar per stretch: colour and number say how good, hatching and a cross that the gate refuses it. */
  qualityStrip() {
    const { panel, words } = this;
    const bars = panel.quality.map(({ start, end, score, accepted, colour, dark, said }) => {
      const wide = (100 * (end - start)) / panel.seconds;
      const room = ((end - start) / panel.seconds) * 1000 > NUMBERED_PX;
      const label = `${accepted ? "" : "\u2717 "}${room ? score : ""}`;
      const bar = element("span", { class: `stretch${accepted ? "" : " refused"}`, title: said }, element("b", {}, label));
      set(bar, { style: `width:${wide}%;background-color:${colour};color:${dark ? "#fff" : "#101418"}` });
      return bar;
    });
    return element("div", { class: "quality", role: "img", "aria-label": words.quality, title: words.quality }, ...bars);
  }
}

/** Return a pane's mark of a wave, for legends: a line, solid or dashed. */
export function swatch(colour, dashes, wide) {
  const line = svgElement("line", { x1: 1, y1: 6, x2: 27, y2: 6, stroke: colour, "stroke-width": wide, "stroke-dasharray": dashes });
  return svgElement("svg", { class: "swatch", width: 28, height: 12, "aria-hidden": "true" }, line);
}
