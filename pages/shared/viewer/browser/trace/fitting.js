// How a recording comes to be seen in a pane: layout and gain until somebody chooses others, scale, and length of the page.

import { MM_PER_MV, MM_PER_S, RIGHT_MM, columnsOf, pageLength, stripPaper } from "./paper.js";

const SMALLEST_PX_PER_MM = 2.3; // at which a whole page is still shown across
const LEAST_ROWS_PX_PER_MM = 1.9; // at which rows are still shown above each other; 1 mV is then as high as at 5 mm/mV and 3.8
const LEAST_PX_PER_MM = 2.5; // of paper that scrolls
const READ_PX_PER_MM = 3.5; // of a part of a page, where the height allows
const MOST_PX_PER_MM = 9;
const LEAST_COLUMN_S = 2; // of a lead that a column shows: a beat at 30 a minute
const NARROW_LAYOUT = "6x2"; // where the usual one has too little room
const HALF_GAIN = 5; // as carts print where waves are so tall that rows would not fit

/** Return pixels a millimetre at which paper fits a pane across and down. size : {width, height} px */
function room(paper, seconds, { width, height }) {
  const wide = Math.min(paper.width, seconds * MM_PER_S + RIGHT_MM);
  return { across: (0.999 * width) / (paper.margin + wide), down: (0.999 * height) / paper.needed };
}

/**
 * Return how many seconds of a page of several columns stand side by side in a pane, all leads in sight; null where too
 * little of each would be seen. paper : at the speed asked for
 */
function secondsThatFit(layout, paper, px, width) {
  const columns = columnsOf(layout);
  const seconds = (width / px - paper.margin - RIGHT_MM) / paper.speed;
  return columns > 1 && seconds >= columns * LEAST_COLUMN_S ? Math.floor(seconds * 10) / 10 : null;
}

/**
 * Return how a page of a layout at the usual speed fits: {px, shows: whether every lead is in sight}.
 * Where a whole page would be too small to read, less of it stands side by side; where that is too little, it scrolls.
 */
function fitOf(panel, layout, gain, size) {
  const seconds = pageLength(layout, panel.seconds);
  const paper = stripPaper(panel, layout, { speed: MM_PER_S, gain, start: 0, seconds });
  const { across, down } = room(paper, Math.min(seconds, 10), size);
  const least = LEAST_ROWS_PX_PER_MM;
  if (across >= SMALLEST_PX_PER_MM && down >= least) return { px: Math.min(across, down, MOST_PX_PER_MM), shows: true };
  const part = stripPaper(panel, layout, { speed: MM_PER_S, gain, start: 0, seconds: seconds / 2 }); // rows of a part
  const low = room(part, 10, size).down;
  for (const px of [Math.min(Math.max(low, least), READ_PX_PER_MM), LEAST_PX_PER_MM]) {
    if (px <= Math.max(low, least) && secondsThatFit(layout, part, px, size.width)) return { px, shows: low >= least };
  }
  const px = Math.min(Math.max(down, LEAST_PX_PER_MM), READ_PX_PER_MM);
  return { px, shows: columnsOf(layout) === 1 && down >= px };
}

/**
 * Return what is shown until somebody chooses: {layout, gain, px}. The usual layout at 10 mm/mV where that shows every
 * lead, else two columns, else 5 mm/mV.
 */
export function suiting(panel, usual, size) {
  const layouts = [usual, NARROW_LAYOUT].filter((key, i, all) => key in panel.layouts && all.indexOf(key) === i);
  for (const gain of [MM_PER_MV, HALF_GAIN]) {
    for (const layout of layouts) {
      const { px, shows } = fitOf(panel, panel.layouts[layout], gain, size);
      if (shows) return { layout, gain, px };
    }
  }
  return { layout: usual, gain: MM_PER_MV, px: fitOf(panel, panel.layouts[usual], MM_PER_MV, size).px };
}

/** Return the scale of a layout that somebody chose, px a mm. gain : at which rows are to fit */
export function scaleOf(panel, layout, gain, size) {
  return fitOf(panel, layout, gain, size).px;
}

/** Return the scale of median beats, px a mm. */
export function beatsScale(paper, size) {
  const { across, down } = room(paper, Infinity, size);
  return Math.min(Math.max(Math.min(across, down), LEAST_PX_PER_MM), MOST_PX_PER_MM);
}

/** Return how long the page is at a speed and scale, s. width : px of the pane */
export function pageAt(panel, layout, { speed, gain, px, width }) {
  const whole = pageLength(layout, panel.seconds);
  const paper = stripPaper(panel, layout, { speed, gain, start: 0, seconds: whole });
  return Math.min(whole, secondsThatFit(layout, paper, px, width) ?? whole);
}
