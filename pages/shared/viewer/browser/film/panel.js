// One film on the screen: its picture, what is printed over it, its annotations.

import { element, fill, icon, set } from "../common/elements.js";
import { followSize } from "../common/mounting.js";
import { Drawings } from "./drawings.js";
import { bytesOf, drawOverlay, paintOverlay } from "./overlay.js";
import { paintFilm, tableOf } from "./paint.js";
import { levelsOf } from "./pixels.js";
import { fittingScale, Placement } from "./view.js";

const MOST_PIXELS = 2.6e6; // of a canvas; a finer screen is not painted finer
const STAMP_PX = 17; // letters of the mark of a synthetic film
const LENS_PX = 220;
const LENS_ZOOM = 2.5;
const BAR_SHARE = 0.28; // of the panel's width that the scale may take
const BAR_MM = [200, 100, 50, 20, 10, 5, 2, 1];

export class FilmPanel {
  /** source: what the server says of the film; state: {view, window, inverted}, remembered; words: of the viewer */
  constructor(source, state, words, { redraw, changed }) {
    Object.assign(this, { source, state, words, redraw, screen: { width: 0, height: 0 }, scale: 1, lens: null });
    const [down, across] = source.spacing ?? [1, 1];
    this.film = { ...source, unitX: across, unitY: down };
    this.drawings = new Drawings({ film: this.film, words, changed });
    this.make();
    this.stopSize = followSize(this.root, (width, height) => {
      this.screen = { width, height };
      redraw();
    });
    this.setOverlay(source);
    this.load();
  }

  make() {
    const { source, words } = this;
    this.canvas = element("canvas", { role: "img", "aria-label": source.alt });
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.facts = element("div", { class: "corner facts" });
    this.bar = element("div", { class: "corner scale", "aria-hidden": "true" });
    this.legend = element("div", { class: "corner legend" });
    this.notice = element("div", { class: "notice", role: "status" }, words.loading);
    this.glass = element("canvas", { class: "lens", "aria-hidden": "true", hidden: true, width: LENS_PX, height: LENS_PX });
    const title = source.title ? element("div", { class: "corner title" }, source.title) : null;
    this.root = element(
      "div",
      { class: "panel", role: "group", tabindex: 0, "aria-label": source.title || words.film, "aria-description": words.panel_help },
      this.canvas, this.drawings.svg, this.glass, title, this.facts, this.bar, this.legend, this.notice,
    );
  }

  async load() {
    try {
      this.levels = await levelsOf(this.source);
      this.notice.remove();
    } catch {
      this.notice.replaceChildren(icon("error"), this.words.failed);
    }
    this.redraw();
  }

  setOverlay({ overlay, opacity, colours, alt, overlay_text: said }) {
    this.overlay = overlay ? paintOverlay(overlay, colours, this.film) : null;
    this.opacity = opacity;
    set(this.canvas, { "aria-label": [alt, said].filter(Boolean).join(" ") });
    const grey = said ? [element("span", { class: "grey" }, element("span", { class: "swatch" }), said)] : [];
    this.legend.replaceChildren(...(overlay ? legendOf(colours, this.words) : grey));
    this.redraw();
  }

  get fit() {
    return fittingScale(this.film, this.state.view.turn, this.screen);
  }

  /** Draw all of it. scale: CSS pixels per unit at zoom 1; quick: coarsely, while something moves */
  draw(scale, quick) {
    const { width, height } = this.screen;
    if (!width || !height) return;
    this.scale = scale;
    this.placement = this.placedBy(scale);
    if (this.levels) {
      const ratio = this.resized(width, height);
      this.paint(this.context, this.placement, { ratio, quick });
      if (this.source.stamp) drawStamp(this.context, this.source.stamp, ratio);
      set(this.root, { "data-ready": true });
    }
    this.root.style.touchAction = this.root.dataset.tool === "pan" && this.state.view.zoom <= 1 ? "pan-y" : "none";
    this.drawings.draw(this.placement);
    this.drawLens();
    this.print();
  }

  placedBy(scale) {
    return new Placement(this.film, this.state.view, this.screen, scale);
  }

  resized(width, height) {
    const ratio = Math.min(window.devicePixelRatio || 1, Math.max(1, Math.sqrt(MOST_PIXELS / (width * height))));
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== across || this.canvas.height !== down) {
      Object.assign(this.canvas, { width: across, height: down });
      set(this.canvas, { style: `width:${across / ratio}px;height:${down / ratio}px` }); // a pixel is one of the screen
    }
    return ratio;
  }

  paint(context, placement, how) {
    paintFilm(context, this.levels, placement, this.table(), how);
    if (this.overlay) drawOverlay(context, this.overlay, this.opacity, placement, how.ratio);
  }

  table() {
    const { window: shown, inverted } = this.state;
    const name = `${shown.low} ${shown.high} ${inverted}`;
    if (name !== this.tableName) {
      this.tableName = name;
      this.known = tableOf(shown, this.source.bits, inverted);
    }
    return this.known;
  }

  /** Show what is under the pointer larger; null takes the glass away. */
  magnify(place) {
    this.lens = place;
    this.glass.hidden = !place;
    this.redraw();
  }

  drawLens() {
    if (!this.lens || !this.levels) return;
    const [x, y] = [this.lens.x, this.lens.y];
    const [middleX, middleY] = this.placement.toFilm([x, y]);
    const view = { ...this.state.view, zoom: this.state.view.zoom * LENS_ZOOM, x: middleX / this.film.width, y: middleY / this.film.height };
    const placement = new Placement(this.film, view, { width: LENS_PX, height: LENS_PX }, this.scale);
    this.paint(this.glass.getContext("2d", { alpha: false }), placement, { ratio: 1, quick: false });
    this.glass.style.translate = `${x - LENS_PX / 2}px ${y - LENS_PX / 2}px`;
  }

  print() {
    const { window: shown, view } = this.state;
    const { source, words } = this;
    const name = shown.name ? words.window[shown.name] : words.window.own;
    const values = { centre: Math.round((shown.low + shown.high) / 2), width: Math.round(shown.high - shown.low), name };
    const lines = [fill(words.window_shown, values), `${fill(words.zoom_shown, { zoom: Math.round(100 * view.zoom) })} · ${source.facts}`];
    if (lines.join() !== this.printed) this.facts.replaceChildren(...lines.map((line) => element("div", {}, line)));
    this.printed = lines.join();
    this.printScale();
  }

  printScale() {
    const perMm = this.placement.scale;
    const most = this.screen.width * BAR_SHARE;
    const mm = this.source.spacing ? BAR_MM.find((one) => one * perMm <= most) : undefined;
    this.bar.hidden = mm === undefined;
    if (mm === undefined) return;
    this.bar.textContent = mm >= 10 ? `${mm / 10} cm` : `${mm} mm`;
    this.bar.style.width = `${mm * perMm}px`;
  }

  close() {
    this.stopSize();
  }
}

const stamps = new Map(); // words and size → their picture, as letters are slow to draw

/** Write the mark of a synthetic film into the picture's corner on the screen: no zoom takes it out. */
function drawStamp(context, words, ratio) {
  const size = Math.min(STAMP_PX, context.canvas.width / ratio / 12) * ratio;
  const name = `${words} ${size}`;
  if (!stamps.has(name)) stamps.set(name, stampOf(words, size));
  const stamp = stamps.get(name);
  context.drawImage(stamp, context.canvas.width - stamp.width, 0);
}

function stampOf(words, size) {
  const stamp = document.createElement("canvas");
  const context = stamp.getContext("2d", { alpha: false });
  const font = `bold ${size}px sans-serif`;
  context.font = font;
  Object.assign(stamp, { width: Math.ceil(context.measureText(words).width + size), height: Math.ceil(size * 1.7) });
  Object.assign(context, { font, fillStyle: "#fff", textBaseline: "middle" }); // a new size forgets the font; the ground is black
  context.fillText(words, size / 2, size * 0.9);
  return stamp;
}

function legendOf(colours, words) {
  const scale = bytesOf(colours);
  const swatch = (index, striped) => {
    const colour = `rgb(${scale.slice(3 * index, 3 * index + 3).join(" ")})`;
    const paint = striped ? `repeating-linear-gradient(135deg, ${colour} 0 3px, #000 3px 6px)` : colour;
    return element("span", { class: "swatch", style: `background: ${paint}` });
  };
  return [
    element("span", {}, swatch(0, true), words.lowers),
    element("span", {}, swatch(255, false), words.raises),
  ];
}
