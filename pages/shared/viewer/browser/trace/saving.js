// Calipers of a recording as annotations of the record: sent when one is let go, taken when the server has others.

import { element, fill, set } from "../common/elements.js";
import { KINDS } from "./readings.js";

/** Return whether a caliper is kept with its recording: those on median beats have no time of the recording. */
function isKept(caliper, i) {
  return caliper.view === "strip" && caliper.pane === i;
}

/** Return a caliper as an annotation: points in seconds and in the recording's own unit. */
function annotationOf(caliper, panel) {
  const middle = panel.middle[panel.leads.indexOf(caliper.lead)] ?? 0;
  const points = [0, 1].map((end) => [caliper[`t${end}`], caliper[`v${end}`] + middle]);
  return { id: caliper.id, kind: "caliper", points, text: caliper.kind === "interval" ? "" : caliper.kind, lead: caliper.lead };
}

/** Return the caliper that an annotation is. */
function caliperOf({ id, points: [[t0, v0], [t1, v1]], text, lead }, panel, i) {
  const own = panel.leads.includes(lead) ? lead : panel.leads[0];
  const middle = panel.middle[panel.leads.indexOf(own)] ?? 0;
  const kind = KINDS.includes(text) ? text : "interval";
  return { id, lead: own, rhythm: false, view: "strip", t0, t1, v0: v0 - middle, v1: v1 - middle, kind, count: 1, march: false, pane: i };
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
    this.others[i] = panel.annotations.filter((one) => one.kind !== "caliper");
    if (!panel.problem) this.load(i, panel);
  }

  /** Show what was saved earlier, once in this tab: from then on what is seen here is what counts. */
  load(i, panel) {
    const { state } = this.viewer;
    state.loaded ??= {};
    if (state.loaded[i]) return;
    state.loaded[i] = true;
    const known = new Set(state.calipers.map((one) => one.id));
    const kept = panel.annotations.filter((one) => one.kind === "caliper" && !known.has(one.id));
    state.calipers.push(...kept.map((one) => caliperOf(one, panel, i)));
  }

  /** Send the calipers of a recording after one has changed. */
  send(i) {
    const { data, state, tell } = this.viewer;
    const panel = data.panels[i];
    if (!panel?.saves) return;
    this.sent[i] = Math.max(this.sent[i], panel.revision) + 1;
    this.waits[i] = true;
    this.state.textContent = data.words.saving;
    const own = state.calipers.filter((one) => isKept(one, i)).map((one) => annotationOf(one, panel));
    tell("drawn", { panel: i, revision: this.sent[i], annotations: [...this.others[i], ...own] });
  }
}
