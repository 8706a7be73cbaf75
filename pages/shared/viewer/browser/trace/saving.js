// What is drawn on a recording as annotations of the record: sent when one is let go, taken when the server has others.

import { element, fill, set } from "../common/elements.js";
import { MEASURES } from "./readings.js";

const KEPT = ["caliper", "stretch", "text"]; // that are drawn here; others of the record stay as they are

/** Return whether something is kept with its recording: what is on median beats has no time of the recording. */
function isKept(item, i) {
  return item.view === "strip" && item.pane === i;
}

/** Return what is drawn as an annotation: points in seconds, and in the recording's unit about the lead's median. */
function annotationOf({ id, kind, lead, measures, text, ...item }) {
  const ends = kind === "text" ? [0] : [0, 1];
  const words = kind === "caliper" ? (measures === "interval" ? "" : measures) : text;
  return { id, kind, lead, text: words, points: ends.map((end) => [item[`t${end}`], item[`v${end}`]]) };
}

/** Return what is drawn of an annotation. */
function itemOf({ id, kind, points, text, lead }, panel, i) {
  const [[t0, v0], [t1, v1] = points[0]] = points;
  const own = panel.leads.includes(lead) ? lead : panel.leads[0];
  const measures = kind === "caliper" && MEASURES.includes(text) ? text : "interval";
  const words = kind === "caliper" ? "" : text;
  return { id, kind, lead: own, rhythm: false, view: "strip", t0, t1, v0, v1, text: words, measures, count: 1, march: false, pane: i };
}

export class Saving {
  constructor(viewer) {
    const none = viewer.data.panels.map(() => null);
    Object.assign(this, { viewer, sent: none.map(() => 0), others: none.map(() => []), waits: none.map(() => false) });
    this.state = element("span", { class: "saved", role: "status" });
  }

  /** Take what the server has of one recording, unless something newer is under way. */
  take(i) {
    const { data, state } = this.viewer;
    const panel = data.panels[i];
    if (!panel.saves || panel.revision < this.sent[i]) return;
    this.sent[i] = panel.revision;
    const { words } = data;
    if (panel.problem) this.state.textContent = fill(words.unsaved, { problem: panel.problem });
    else if (this.waits[i]) this.state.textContent = words.saved;
    set(this.state, { "data-problem": Boolean(panel.problem) });
    this.waits[i] = false;
    this.others[i] = panel.annotations.filter((one) => !KEPT.includes(one.kind));
    if (!panel.problem) this.load(i, panel);
  }

  /** Show what was saved earlier, once in this tab: from then on what is seen here is what counts. */
  load(i, panel) {
    const { state } = this.viewer;
    state.loaded ??= {};
    if (state.loaded[i]) return;
    state.loaded[i] = true;
    const known = new Set(state.drawn.map((one) => one.id));
    const kept = panel.annotations.filter((one) => KEPT.includes(one.kind) && !known.has(one.id));
    state.drawn.push(...kept.map((one) => itemOf(one, panel, i)));
  }

  /** Send what is drawn on a recording after some of it has changed. */
  send(i) {
    const { data, state, tell } = this.viewer;
    const panel = data.panels[i];
    if (!panel?.saves) return;
    this.sent[i] = Math.max(this.sent[i], panel.revision) + 1;
    this.waits[i] = true;
    this.state.textContent = data.words.saving;
    const own = state.drawn.filter((one) => isKept(one, i)).map(annotationOf);
    tell("drawn", { panel: i, revision: this.sent[i], annotations: [...this.others[i], ...own] });
  }
}
