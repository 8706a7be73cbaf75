// The list of what is drawn in words, with what it measures; it is read aloud and worked without a pointer.

import { element, fill, set } from "../common/elements.js";
import { makeButton } from "../common/toolbar.js";
import { wordsBox } from "../common/words.js";
import { MEASURES, noteWords, qtWords, shortWords, spanOf } from "./readings.js";

const MOST_INTERVALS = 20;

export class MeasureList {
  /** viewer : gives state, words, panes; takes changed(item, done), choose(item), remove(item) */
  constructor(viewer) {
    this.viewer = viewer;
    this.list = element("ul", { class: "list" });
    this.hint = element("span", { class: "hint" }, viewer.data.words.hint);
    // Of one height, so that paper never moves; what does not fit scrolls, by keys too.
    const named = { role: "group", tabindex: "0", "aria-label": viewer.data.words.measures };
    this.root = element("div", { class: "measures", ...named }, this.hint, this.list);
    this.said = element("div", { class: "unseen", "aria-live": "polite" });
    this.rows = new Map();
  }

  /** Return the RR that corrects a QT: of the caliper that is named RR in the same pane, or of the beats found. */
  rrFor(caliper) {
    const { state, data } = this.viewer;
    const own = state.drawn.find((one) => one.measures === "RR" && one.pane === caliper.pane);
    if (own) return { ms: spanOf(own).ms / own.count, own: true };
    const found = data.panels[caliper.pane]?.rr;
    return found ? { ms: found, own: false } : null;
  }

  wordsOf(item) {
    const { words } = this.viewer.data;
    if (item.kind !== "caliper") return noteWords(item, words);
    const pane = this.viewer.panes[item.pane] ?? this.viewer.panes[0];
    const parts = [shortWords(item, words, pane.calibrated), qtWords(item, this.rrFor(item), words)];
    return parts.filter(Boolean).join(" · ");
  }

  /** Return what something is called: its kind and its number. */
  nameOf(item) {
    const { data, state } = this.viewer;
    return fill(data.words.numbered, { name: data.words[`name_${item.kind}`], n: state.drawn.indexOf(item) + 1 });
  }

  show() {
    const { state } = this.viewer;
    for (const [item, row] of this.rows) {
      if (state.drawn.includes(item)) continue;
      row.remove();
      this.rows.delete(item);
    }
    state.drawn.forEach((item, i) => {
      if (!this.rows.has(item)) {
        const row = item.kind === "caliper" ? this.caliperRow(item) : this.noteRow(item);
        this.rows.set(item, row);
        this.list.append(row);
      }
      this.rows.get(item).tell(i + 1);
    });
    set(this.list, { hidden: state.drawn.length === 0 });
    set(this.hint, { hidden: state.drawn.length > 0 });
  }

  say(item) {
    const { words } = this.viewer.data;
    this.said.textContent = fill(words.said, { name: this.nameOf(item), lead: item.lead, reading: this.wordsOf(item) });
  }

  /** Return a button that reads an annotation and chooses it, and one that removes it. */
  commonParts(item) {
    const { viewer } = this;
    const reading = element("button", { type: "button", class: "reading-of" });
    reading.addEventListener("click", () => viewer.choose(item, true));
    const remove = makeButton({ name: viewer.data.words.remove, iconName: "close", act: () => viewer.remove(item) });
    return { reading, remove };
  }

  /** Write a row's numbers and names as they are now. named : [part, its words], each of which is named after the item */
  renew(row, item, { reading, n, named }) {
    const { words } = this.viewer.data;
    const said = [n, item.lead, item.kind === "text" ? words.name_text : this.wordsOf({ ...item, text: "" })].join(" · ");
    if (reading.textContent !== said) reading.textContent = said;
    const name = this.nameOf(item);
    for (const [part, what] of named) set(part, { "aria-label": fill(words.of_drawn, { what, name }) });
    set(row, { class: this.viewer.state.chosen === item.id ? "chosen" : null });
  }

  noteRow(item) {
    const { words } = this.viewer.data;
    const { reading, remove } = this.commonParts(item);
    const box = this.box(item);
    const row = element("li", {}, reading, box, remove);
    row.tell = (n) => {
      this.renew(row, item, { reading, n, named: [[box, words.words], [remove, words.remove]] });
      if (box.value !== item.text && box.getRootNode().activeElement !== box) box.value = item.text;
    };
    return row;
  }

  /** Return a box for the words of a stretch or a text. */
  box(item) {
    const { words } = this.viewer.data;
    const name = fill(words.of_drawn, { what: words.words, name: this.nameOf(item) });
    return wordsBox(item, { name, placeholder: words.words, written: () => this.viewer.changed(item, true) });
  }

  caliperRow(item) {
    const { viewer } = this;
    const { words } = viewer.data;
    const { reading, remove } = this.commonParts(item);
    const measures = element("select", { class: "kind" }, ...MEASURES.map((one) => element("option", { value: one }, words[`kind_${one}`])));
    measures.addEventListener("change", () => {
      item.measures = measures.value;
      viewer.changed(item, true);
    });
    const count = element("input", { class: "count", type: "number", min: 1, max: MOST_INTERVALS, value: 1, title: words.count });
    count.addEventListener("input", () => {
      item.count = Math.min(Math.max(Math.round(Number(count.value)) || 1, 1), MOST_INTERVALS);
      viewer.changed(item, true);
    });
    const march = makeButton({ name: words.march, iconName: "view_week", pressed: false, act: () => viewer.march(item) });
    const row = element("li", {}, reading, measures, element("label", { class: "times" }, "÷", count), march, remove);
    const named = [[measures, words.kind], [count, words.count], [march, words.march], [remove, words.remove]];
    row.tell = (n) => {
      this.renew(row, item, { reading, n, named });
      if (measures.value !== item.measures) measures.value = item.measures;
      set(count.parentElement, { hidden: !["interval", "RR"].includes(item.measures) });
      march.press(item.march);
    };
    return row;
  }
}
