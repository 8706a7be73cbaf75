// The list of calipers in words, with what each measures; it is read aloud and worked without a pointer.

import { element, fill, set } from "../common/elements.js";
import { makeButton } from "../common/toolbar.js";
import { KINDS, qtWords, shortWords, spanOf } from "./readings.js";

const MOST_INTERVALS = 20;

export class MeasureList {
  /** viewer : gives state, words, panes; takes changed(caliper, done), choose(caliper), remove(caliper), save(caliper) */
  constructor(viewer) {
    this.viewer = viewer;
    this.list = element("ul", { class: "list", "aria-label": viewer.data.words.measures });
    this.hint = element("span", { class: "hint" }, viewer.data.words.hint);
    this.root = element("div", { class: "measures" }, this.hint, this.list); // of one height, so that paper never moves
    this.said = element("div", { class: "unseen", "aria-live": "polite" });
    this.rows = new Map();
  }

  /** Return the RR that corrects a QT: of the caliper that is named RR in the same pane, or of the beats found. */
  rrFor(caliper) {
    const { state, data } = this.viewer;
    const own = state.calipers.find((one) => one.kind === "RR" && one.pane === caliper.pane);
    if (own) return { ms: spanOf(own).ms / own.count, own: true };
    const found = data.panels[caliper.pane]?.rr;
    return found ? { ms: found, own: false } : null;
  }

  wordsOf(caliper) {
    const { words } = this.viewer.data;
    const pane = this.viewer.panes[caliper.pane] ?? this.viewer.panes[0];
    const parts = [shortWords(caliper, words, pane.calibrated), qtWords(caliper, this.rrFor(caliper), words)];
    return parts.filter(Boolean).join(" · ");
  }

  show() {
    const { state } = this.viewer;
    for (const [caliper, row] of this.rows) {
      if (state.calipers.includes(caliper)) continue;
      row.remove();
      this.rows.delete(caliper);
    }
    state.calipers.forEach((caliper, i) => {
      if (!this.rows.has(caliper)) {
        const row = this.rowOf(caliper);
        this.rows.set(caliper, row);
        this.list.append(row);
      }
      this.rows.get(caliper).tell(i + 1);
    });
    set(this.list, { hidden: state.calipers.length === 0 });
    set(this.hint, { hidden: state.calipers.length > 0 });
  }

  say(caliper) {
    const { data, state } = this.viewer;
    const n = state.calipers.indexOf(caliper) + 1;
    this.said.textContent = fill(data.words.said, { n, lead: caliper.lead, reading: this.wordsOf(caliper) });
  }

  rowOf(caliper) {
    const { viewer } = this;
    const { words } = viewer.data;
    const reading = element("button", { type: "button", class: "reading-of" });
    reading.addEventListener("click", () => viewer.choose(caliper, true));
    const kind = element("select", { class: "kind" }, ...KINDS.map((one) => element("option", { value: one }, words[`kind_${one}`])));
    kind.addEventListener("change", () => {
      caliper.kind = kind.value;
      viewer.changed(caliper, true);
    });
    const count = element("input", { class: "count", type: "number", min: 1, max: MOST_INTERVALS, value: 1, title: words.count });
    count.addEventListener("input", () => {
      caliper.count = Math.min(Math.max(Math.round(Number(count.value)) || 1, 1), MOST_INTERVALS);
      viewer.changed(caliper, true);
    });
    const march = makeButton({ name: words.march, iconName: "view_week", pressed: false, act: () => viewer.march(caliper) });
    const remove = makeButton({ name: words.remove, iconName: "close", act: () => viewer.remove(caliper) });
    const row = element("li", {}, reading, kind, element("label", { class: "times" }, "÷", count), march, remove);
    row.tell = (n) => {
      const said = `${n} · ${caliper.lead} · ${this.wordsOf(caliper)}`;
      if (reading.textContent !== said) reading.textContent = said;
      const named = (name) => fill(words.of_caliper, { what: name, n });
      set(kind, { "aria-label": named(words.kind) });
      set(count, { "aria-label": named(words.count) });
      set(march, { "aria-label": named(words.march) });
      set(remove, { "aria-label": named(words.remove) });
      if (kind.value !== caliper.kind) kind.value = caliper.kind;
      set(count.parentElement, { hidden: !["interval", "RR"].includes(caliper.kind) });
      march.press(caliper.march);
      set(row, { class: viewer.state.chosen === caliper.id ? "chosen" : null });
    };
    return row;
  }
}
