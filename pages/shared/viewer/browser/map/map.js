// The map of the collection: every study a point; draw around some, come near one to see it.

import { element, set } from "../common/elements.js";
import { followPointers } from "../common/gestures.js";
import { followSize, mounting, recall, redrawing, toggleFullScreen } from "../common/mounting.js";
import { unpacked } from "../common/payload.js";
import { makeButton, makeGroup } from "../common/toolbar.js";

const NEAR_PX = 12; // as far from the pointer a point is still meant
const DWELL_MS = 130; // before the picture of a point is asked for
const POINT_PX = 3.6;
const ZOOM_STEP = 1.4;
const MOST_ZOOM = 60;
const MARGIN = 0.04; // of the whole, around the points
const PAN_STEP = 60; // pixels, by an arrow key
const SPACING_PX = 4; // between two corners of a lasso
const TOOLS = { lasso: "lasso_select", box: "select", pan: "pan_tool" };
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

class CollectionMap {
  constructor(host, tell) {
    Object.assign(this, { host, tell, points: null, hovered: -1, drawn: [], pictures: new Map() });
    host.classList.add("map");
    this.redraw = redrawing(host, () => this.draw());
    this.canvas = element("canvas", { role: "img", tabindex: "0" });
    this.card = element("div", { class: "card", hidden: true });
    this.field = element("div", { class: "field" }, this.canvas, this.card);
    this.stops = [
      followPointers(this.field, this.gestures()),
      followSize(this.field, (width, height) => this.resize(width, height)),
    ];
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
  }

  update(data) {
    const first = !this.data;
    this.data = data;
    if (first) this.build();
    this.host.style.height = data.height;
    set(this.canvas, { "aria-label": data.alt });
    for (const one of data.pictures) this.pictures.set(one.id, one);
    this.chosen = data.outline;
    if (data.url !== this.url) this.load(data.url);
    this.showCard();
    this.redraw();
  }

  build() {
    const { data } = this;
    this.state = recall(data.key, () => ({ tool: "lasso", zoom: 1, x: 0.5, y: 0.5 }));
    const { words } = data;
    this.buttons = Object.fromEntries(
      Object.entries(TOOLS).map(([tool, iconName]) => [
        tool,
        makeButton({ name: words[tool], iconName, pressed: false, act: () => this.choose(tool) }),
      ]),
    );
    const bar = element(
      "div",
      { class: "bar", role: "toolbar", "aria-label": words.tools },
      makeGroup(words.gestures, ...Object.values(this.buttons)),
      makeGroup(
        words.view,
        makeButton({ name: words.closer, iconName: "zoom_in", act: () => this.zoomBy(ZOOM_STEP) }),
        makeButton({ name: words.further, iconName: "zoom_out", act: () => this.zoomBy(1 / ZOOM_STEP) }),
        makeButton({ name: words.whole, iconName: "fit_screen", act: () => this.whole() }),
        makeButton({ name: words.full, iconName: "fullscreen", act: () => toggleFullScreen(this.host) }),
      ),
    );
    this.host.replaceChildren(bar, this.field);
    this.choose(this.state.tool);
  }

  choose(tool) {
    this.state.tool = tool;
    for (const [name, button] of Object.entries(this.buttons)) button.press(name === tool);
    this.field.style.cursor = tool === "pan" ? "grab" : "crosshair";
  }

  async load(url) {
    this.url = url;
    const bytes = await unpacked(url);
    if (this.url !== url) return;
    this.points = JSON.parse(new TextDecoder().decode(bytes));
    for (const group of this.points.groups) group.path = new Path2D(group.path);
    const [[left, right], [low, high]] = this.points.extent;
    const spread = (from, to) => Math.max(to - from, 1e-6) * (1 + 2 * MARGIN);
    const [width, height] = [spread(left, right), spread(low, high)];
    this.frame = { x: (left + right - width) / 2, y: (low + high - height) / 2, width, height };
    this.redraw();
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    const ratio = devicePixelRatio;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.redraw();
  }

  get scale() {
    return Math.min(this.width / this.frame.width, this.height / this.frame.height) * this.state.zoom;
  }

  /** Return where a place of the map is on the screen; up is up. */
  toScreen(x, y) {
    const { frame, state, scale } = this;
    const across = x - frame.x - state.x * frame.width;
    const up = y - frame.y - state.y * frame.height;
    return [this.width / 2 + across * scale, this.height / 2 - up * scale];
  }

  toMap(u, v) {
    const { frame, state, scale } = this;
    return [
      frame.x + state.x * frame.width + (u - this.width / 2) / scale,
      frame.y + state.y * frame.height - (v - this.height / 2) / scale,
    ];
  }

  zoomBy(factor, u = this.width / 2, v = this.height / 2) {
    if (!this.frame) return;
    const [x, y] = this.toMap(u, v);
    this.state.zoom = Math.min(Math.max(this.state.zoom * factor, 0.5), MOST_ZOOM);
    const [movedX, movedY] = this.toMap(u, v);
    this.state.x += (x - movedX) / this.frame.width;
    this.state.y += (y - movedY) / this.frame.height;
    this.redraw();
  }

  panBy(dx, dy) {
    if (!this.frame) return;
    this.state.x -= dx / this.scale / this.frame.width;
    this.state.y += dy / this.scale / this.frame.height;
    this.redraw();
  }

  whole() {
    Object.assign(this.state, { zoom: 1, x: 0.5, y: 0.5 });
    this.redraw();
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) this.panBy(...ARROWS[event.key].map((way) => way * PAN_STEP));
    else if (event.key === "+" || event.key === "=") this.zoomBy(ZOOM_STEP);
    else if (event.key === "-") this.zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") this.whole();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  gestures() {
    const drawing = () => this.state.tool !== "pan" && this.panning !== true;
    return {
      start: ({ x, y, button }) => {
        this.panning = button === 1 || button === 2;
        this.drawn = drawing() ? [[x, y]] : [];
        this.leave();
      },
      drag: ({ x, y, dx, dy }) => {
        if (!drawing()) this.panBy(dx, dy);
        else this.extend(x, y);
      },
      end: ({ x, y, tapped }) => this.finish(x, y, tapped, drawing()),
      cancel: () => {
        this.drawn = [];
        this.redraw();
      },
      pinch: ({ x, y, dx, dy, factor }) => {
        this.panBy(dx, dy);
        this.zoomBy(factor, x, y);
      },
      wheel: ({ x, y, factor }) => this.zoomBy(factor, x, y),
      hover: ({ x, y }) => this.hover(x, y),
      leave: () => this.leave(),
    };
  }

  extend(x, y) {
    const last = this.drawn.at(-1);
    if (this.state.tool === "box") this.drawn = [this.drawn[0], [x, y]];
    else if (Math.hypot(x - last[0], y - last[1]) >= SPACING_PX) this.drawn.push([x, y]);
    this.redraw();
  }

  finish(x, y, tapped, drawing) {
    const drawn = this.drawn;
    this.drawn = [];
    this.panning = false;
    this.redraw();
    if (tapped) this.hover(x, y);
    else if (drawing && drawn.length > 1 && this.frame) {
      const places = drawn.map(([u, v]) => this.toMap(u, v));
      this.chosen = { kind: this.state.tool, x: places.map(([one]) => one), y: places.map(([, one]) => one) };
      this.tell("outline", this.chosen);
    }
  }

  /** Show what is nearest to the pointer, and ask for its picture once the pointer rests. */
  hover(u, v) {
    if (!this.points) return;
    let [nearest, far] = [-1, NEAR_PX * NEAR_PX];
    const { x, y } = this.points;
    for (let i = 0; i < x.length; i += 1) {
      const [a, b] = this.toScreen(x[i], y[i]);
      const away = (a - u) * (a - u) + (b - v) * (b - v);
      if (away < far) [nearest, far] = [i, away];
    }
    if (nearest === this.hovered) return;
    this.hovered = nearest;
    clearTimeout(this.dwell);
    const id = this.points.ids[nearest];
    if (nearest >= 0 && !this.pictures.has(id)) this.dwell = setTimeout(() => this.tell("looked", id), DWELL_MS);
    this.showCard();
    this.redraw();
  }

  leave() {
    clearTimeout(this.dwell);
    this.hovered = -1;
    this.showCard();
    this.redraw();
  }

  /** Show kind, labels and picture of the point under the pointer beside it. */
  showCard() {
    const i = this.hovered;
    this.card.hidden = i < 0 || !this.points;
    if (this.card.hidden) return;
    const { points, data } = this;
    const [u, v] = this.toScreen(points.x[i], points.y[i]);
    const known = this.pictures.get(points.ids[i]);
    const parts = [
      element("strong", {}, points.kinds[points.kind[i]]),
      points.synthetic[i] ? element("span", { class: "stamp" }, data.words.synthetic) : null,
      element("span", {}, points.labels[points.label[i]]),
    ];
    if (known?.picture) parts.unshift(element("img", { src: known.picture, alt: known.alt }));
    else if (known) parts.push(element("q", {}, known.alt));
    else parts.push(element("small", {}, data.words.loading));
    this.card.replaceChildren(...parts.filter(Boolean));
    const right = u > this.width / 2;
    const below = v > this.height / 2;
    set(this.card, {
      style: `${right ? `right:${this.width - u + 14}px` : `left:${u + 14}px`};${below ? `bottom:${this.height - v + 6}px` : `top:${v + 6}px`}`,
    });
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const ratio = devicePixelRatio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.points || !this.frame || !this.width) return;
    this.ink = getComputedStyle(this.host).color;
    const size = POINT_PX * Math.min(Math.sqrt(this.state.zoom), 2.2);
    this.points.groups.forEach((group, number) => this.drawGroup(context, group, number, size * ratio, ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawQuery(context);
    this.drawOutline(context);
    if (this.hovered >= 0) this.ring(context, this.hovered, 9, 2);
    this.host.dataset.points = this.points.x.length;
  }

  drawGroup(context, group, number, size, ratio) {
    const { x, y, of } = this.points;
    const near = new Set(this.data.query?.near ?? []);
    context.lineWidth = group.colour ? 0.22 : 0.4;
    for (let i = 0; i < x.length; i += 1) {
      if (of[i] !== number) continue;
      const [u, v] = this.toScreen(x[i], y[i]);
      if (u < -9 || v < -9 || u > this.width + 9 || v > this.height + 9) continue;
      const large = near.has(this.points.ids[i]) ? 1.5 : 1;
      context.setTransform(size * large, 0, 0, size * large, u * ratio, v * ratio);
      context.globalAlpha = group.colour ? 0.85 : 0.6;
      context.strokeStyle = this.ink;
      if (group.colour) {
        context.fillStyle = group.colour;
        context.fill(group.path);
      }
      context.stroke(group.path);
    }
    context.globalAlpha = 1;
  }

  /** The query: a ring with a cross, its name, and thin lines to the cases that gave it its place. */
  drawQuery(context) {
    const { query } = this.data;
    if (!query) return;
    const [u, v] = this.toScreen(query.x, query.y);
    context.strokeStyle = this.ink;
    context.globalAlpha = 0.55;
    context.lineWidth = 1;
    context.beginPath();
    for (const id of query.near) {
      const i = this.indexOf(id);
      if (i < 0) continue;
      context.moveTo(u, v);
      context.lineTo(...this.toScreen(this.points.x[i], this.points.y[i]));
    }
    context.stroke();
    context.globalAlpha = 1;
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(u, v, 10, 0, Math.PI * 2);
    for (const [dx, dy] of [[15, 0], [0, 15]]) {
      context.moveTo(u - dx, v - dy);
      context.lineTo(u + dx, v + dy);
    }
    context.stroke();
    context.fillStyle = this.ink;
    context.font = "600 14px sans-serif";
    context.textAlign = "center";
    context.lineWidth = 4;
    context.strokeStyle = getComputedStyle(this.host).backgroundColor;
    context.strokeText(query.name, u, v - 20);
    context.fillText(query.name, u, v - 20);
  }

  drawOutline(context) {
    const drawn = this.drawn.length > 1 ? this.drawn : (this.chosen?.x ?? []).map((x, i) => this.toScreen(x, this.chosen.y[i]));
    if (drawn.length < 2) return;
    const isBox = this.drawn.length > 1 ? this.state.tool === "box" : this.chosen.kind === "box";
    context.beginPath();
    if (isBox) {
      const [[a, b], [c, d]] = [drawn[0], drawn.at(-1)];
      context.rect(Math.min(a, c), Math.min(b, d), Math.abs(c - a), Math.abs(d - b));
    } else {
      drawn.forEach(([u, v]) => context.lineTo(u, v));
      context.closePath();
    }
    context.fillStyle = this.ink;
    context.globalAlpha = 0.08;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.strokeStyle = this.ink;
    context.stroke();
    context.setLineDash([]);
  }

  ring(context, i, radius, width) {
    const [u, v] = this.toScreen(this.points.x[i], this.points.y[i]);
    context.strokeStyle = this.ink;
    context.lineWidth = width;
    context.beginPath();
    context.arc(u, v, radius, 0, Math.PI * 2);
    context.stroke();
  }

  indexOf(id) {
    if (this.indexed !== this.points) {
      this.indexed = this.points;
      this.index = new Map(this.points.ids.map((one, i) => [one, i]));
    }
    return this.index.get(id) ?? -1;
  }

  close() {
    clearTimeout(this.dwell);
    this.redraw.stop();
    this.stops.forEach((stop) => stop());
  }
}

export default mounting((host, tell) => new CollectionMap(host, tell));
