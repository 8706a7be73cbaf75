// What a caliper reads, in numbers and in words.

import { fill } from "../common/elements.js";

export const MEASURES = ["interval", "RR", "PR", "QRS", "QT"];

/** Return the span of a caliper: {ms, mv}, never negative. */
export function spanOf({ t0, t1, v0, v1 }) {
  return { ms: Math.abs(t1 - t0) * 1000, mv: Math.abs(v1 - v0) };
}

/** Return beats a minute of so many intervals in a span. */
export function perMinute(ms, count) {
  return (60000 * count) / ms;
}

/**
 * Return QTc in ms by Bazett, QT / √RR, and by Fridericia, QT / ∛RR, with RR in seconds (Bazett 1920, Heart 7:353;
 * Fridericia 1920, Acta Med Scand 53:469).
 */
export function corrected(qtMs, rrMs) {
  return { bazett: qtMs / Math.sqrt(rrMs / 1000), fridericia: qtMs / Math.cbrt(rrMs / 1000) };
}

/** Return what is written beside a caliper. mv : whether its amplitude has millivolts */
export function shortWords(caliper, words, mv) {
  const span = spanOf(caliper);
  const parts = [];
  if (span.ms >= 0.5) {
    parts.push(`${span.ms.toFixed(0)} ${words.ms}`);
    if (["interval", "RR"].includes(caliper.measures)) {
      parts.push(fill(words.rate, { rate: perMinute(span.ms, caliper.count).toFixed(0) }));
    }
  }
  if (mv && span.mv >= 0.005) parts.push(`${span.mv.toFixed(2)} ${words.mv}`);
  return parts.join(" · ") || `0 ${words.ms}`;
}

/** Return the corrected QT of a caliper in words; "" where it is no QT. rr : {ms, own}, or null where none is known */
export function qtWords(caliper, rr, words) {
  if (caliper.measures !== "QT") return "";
  if (!rr) return words.qtc_needs_rr;
  const qtc = corrected(spanOf(caliper).ms, rr.ms);
  return fill(rr.own ? words.qtc_own : words.qtc_found, {
    bazett: qtc.bazett.toFixed(0),
    fridericia: qtc.fridericia.toFixed(0),
    rr: rr.ms.toFixed(0),
  });
}

/** Return what a stretch or a text says: its seconds, then its words. */
export function noteWords(item, words) {
  const seconds = item.kind === "stretch" ? `${Math.abs(item.t1 - item.t0).toFixed(2)} ${words.s}` : "";
  return [seconds, item.text].filter(Boolean).join(" · ");
}
