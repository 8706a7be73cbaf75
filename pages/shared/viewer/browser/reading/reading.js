// The question about a case: per finding how likely it is and whether it is present, by mouse or by keys, and the time
// for which the case was seen. A hidden tab stops the clock. Everything is sent at once, when the reader goes on.

import { element, fill, set } from "../common/elements.js";
import { mounting } from "../common/mounting.js";

const STORED = "casebind-reading"; // in the tab's storage: the seconds so far, so that a reload goes on counting

class Clock {
  constructor() {
    this.change = () => this.settle();
    document.addEventListener("visibilitychange", this.change);
    window.addEventListener("pagehide", this.change);
    this.ticking = setInterval(this.change, 1000);
  }

  begin(token) {
    const [known, seconds] = (sessionStorage.getItem(STORED) ?? "|").split("|");
    this.token = token;
    this.seconds = known === token ? Number(seconds) || 0 : 0;
    this.since = null;
    this.settle();
  }

  /** Add the time since the page was last known to be seen; a page that is hidden now begins anew when it is shown. */
  settle() {
    const now = performance.now();
    if (this.since !== null) this.seconds += (now - this.since) / 1000;
    this.since = document.visibilityState === "visible" ? now : null;
    sessionStorage.setItem(STORED, `${this.token}|${this.seconds}`);
    return this.seconds;
  }

  close() {
    this.settle();
    clearInterval(this.ticking);
    document.removeEventListener("visibilitychange", this.change);
    window.removeEventListener("pagehide", this.change);
  }
}

class Question {
  constructor(host, tell) {
    this.tell = tell;
    this.clock = new Clock();
    this.root = element("form", { class: "reading", submit: (event) => event.preventDefault() });
    host.append(this.root);
    this.pressed = (event) => this.press(event);
    document.addEventListener("keydown", this.pressed);
  }

  update(data) {
    if (this.data?.token === data.token) {
      if (data.refused !== this.data.refused) this.sent = false; // what was chosen stays, to be sent again
      this.data = data;
      return;
    }
    this.data = data;
    this.sent = false;
    this.clock.begin(data.token);
    this.given = data.findings.map(() => ({ rating: null, present: null }));
    this.parts = data.findings.map((name, at) => this.finding(name, at));
    this.next = element("button", { type: "button", class: "next", click: () => this.send() }, data.words.next, " ", element("kbd", {}, "Enter"));
    this.hint = element("p", { class: "hint", role: "status" });
    this.root.replaceChildren(...this.parts.map((part) => part.root), this.next, this.hint);
    this.draw();
  }

  /** Return the elements of one finding. */
  finding(name, at) {
    const { words, keys } = this.data;
    const choice = (value, label, key) =>
      element("button", { type: "button", "aria-keyshortcuts": key, "data-choice": label, click: () => this.decide(at, value) }, words[label], " ", element("kbd", {}, key));
    const decisions = [choice(true, "present", keys.present), choice(false, "absent", keys.absent)];
    const scale = this.data.scale.name === "five" ? this.five(at) : this.percent(at);
    const root = element(
      "fieldset",
      { focusin: () => { this.current = at; } },
      element("legend", {}, name),
      element("p", { class: "question" }, words.how_likely),
      ...scale.elements,
      element("div", { class: "row" }, ...decisions),
    );
    return { root, decisions, ...scale };
  }

  five(at) {
    const { low, high } = this.data.scale;
    const { surely_absent: least, surely_present: most } = this.data.words;
    const buttons = [];
    for (let value = low; value <= high; value += 1) {
      const end = value === low ? `, ${least}` : value === high ? `, ${most}` : "";
      buttons.push(element("button", { type: "button", "aria-label": `${value}${end}`, "data-rating": value, click: () => this.rate(at, value) }, String(value)));
    }
    const row = element("div", { class: "row scale" }, ...buttons);
    return { elements: [row, this.ends()], show: (rating) => buttons.forEach((one, n) => set(one, { "aria-pressed": String(n + low === rating) })) };
  }

  percent(at) {
    const { low, high } = this.data.scale;
    const slider = element("input", { type: "range", min: low, max: high, value: (low + high) / 2, "aria-label": this.data.words.how_likely, input: () => this.rate(at, Number(slider.value)) });
    const number = element("output", {});
    const show = (rating) => {
      if (rating !== null) slider.value = String(rating);
      const said = rating === null ? this.data.words.not_set : fill(this.data.words.likely, { n: rating });
      number.textContent = said;
      set(slider, { "aria-valuetext": said, "data-set": String(rating !== null) });
    };
    return { elements: [element("div", { class: "row" }, slider, number), this.ends()], show };
  }

  ends() {
    const { surely_absent: least, surely_present: most } = this.data.words;
    return element("div", { class: "ends", "aria-hidden": "true" }, element("span", {}, least), element("span", {}, most));
  }

  rate(at, rating) {
    this.given[at].rating = rating;
    this.current = at;
    this.draw();
  }

  decide(at, present) {
    this.given[at].present = present;
    this.current = at;
    this.draw();
  }

  /** Return the finding that keys mean: the one that has the focus, else the first that is not whole. */
  at() {
    const open = this.given.findIndex((one) => one.rating === null || one.present === null);
    const focused = this.parts.findIndex((part) => part.root.contains(this.root.getRootNode().activeElement));
    return focused >= 0 ? focused : open >= 0 ? open : Math.min(this.current ?? 0, this.given.length - 1);
  }

  press(event) {
    const target = event.composedPath()[0];
    const written = target instanceof HTMLElement && (target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "range"));
    if (written || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("[role=dialog]")) return;
    const { keys, scale } = this.data;
    const key = event.key.toLowerCase();
    if (key === "enter") {
      if (target instanceof HTMLElement && /^(BUTTON|A|SUMMARY)$/.test(target.tagName) && target !== this.next) return;
      this.send();
    } else if (key === keys.present.toLowerCase()) this.decide(this.at(), true);
    else if (key === keys.absent.toLowerCase()) this.decide(this.at(), false);
    else if (/^\d$/.test(key) && scale.name === "percent") this.rate(this.at(), 10 * Number(key));
    else if (/^\d$/.test(key) && Number(key) >= scale.low && Number(key) <= scale.high) this.rate(this.at(), Number(key));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  whole() {
    return this.given.every((one) => one.rating !== null && one.present !== null);
  }

  draw() {
    this.parts.forEach((part, at) => {
      const { rating, present } = this.given[at];
      part.show(rating);
      part.decisions.forEach((one, n) => set(one, { "aria-pressed": String(present === (n === 0)) }));
    });
    set(this.next, { "data-ready": String(this.whole()) });
    this.hint.textContent = "";
  }

  send() {
    if (!this.whole()) {
      this.hint.textContent = this.data.words.all_first;
      return;
    }
    if (this.sent) return;
    this.sent = true;
    const ratings = this.given.map((one) => one.rating);
    const present = this.given.map((one) => one.present);
    this.tell("given", { token: this.data.token, ratings, present, seconds: this.clock.settle() });
  }

  close() {
    this.clock.close();
    document.removeEventListener("keydown", this.pressed);
  }
}

export default mounting((host, tell) => new Question(host, tell));
