// Drawing paper and curves on a canvas.

import { MM_PER_MV, PULSE_S } from "./paper.js";
import { trace } from "./signal.js";

const CURVE_MM = 0.3;
const LEAST_CURVE_PX = 1.25;
const ROUND_PX = 2; // a thinner curve has corners that nobody sees, and is drawn sooner
const NAME_MM = 3.8;
const NAME_PX = [11, 17];
const LEVELS = 6; // steps of a signed map; below half a step nothing is drawn
const DASHES_MM = [1.4, 1.5]; // mark the negative sign, so that it never rests on colour alone
const SECONDS = [1, 2, 5, 10, 30, 60, 300, 600, 3600]; // between two that are printed
const SECONDS_PX = 70;
const MARK_MM = 8; // up and down from 0 mV
const SECOND_DASHES_PX = [7, 3]; // of the second of two recordings over each other

/**
 * Draw what a pane shows.
 *
 * view : {paper, scale (px a mm), width, height (px), left, top (px scrolled), colours, curves, beats, overlay}
 * curves : [{signal, colour, dashed}], drawn over each other
 */
export function drawPaper(ink, view) {
  const { paper, scale, width, height, left, colours } = view;
  const margin = paper.margin * scale;
  ink.fillStyle = colours.background;
  ink.fillRect(0, 0, width, height);
  drawGrid(ink, view, margin - left);
  ink.save();
  ink.beginPath();
  ink.rect(margin, 0, width - margin, height);
  ink.clip();
  paper.cells.forEach((cell, i) => {
    if (view.overlay) drawBands(ink, view, cell);
    for (const curve of view.curves) drawCurve(ink, view, cell, curve);
    if (cell.x0 > 0 && across(view, cell, cell.t0) > margin) drawBeginning(ink, view, cell, paper.names[i]);
  });
  if (view.marks?.length) drawMarks(ink, view);
  if (view.beats) drawBeats(ink, view);
  if (view.seconds) drawSeconds(ink, view);
  ink.restore();
  if (left > 0.5) {
    ink.fillStyle = colours.background;
    ink.fillRect(0, 0, margin, height);
    ink.save();
    ink.beginPath();
    ink.rect(0, 0, margin, height);
    ink.clip();
    drawGrid(ink, view, margin);
    ink.restore();
  }
  const first = left / scale + 1; // mm of paper at the margin's edge
  paper.bases.forEach((_, row) => {
    const own = paper.cells.filter((cell) => cell.row === row);
    drawMargin(ink, view, own.findLast((cell) => cell.x0 <= first) ?? own[0]);
  });
}

function across(view, cell, t) {
  return (view.paper.margin + view.paper.x(cell, t)) * view.scale - view.left;
}

function down(view, cell, v) {
  return view.paper.y(cell, v) * view.scale - view.top;
}

function drawGrid(ink, { paper, scale, width, height, top, colours }, zero) {
  const [small, large] = paper.squares;
  const steps = small * scale >= 2 ? [[small, colours.minor], [large, colours.major]] : [[large, colours.major]];
  for (const [step, colour] of steps) {
    const wide = step * scale;
    ink.fillStyle = colour;
    for (let x = ((zero % wide) + wide) % wide; x <= width; x += wide) ink.fillRect(x - 0.5, 0, 1, height); // quicker than strokes
    for (let y = (((-top) % wide) + wide) % wide; paper.calibrated && y <= height; y += wide) ink.fillRect(0, y - 0.5, width, 1);
  }
}

/** Return the samples of a cell that can be seen, with their places; null where there are none. */
function seen(view, cell, signal) {
  const lead = signal.leads.indexOf(cell.lead);
  if (lead < 0) return null;
  const { paper, scale, left, width } = view;
  const t = (px) => paper.t(cell, (px + left) / scale - paper.margin);
  const first = Math.max(Math.floor((Math.max(t(paper.margin * scale), cell.t0) - signal.start) * signal.fs) - 1, 0);
  const last = Math.min(Math.ceil((Math.min(t(width), cell.t1) - signal.start) * signal.fs) + 1, signal.n - 1);
  const [from, until] = [Math.max(first, Math.ceil((cell.t0 - signal.start) * signal.fs - 1e-6)), Math.min(last, Math.floor((cell.t1 - signal.start) * signal.fs + 1e-6))];
  if (until <= from) return null;
  return {
    lead,
    first: from,
    last: until,
    at: (i) => signal.at(lead, Math.floor(i)) * cell.sign,
    x: (i) => across(view, cell, signal.time(i)),
    y: (value) => down(view, cell, value),
  };
}

function drawCurve(ink, view, cell, { signal, colour, dashed }) {
  const samples = seen(view, cell, signal);
  if (!samples) return;
  ink.beginPath();
  trace(samples, { move: (x, y) => ink.moveTo(x, y), line: (x, y) => ink.lineTo(x, y) });
  ink.strokeStyle = colour;
  ink.lineWidth = Math.max(CURVE_MM * view.scale, LEAST_CURVE_PX);
  ink.lineJoin = ink.lineWidth < ROUND_PX ? "bevel" : "round";
  ink.setLineDash(dashed ? SECOND_DASHES_PX : []);
  ink.stroke();
  ink.setLineDash([]);
}

/** Draw a signed map along a curve: wider is stronger, dashed is negative. */
function drawBands(ink, view, cell) {
  const { overlay, curves: [{ signal }], scale, colours } = view;
  const samples = seen(view, cell, signal);
  if (!samples) return;
  const level = (i) => overlay.level(samples.lead, i);
  ink.save();
  ink.lineCap = "butt";
  for (let i = samples.first; i < samples.last; ) {
    const own = level(i);
    let end = i + 1;
    while (end < samples.last && level(end) === own) end += 1;
    if (own !== 0) {
      const strength = Math.abs(own) / LEVELS;
      ink.beginPath();
      trace({ ...samples, first: i, last: end }, { move: (x, y) => ink.moveTo(x, y), line: (x, y) => ink.lineTo(x, y) });
      ink.strokeStyle = own > 0 ? colours.raises : colours.lowers;
      ink.globalAlpha = overlay.opacity * strength ** 0.6;
      ink.lineWidth = (0.9 + 1.7 * strength) * scale;
      ink.setLineDash(own < 0 ? DASHES_MM.map((mm) => mm * scale) : []);
      ink.stroke();
    }
    i = end;
  }
  ink.restore();
}

function font(scale) {
  return `600 ${Math.min(Math.max(NAME_MM * scale, NAME_PX[0]), NAME_PX[1])}px sans-serif`;
}

/** Draw the stroke and the name where a cell begins within its row. */
function drawBeginning(ink, view, cell, over) {
  const { paper, scale, colours } = view;
  const [x, y] = [across(view, cell, cell.t0), down(view, cell, 0)];
  ink.beginPath();
  ink.moveTo(x, y - 4 * scale);
  ink.lineTo(x, y + 4 * scale);
  ink.strokeStyle = colours.faint;
  ink.lineWidth = 1;
  ink.stroke();
  ink.font = font(scale);
  ink.fillStyle = colours.ink;
  ink.fillText(cell.name.replace("-", "\u2212"), x + scale, (paper.bases[cell.row] - over) * scale - view.top);
}

/** Draw the name of the lead that is seen first and the calibration pulse of a row; both stay while the paper moves. */
function drawMargin(ink, view, cell) {
  const { paper, scale, colours } = view;
  const y = down(view, cell, 0);
  ink.font = font(scale);
  ink.fillStyle = colours.ink;
  ink.fillText(cell.name.replace("-", "\u2212"), Math.max(scale - 1, 1), y + 0.35 * NAME_MM * scale);
  if (!paper.calibrated) return;
  const long = PULSE_S * paper.speed;
  const foot = 1;
  const corners = [[-foot, 0], [0, 0], [0, 1], [long, 1], [long, 0], [long + foot, 0]];
  ink.beginPath();
  corners.forEach(([mm, mv], i) => {
    const [px, py] = [(paper.margin - long - 2 + mm) * scale, y - mv * MM_PER_MV * (paper.gain / MM_PER_MV) * scale];
    if (i) ink.lineTo(px, py);
    else ink.moveTo(px, py);
  });
  ink.strokeStyle = colours.ink;
  ink.lineWidth = Math.max(CURVE_MM * scale, LEAST_CURVE_PX);
  ink.stroke();
}

/** Print the seconds of a recording along the foot, as far apart as they can be read. */
function drawSeconds(ink, view) {
  const { paper, scale, width, height, colours } = view;
  const [cell] = paper.cells;
  const perS = paper.speed * scale;
  const step = SECONDS.find((one) => one * perS >= SECONDS_PX) ?? SECONDS[SECONDS.length - 1];
  ink.font = "12px sans-serif";
  ink.fillStyle = colours.faint;
  ink.textAlign = "center";
  const first = Math.max(Math.ceil(paper.t(cell, view.left / scale) / step) * step, 0);
  for (let t = first; t <= cell.t1 + 1e-6; t += step) {
    const x = across(view, cell, t);
    if (x > width) break;
    if (x > paper.margin * scale + 8) ink.fillText(`${Number(t.toFixed(1))} s`, x, height - 5);
  }
  ink.textAlign = "left";
}

/** Mark where waves begin and end in every cell, seconds from the R wave. */
function drawMarks(ink, view) {
  ink.beginPath();
  for (const cell of view.paper.cells) {
    const [y, reach] = [down(view, cell, 0), MARK_MM * view.scale];
    for (const t of view.marks) {
      const x = across(view, cell, t);
      ink.moveTo(x, y - reach);
      ink.lineTo(x, y + reach);
    }
  }
  ink.strokeStyle = view.colours.caliper;
  ink.lineWidth = 1.2;
  ink.setLineDash([4, 3]);
  ink.stroke();
  ink.setLineDash([]);
}

/** Mark the beats at the foot of the longest cell of their lead. */
function drawBeats(ink, view) {
  const { beats, colours } = view;
  ink.fillStyle = colours.faint;
  for (const { x, y } of beatPlaces(view, beats)) {
    ink.beginPath();
    ink.moveTo(x, y - 7);
    ink.lineTo(x - 4, y);
    ink.lineTo(x + 4, y);
    ink.fill();
  }
}

/** Return where the beats of one lead are marked: {x, y, t, i} in pixels, under the deepest of the curve. */
export function beatPlaces(view, beats) {
  const { paper, scale, curves: [{ signal }] } = view;
  const own = paper.cells.filter((cell) => cell.lead === beats.lead);
  if (!own.length) return [];
  const cell = own.reduce((best, one) => (one.t1 - one.t0 > best.t1 - best.t0 ? one : best));
  const y = Math.min(down(view, cell, Math.min(signal.lowest(cell.lead), 0)) + 4 * scale, view.height - 20);
  return beats.at
    .map((t, i) => ({ t, i, x: across(view, cell, t), y }))
    .filter((one) => one.t >= cell.t0 && one.t < cell.t1 && one.x > -10 && one.x < view.width + 10);
}
