// The trace viewer: an ECG on paper as from a cart or a pulse recording, one or two, with what is drawn on it.

import { element, fill, set } from "../common/elements.js";
import { mounting, recall, redrawing } from "../common/mounting.js";
import { unpacked } from "../common/payload.js";
import { askOn } from "../common/words.js";
import { TraceBar } from "./bar.js";
import { MeasureList } from "./measures.js";
import { Overview, swatch } from "./overview.js";
import { Pane } from "./pane.js";
import { Saving } from "./saving.js";
import { Signal } from "./signal.js";

class TraceViewer {
  constructor(host, tell) {
    Object.assign(this, { host, tell, panes: [], overviews: [], shown: "" });
    host.classList.add("trace");
    this.redrawMarks = redrawing(host, () => this.frame());
    this.redraw = () => {
      this.whole = true;
      this.redrawMarks();
    };
    host.addEventListener("keydown", (event) => this.bar?.pressed(event));
  }

  update(data) {
    this.data = data;
    this.host.style.height = data.height;
    this.host.style.setProperty("--caliper", data.colours.caliper);
    const { state } = this;
    const shown = JSON.stringify([data.panels.map((panel) => panel.token), Boolean(data.complexes), data.colours.background, state?.view === "beats"]);
    if (shown !== this.shown) this.rebuild();
    else this.refresh();
    data.panels.forEach((_, i) => this.saving.take(i));
    this.measures.show();
  }

  /** Make everything anew: other recordings, another theme, or strips instead of beats. */
  rebuild() {
    this.close();
    const { data } = this;
    const name = `${data.key} ${data.panels.map((panel) => panel.token).join(" ")}`;
    this.state = recall(name, () => ({ ...data.first, zoom: 1, own: {}, snap: false, tool: "caliper", drawn: [], chosen: "", starts: data.panels.map((panel) => panel.first) }));
    const { state } = this;
    if (!data.complexes) state.view = "strip";
    this.shown = JSON.stringify([data.panels.map((panel) => panel.token), Boolean(data.complexes), data.colours.background, state.view === "beats"]);
    const events = {
      redraw: this.redraw,
      changed: (item, done) => this.changed(item, done),
      choose: (item) => this.choose(item),
      remove: (item) => this.remove(item),
      ask: (item) => this.ask(item),
      dropTool: () => this.set("tool", "caliper"),
      scrolled: (pane) => this.scrolled(pane),
    };
    const { words, colours, complexes } = data;
    const sources = state.view === "beats" ? [null] : data.panels;
    this.panes = sources.map((panel, i) => new Pane(panel, i, { state, words, colours, complexes, events }));
    this.saving = new Saving(this);
    this.measures = new MeasureList(this);
    this.measures.root.append(this.saving.state);
    this.bar = new TraceBar(this);
    this.overviews = sources.map((panel, i) => (panel?.overview ? this.overviewOf(panel, i) : null));
    this.panes.forEach((pane, i) => this.overviews[i] && pane.root.append(this.overviews[i].root));
    const row = element("div", { class: "panes" }, ...this.panes.map((pane) => pane.root));
    this.host.replaceChildren(this.bar.root, row, this.measures.root, this.measures.said);
    this.panes.forEach((pane, i) => (pane.start = state.starts[i] ?? 0));
    this.measures.show();
    this.load();
  }

  overviewOf(panel, i) {
    return new Overview(panel, this.data.words, this.data.colours, {
      move: (t) => this.moveTo(i, t),
      settled: () => this.fetchAround(i),
    });
  }

  refresh() {
    this.load();
    this.panes.forEach((pane, i) => (pane.panel = pane.panel && this.data.panels[i]));
  }

  /** Fetch what the panes draw and draw it. */
  async load() {
    const { data, panes, state } = this;
    const wanted = data.panels.map((panel) => `${panel.url} ${panel.map?.url ?? ""} ${panel.rate}`).join(" ") + (data.complexes?.curves ?? []).map((one) => one.url).join(" ");
    panes.forEach((pane, i) => this.head(pane, i));
    if (this.loaded === wanted && this.loadedInto === panes) return;
    [this.loaded, this.loadedInto] = [wanted, panes];
    const [one, other] = [data.colours.ink, data.colours.second];
    if (state.view === "beats") {
      const { complexes } = data;
      const curves = await Promise.all(complexes.curves.map((curve) => Signal.fetched({ ...complexes, ...curve, start: -complexes.before })));
      panes[0].curves = curves.map((signal, i) => ({ signal, colour: i ? other : one, dashed: i > 0 }));
    } else {
      await Promise.all(panes.map(async (pane, i) => {
        const panel = data.panels[i];
        const signal = await Signal.fetched(panel);
        pane.overlay = panel.map ? await this.mapOf(panel, signal) : null;
        pane.beats = panel.beats;
        pane.curves = [{ signal, colour: one, dashed: false }];
      }));
    }
    if (this.panes === panes) {
      this.redraw();
      this.placed = this.placed === panes ? panes : this.toFirst(panes);
    }
  }

  /** Show the stretch that is searched first. */
  toFirst(panes) {
    this.draw();
    panes.forEach((pane, i) => {
      if (pane.view && !pane.beating && (pane.page.slides || !pane.page.turns)) this.scrollTo(pane, this.state.starts[i] ?? 0);
    });
    return panes;
  }

  async mapOf(panel, signal) {
    const levels = new Int8Array((await unpacked(panel.map.url)).slice().buffer);
    const per = levels.length / panel.leads.length;
    const level = (lead, i) => levels[lead * per + Math.min(Math.floor((i * per) / signal.n), per - 1)];
    return { level, opacity: panel.map.opacity };
  }

  /** Write what stands over and under a pane. */
  head(pane, i) {
    const { data, state } = this;
    const beats = state.view === "beats";
    const panel = data.panels[i];
    const parts = beats ? data.complexes.curves.map((curve) => curve.title) : [panel.title, panel.rate, panel.intervals];
    if (beats && parts.length === 1) parts.push(panel.intervals);
    const stamp = (beats ? data.panels : [panel]).find((one) => one.stamp)?.stamp;
    const title = element("b", {}, parts[0] ?? "");
    const said = parts.slice(1).filter(Boolean).join(" · ");
    pane.head.replaceChildren(title, element("span", { class: "rate" }, said), ...(stamp ? [element("span", { class: "stamp" }, stamp)] : []));
    const items = beats ? this.beatsLegend() : this.mapLegend(panel);
    pane.legend.replaceChildren(...items);
    set(pane.legend, { hidden: items.length === 0 });
  }

  beatsLegend() {
    const { complexes, colours } = this.data;
    if (complexes.curves.length < 2) return [];
    return complexes.curves.map((curve, i) =>
      element("span", {}, swatch(i ? colours.second : colours.ink, i ? "7 3" : null, 2), curve.title),
    );
  }

  mapLegend({ map, grey }) {
    const { words, colours } = this.data;
    if (!map) return grey ? [element("span", { class: "grey" }, element("i", {}), grey)] : [];
    return [
      element("span", {}, swatch(colours.raises, null, 6), words.raises),
      element("span", {}, swatch(colours.lowers, "5 4", 6), words.lowers),
    ];
  }

  close() {
    this.redrawMarks.stop();
    this.panes.forEach((pane) => pane.close());
    this.overviews.forEach((one) => one?.close());
    [this.panes, this.overviews] = [[], []];
  }

  /** Draw what has changed since the last frame: everything, or what is drawn alone while it is moved. */
  frame() {
    const { whole } = this;
    this.whole = false;
    if (whole) this.draw();
    else this.panes.forEach((pane) => pane.view && pane.drawItems());
    this.measures.show();
  }

  draw() {
    const { panes, data, state } = this;
    const ready = panes.filter((pane) => pane.curves.length && pane.scroller.clientWidth);
    const scale = this.scaleOf(ready.filter((pane) => !pane.pulse));
    ready.forEach((pane) => pane.draw(scale));
    ready.forEach((pane) => this.overviews[panes.indexOf(pane)]?.show(pane.seen()));
    this.bar.show();
    set(this.host, { "data-drawn": ready.length && data ? "yes" : null });
  }

  /** Return the scale that all panes share, px a mm; layout and gain follow their room until somebody chooses others. */
  scaleOf(papers) {
    const { state, data } = this;
    if (!papers.length) return null;
    let gain = null;
    if (state.view === "strip") {
      const found = papers.map((pane) => pane.suiting(data.first.layout));
      const narrow = found.find((one) => one.layout !== data.first.layout);
      gain = Math.min(...found.map((one) => one.gain));
      if (!state.own.layout) state.layout = narrow?.layout ?? data.first.layout;
      if (!state.own.gain) state.gain = gain;
    }
    return Math.min(...papers.map((pane) => pane.fit(gain)));
  }

  set(field, value) {
    this.state.own[field] = true;
    if (field === "speed") this.state.speeds[this.state.view] = value;
    else this.state[field] = value;
    if (field === "view") this.rebuild();
    else this.redraw();
  }

  /** A pane was scrolled: the linked one follows by as many seconds. */
  scrolled(pane) {
    if (this.data.linked) {
      for (const other of this.panes) {
        if (other === pane || !other.view) continue;
        other.scroller.scrollLeft = pane.scroller.scrollLeft + (other.offset ?? 0) - (pane.offset ?? 0);
        other.scroller.scrollTop = pane.scroller.scrollTop;
      }
    }
    this.redraw();
  }

  scrollTo(pane, t) {
    pane.showFrom(t);
    pane.offset = pane.scroller.scrollLeft;
  }

  /** Bring a time to the beginning of what is seen: turn the page, or scroll the paper. */
  moveTo(i, t) {
    const pane = this.panes[i];
    const by = t - (pane.page.turns ? pane.start : pane.seen()[0]);
    const moved = this.data.linked ? this.panes : [pane];
    for (const one of moved) {
      if (!one.view) continue;
      if (one.page.turns) {
        const last = Math.max(one.panel.seconds - one.page.seconds, 0);
        one.start = Math.min(Math.max(one.start + by, 0), last);
        this.state.starts[one.number] = one.start;
      } else one.scroller.scrollLeft += by * one.pxPerS();
    }
    this.redraw();
  }

  /** Ask the server for the stretch that is seen, where it is not here. */
  fetchAround(i) {
    const pane = this.panes[i];
    const [from, to] = pane.seen();
    if (pane.signal && from >= pane.signal.start && to <= pane.signal.end + 0.01) return;
    this.tell("stretch", { panel: i, from });
  }

  /** Return the pane that has the focus, else the first. */
  get focused() {
    const active = this.host.getRootNode().activeElement;
    return this.panes.find((pane) => pane.root.contains(active)) ?? this.panes[0];
  }

  /** Put something of a kind down in the middle of what is seen. */
  put(kind) {
    if (kind !== "caliper" && this.state.view === "beats") return;
    this.focused.addInMiddle(kind);
    this.redraw();
  }

  /** Take a tool to draw with, or lay it down again for the caliper. */
  take(kind) {
    this.set("tool", this.state.tool === kind ? "caliper" : kind);
  }

  changed(item, done) {
    if (!done) this.redrawMarks();
    else {
      this.measures.show();
      this.measures.say(item);
      if (item.view === "strip") this.saving.send(item.pane);
      this.redraw();
    }
  }

  choose(item, focus = false) {
    this.state.chosen = item?.id ?? "";
    this.panes.forEach((pane) => pane.view && pane.drawItems());
    if (focus && item) this.panes[item.pane]?.focus(item);
    this.measures.show();
    this.bar.show();
  }

  remove(item) {
    const { state, data } = this;
    state.drawn.splice(state.drawn.indexOf(item), 1);
    this.measures.said.textContent = fill(data.words.removed, { name: data.words[`name_${item.kind}`], lead: item.lead });
    this.choose(state.drawn[state.drawn.length - 1] ?? null);
    this.panes[item.pane]?.scroller.focus({ preventScroll: true });
    if (item.view === "strip") this.saving.send(item.pane);
  }

  /** Open a box for the words of a text that was just put down; one without words goes. */
  ask(item) {
    const pane = this.panes[item.pane];
    const box = this.measures.box(item);
    const { labelAt } = pane.drawings.get(item);
    askOn(pane.stage, box, labelAt, pane.view, () => {
      if (!item.text) this.remove(item);
      else pane.focus(item);
    });
  }

  clear() {
    this.state.drawn.splice(0);
    this.choose(null);
    this.data.panels.forEach((_, i) => this.saving.send(i));
  }

  march(caliper = this.state.drawn.find((one) => one.id === this.state.chosen)) {
    if (caliper?.kind !== "caliper") return;
    caliper.march = !caliper.march;
    this.choose(caliper);
    this.changed(caliper, true);
  }
}

export default mounting((host, tell) => new TraceViewer(host, tell));
