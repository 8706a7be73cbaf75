// The cases that a search found of one kind: a list of cards, drawn from what the server sends. What is pressed on them
// is shown at once, and sent until the server says that it was taken: a rerun that another one replaces loses nothing.

import { element, fill, icon, set } from "../common/elements.js";
import { mounting } from "../common/mounting.js";

const classOf = (key) => `st-key-${key.trim().replace(/[^a-zA-Z0-9_-]/g, "-")}`;
const PICTURE = ["id", "picture", "alt", "quote"]; // what the upper part of a card is drawn from

class Cards {
  constructor(host, tell) {
    this.tell = tell;
    this.pressed = []; // that the server has not said to have taken
    this.number = 0; // of the last press
    this.cards = [];
    this.list = element("div", { class: "cases", role: "list" });
    host.append(this.list);
  }

  update(data) {
    this.data = data;
    this.number = Math.max(this.number, data.taken);
    this.pressed = this.pressed.filter((one) => one.n > data.taken && one.query === data.query);
    this.list.style.setProperty("--card-width", `${data.width}px`);
    while (this.cards.length < data.cards.length) this.add();
    while (this.cards.length > data.cards.length) this.cards.pop().root.remove();
    data.cards.forEach((one, at) => this.cards[at].update(this.asPressed(one), data));
  }

  add() {
    const card = new Card((what, value) => this.press(card, what, value));
    this.cards.push(card);
    this.list.append(card.root);
  }

  press(card, what, value) {
    this.number += 1;
    this.pressed.push({ n: this.number, query: this.data.query, id: card.shown.id, what, value });
    this.tell("presses", [...this.pressed]);
    card.update(this.asPressed(this.data.cards[this.cards.indexOf(card)]), this.data);
  }

  /** Return a card with what was pressed on it since it was sent. */
  asPressed(sent) {
    const card = { ...sent };
    for (const { id, what, value } of this.pressed) {
      if (id === card.id && what === "rate") card.mark = value;
      if (id === card.id && what === "choose") card.chosen = value;
    }
    return card;
  }

  close() {}
}

class Card {
  constructor(press) {
    this.press = press;
    this.picture = element("p");
    this.words = element("div", { class: "said" });
    this.actions = element("div", {});
    this.root = element("div", { role: "listitem", tabindex: 0 }, this.picture, this.words, this.actions);
  }

  update(shown, data) {
    const before = this.shown ?? {};
    const asBefore = JSON.stringify([shown, data.words, data.key]);
    if (asBefore === this.drawn) return;
    this.drawn = asBefore;
    this.shown = shown;
    set(this.root, { class: `${classOf(shown.key)} case-card`, "aria-label": shown.title, "data-chosen": shown.chosen === true });
    set(this.root, { "data-first": shown.first });
    if (PICTURE.some((name) => shown[name] !== before[name])) this.drawPicture();
    const title = element("h3", {}, shown.title);
    this.words.replaceChildren(title, ...shown.lines.map((line) => this.line(line)));
    const focused = shown.id === before.id && this.actions.contains(document.activeElement) && document.activeElement.dataset.what;
    this.drawActions(data);
    if (focused) this.actions.querySelector(`[data-what="${focused}"]`)?.focus({ preventScroll: true });
  }

  drawPicture() {
    const { picture, alt, quote } = this.shown;
    const drawn = picture ? element("img", { src: picture, alt, draggable: "false" }) : element("p", { class: "quote" }, quote);
    this.picture.replaceWith(drawn);
    this.picture = drawn;
  }

  /** Return one line under the title: its icon or badge and its words. */
  line({ words, badge, kind }) {
    const signs = { copy: "content_copy", saved: "check" };
    const line = element("p", { class: kind || null });
    if (badge) line.append(element("span", { class: "badge" }, badge), " ");
    if (kind in signs) line.append(icon(signs[kind]), " ");
    line.append(words);
    return line;
  }

  drawActions(data) {
    const { row, id, explained, chosen, collected, first } = this.shown;
    const chosenWords = chosen ? "chosen" : "choose";
    this.actions.className = `${classOf(`do-${row}${id}`)} actions`;
    this.actions.replaceChildren(
      ...[
        this.button(data, "open", "open_in_full", { key: first ? data.key : "" }),
        explained && this.button(data, "why", "help"),
        chosen !== null && this.button(data, "choose", chosen ? "check_box" : "check_box_outline_blank", { words: chosenWords, value: !chosen, on: chosen }),
        collected && this.button(data, "collect", "bookmark_add"),
        data.marks.length > 0 && this.marks(data),
      ].filter(Boolean),
    );
  }

  button(data, what, iconName, { words = what, value = null, key = "", on = false } = {}) {
    const { row, id, rank } = this.shown;
    const attributes = {
      type: "button",
      "aria-label": fill(data.words[words], { rank }),
      title: fill(data.words[`${words}_help`], { rank }),
      "aria-keyshortcuts": key || null,
      "data-what": what,
      "data-on": on,
      click: () => this.press(what, value),
    };
    const button = element("button", attributes, icon(iconName), key ? element("kbd", {}, key) : null);
    return element("span", { class: classOf(`${what}-${row}${id}`) }, button);
  }

  /** Return the marks: one is chosen at most, and pressed again it is taken back. Arrows move between them. */
  marks(data) {
    const { row, id, rank, mark } = this.shown;
    const at = Math.max(0, data.marks.findIndex((one) => one.name === mark));
    const buttons = data.marks.map((one, number) => {
      const attributes = {
        type: "button",
        role: "radio",
        "aria-checked": String(one.name === mark),
        "aria-label": one.words,
        title: one.words,
        tabindex: number === at ? 0 : -1,
        "data-what": `mark-${one.name}`,
        click: () => this.press("rate", one.name === mark ? null : one.name),
        keydown: (event) => moved(event, buttons),
      };
      return element("button", attributes, icon(one.icon));
    });
    const group = { class: classOf(`mark-${row}${id}`), role: "radiogroup", "aria-label": fill(data.words.rate, { rank }) };
    return element("span", group, ...buttons);
  }
}

/** Move the focus along a row of buttons by an arrow. */
function moved(event, buttons) {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[(buttons.indexOf(event.currentTarget) + step + buttons.length) % buttons.length].focus();
}

export default mounting((host, tell) => new Cards(host, tell));
