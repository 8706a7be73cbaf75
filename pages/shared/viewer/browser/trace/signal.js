// The samples of a recording in the browser, and what a curve of them needs.

import { unpacked } from "../common/payload.js";

const PARTS = 100;
const MISSING = -32768; // the server sends int16, with this for a missing sample

/** A stretch of a recording: `leads` rows of `n` samples from `start` s on, in the recording's own unit. */
export class Signal {
  constructor(source, raw) {
    const { leads, scale, middle, fs, start } = source;
    Object.assign(this, { leads, scale, middle, fs, start, raw, n: raw.length / leads.length });
  }

  /** Fetch the samples of a source: {url, leads, scale, middle, fs, start}. */
  static async fetched(source) {
    const bytes = await unpacked(source.url);
    return new Signal(source, new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1));
  }

  get end() {
    return this.start + this.n / this.fs;
  }

  /** Return whether a time lies in the stretch that is here. */
  holds(t) {
    return t >= this.start && t < this.end;
  }

  /** Return a lead's amplitude about its middle at a sample; NaN where it is missing. */
  at(lead, i) {
    const value = this.raw[lead * this.n + i];
    return value === MISSING || i < 0 || i >= this.n ? NaN : value * this.scale[lead] - this.middle[lead];
  }

  /** Return the usual lowest of a lead about its middle: of a hundred stretches, the one that two lie below. */
  lowest(name) {
    this.lows ??= {};
    this.lows[name] ??= this.percentile(this.leads.indexOf(name));
    return this.lows[name];
  }

  percentile(lead) {
    const lows = [];
    for (let part = 0; part < PARTS; part += 1) {
      const [low] = this.range(lead, Math.floor((part * this.n) / PARTS), Math.floor(((part + 1) * this.n) / PARTS) - 1);
      if (low !== Infinity) lows.push(low);
    }
    return lows.sort((a, b) => a - b)[Math.floor(lows.length * 0.02)] ?? 0;
  }

  /** Return the lowest and highest of a lead from one sample to another: [Infinity, -Infinity] where none is there. */
  range(lead, first, last) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = Math.max(first, 0); i <= Math.min(last, this.n - 1); i += 1) {
      const value = this.at(lead, i);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  }

  /** Return the index of the sample nearest to a time, within the stretch. */
  index(t) {
    return Math.min(Math.max(Math.round((t - this.start) * this.fs), 0), this.n - 1);
  }

  /** Return the time of a sample, s. */
  time(i) {
    return this.start + i / this.fs;
  }

  /**
   * Return the sample nearest to a time that stands out among its neighbours within `reach` s: the top or the bottom
   * of a wave; null where the curve is monotonous or missing there.
   */
  peakNear(lead, t, reach) {
    const [first, last] = [this.index(t - reach), this.index(t + reach)];
    let best = null;
    for (let i = Math.max(first, 1); i <= Math.min(last, this.n - 2); i += 1) {
      const [before, here, after] = [this.at(lead, i - 1), this.at(lead, i), this.at(lead, i + 1)];
      const turns = (here > before && here >= after) || (here < before && here <= after);
      if (turns && (best === null || Math.abs(here) > Math.abs(best.v))) best = { t: this.time(i), v: here };
    }
    return best;
  }
}

/**
 * Draw a curve by calling move(x, y) and line(x, y): sample by sample, or by the lowest and highest of each pixel where
 * several fall on one.
 *
 * samples : {first, last, at(i), x(i), y(value)} with x and y in pixels
 */
export function trace({ first, last, at, x, y }, { move, line }) {
  const perPixel = (last - first) / Math.max(x(last) - x(first), 1);
  if (perPixel > 3) {
    traceColumns({ first, last, at, x, y, perPixel }, { move, line });
    return;
  }
  let down = false;
  for (let i = first; i <= last; i += 1) {
    const value = at(i);
    if (Number.isNaN(value)) down = false;
    else if (down) line(x(i), y(value));
    else {
      move(x(i), y(value));
      down = true;
    }
  }
}

function traceColumns({ first, last, at, x, y, perPixel }, { move, line }) {
  let down = false;
  for (let from = first; from <= last; from += perPixel) {
    let [low, high, lowFirst] = [Infinity, -Infinity, true];
    const until = Math.min(Math.ceil(from + perPixel), last + 1);
    for (let i = Math.floor(from); i < until; i += 1) {
      const value = at(i);
      if (value < low) [low, lowFirst] = [value, false];
      if (value > high) [high, lowFirst] = [value, true];
    }
    if (low === Infinity) {
      down = false;
      continue;
    }
    const across = x(from);
    const ends = lowFirst ? [low, high] : [high, low];
    if (!down) move(across, y(ends[0]));
    else line(across, y(ends[0]));
    line(across, y(ends[1]));
    down = true;
  }
}
