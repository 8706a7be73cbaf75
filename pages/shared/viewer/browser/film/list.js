// The annotations in words, beside the picture and for screen readers; what was drawn goes to the server from here.

import { element, fill, set } from "../common/elements.js";
import { makeButton } from "../common/toolbar.js";
import { askOn, wordsBox } from "../common/words.js";

const sameness = (items) => JSON.stringify(items.map(({ id, points, text }) => [id, points, text]));

export class AnnotationList {
  constructor(panels, words, tell) {
    Object.assign(this, { panels, words, tell });
    this.sent = panels.map(() => 0); // how often each film's annotations were sent
    this.waits = panels.map(() => false);
    this.button = makeButton({ name: words.list, iconName: "format_list_bulleted", pressed: false, act: () => this.open(), label: "0" });
    this.eye = makeButton({ name: words.hide, iconName: "visibility", pressed: false, act: () => this.hide() });
    this.state = element("span", { class: "state", role: "status" });
    this.said = element("ul", { class: "unseen", "aria-label": words.drawings });
    this.root = element("div", { class: "list", role: "region", "aria-label": words.list, hidden: true });
  }

  /** Take what the server has of one film, unless something newer is under way. source: {annotations, revision, problem} */
  take(i, { annotations, revision, problem }) {
    if (revision < this.sent[i]) return;
    this.sent[i] = revision;
    if (!this.waits[i] && sameness(annotations) !== sameness(this.panels[i].drawings.items)) this.panels[i].drawings.replace(annotations);
    const { saves } = this.panels[i].source;
    if (problem) this.state.textContent = fill(this.words.unsaved, { problem });
    else if (this.waits[i]) this.state.textContent = saves ? this.words.saved : "";
    set(this.state, { "data-problem": Boolean(problem) });
    this.waits[i] = false;
    this.show();
  }

  /** Send a film's annotations after one has changed. */
  changed(i) {
    this.sent[i] += 1;
    this.waits[i] = true;
    this.state.textContent = this.panels[i].source.saves ? this.words.saving : "";
    this.tell("drawn", { panel: i, revision: this.sent[i], annotations: this.panels[i].drawings.items });
    this.show();
  }

  open() {
    this.root.hidden = !this.root.hidden;
    this.button.press(!this.root.hidden);
    this.show();
    if (!this.root.hidden) this.root.querySelector("button, input")?.focus();
  }

  hide() {
    const hidden = this.eye.getAttribute("aria-pressed") !== "true";
    this.eye.press(hidden);
    this.panels.forEach((panel) => panel.drawings.svg.toggleAttribute("hidden", hidden));
  }

  show() {
    const all = this.panels.flatMap((panel, i) => panel.drawings.items.map((item) => ({ panel, item, i })));
    this.button.querySelector(".label").textContent = String(all.length);
    const sentence = ({ panel, item }) =>
      [panel.source.title, panel.drawings.nameOf(item), panel.drawings.valueOf(item)].filter(Boolean).join(", ");
    this.said.replaceChildren(...all.map((one) => element("li", {}, sentence(one))));
    if (this.root.hidden) return;
    const rows = all.map((one) => this.row(one));
    this.root.replaceChildren(...(rows.length ? rows : [element("p", {}, this.words.list_empty)]));
  }

  row({ panel, item, i }) {
    const { drawings } = panel;
    const name = drawings.nameOf(item);
    const box = this.box(item, () => this.changed(i), fill(this.words.text_of, { name }));
    const away = makeButton({ name: fill(this.words.remove, { name }), iconName: "delete", act: () => drawings.remove(item) });
    const value = drawings.valueOf({ ...item, text: "" });
    return element("div", { class: "row" }, element("span", {}, value ? `${name}: ${value}` : name), away, box);
  }

  box(item, written, name) {
    return wordsBox(item, { written, name, placeholder: this.words.text });
  }

  /** Open a box on the picture for the words of what was just drawn. */
  ask(panel, item) {
    const i = this.panels.indexOf(panel);
    const box = this.box(item, () => this.changed(i), fill(this.words.text_of, { name: panel.drawings.nameOf(item) }));
    askOn(panel.root, box, panel.placement.toScreen(item.points[0]), panel.screen, () => {
      if (item.kind === "text" && !item.text) panel.drawings.remove(item);
      else panel.redraw();
    });
  }
}
