// Where everything lies on paper, in millimetres: time across, rows of leads downwards.

export const MM_PER_S = 25; // the usual speed; the scale of the picture is chosen for it
export const MM_PER_MV = 10;
export const PULSE_S = 0.2; // length of the calibration pulse of 1 mV
export const PAGE_S = 10; // shown of a longer recording in a layout of several columns
const LONGEST_PAGE_S = 12; // a recording up to this is one page
const NAMES_MM = 12; // of margin for the names
const PULSE_MARGIN_MM = 3;
const [TOP_MM, BOTTOM_MM] = [2, 2];
export const RIGHT_MM = 2;
const EDGE_SHARE = 0.12; // that stays free over and under a pulse
const SPREAD_MM = 14; // that a row takes at most where there is room
const BETWEEN_BEATS_MM = 5;

/**
 * Paper with rows of cells. A cell shows one lead from t0 to t1 and begins at x0 mm from the margin; time goes on beyond
 * a cell on the same line.
 *
 * bases : y of 0 mV of each row; names : of each cell, mm from its base up to its name's baseline
 */
class Paper {
  constructor({ speed, gain, perUnit, calibrated, cells, places }) {
    Object.assign(this, { speed, gain, calibrated, cells, names: places.names });
    this.perUnit = (perUnit * gain) / MM_PER_MV;
    this.margin = marginOf(speed, calibrated);
    this.bases = places.bases.map((base) => base + TOP_MM);
    this.needed = places.height + TOP_MM + BOTTOM_MM;
    this.height = this.needed;
    this.squares = [1, 5]; // mm between two lines
    this.width = Math.max(...cells.map((cell) => cell.x0 + (cell.t1 - cell.t0) * speed)) + RIGHT_MM;
  }

  /** Move the rows apart until the paper is so many mm high, as far as that helps. */
  spread(height) {
    const more = Math.min(Math.max((height - this.needed) / this.bases.length, 0), SPREAD_MM);
    const over = Math.max(height - this.needed - more * this.bases.length, 0) / 2;
    this.bases = this.bases.map((base, row) => base + (row + 0.5) * more + over);
    this.height = Math.max(this.needed, height);
  }

  /** Let the one row of a curve without an amplitude scale, from low to high, fill so many mm. */
  stretch(height, [low, high]) {
    this.perUnit = (height * (1 - 2 * EDGE_SHARE)) / Math.max(high - low, 1e-9);
    this.bases = [height * EDGE_SHARE + high * this.perUnit];
    this.height = height;
  }

  x(cell, t) {
    return cell.x0 + (t - cell.t0) * this.speed;
  }

  t(cell, x) {
    return cell.t0 + (x - cell.x0) / this.speed;
  }

  y(cell, v) {
    return this.bases[cell.row] - v * this.perUnit;
  }

  v(cell, y) {
    return (this.bases[cell.row] - y) / this.perUnit;
  }

  /** Return the leads whose cells begin in sight. left, top, width, height : of a pane, px; scale : px a mm */
  leadsInSight({ left, top, width, height, scale }) {
    const seen = this.cells.filter(({ x0, row }) => {
      const [x, y] = [(this.margin + x0) * scale - left, this.bases[row] * scale - top];
      return x > -1 && x < width && y > 0 && y < height;
    });
    return [...new Set(seen.map((cell) => cell.lead))];
  }

  /** Return the cell at a place: of the row whose curve is nearest. */
  cellAt(x, y) {
    const far = (row) => Math.abs(y - (this.bases[row] - 3));
    const row = this.bases.reduce((best, _, i) => (far(i) < far(best) ? i : best), 0);
    const own = this.cells.filter((cell) => cell.row === row);
    return own.find((cell) => x < cell.x0 + (cell.t1 - cell.t0) * this.speed) ?? own[own.length - 1];
  }

  /** Return the cells that show some of {lead, t0, t1}, those with most of it first, of its own row where that is one. */
  cellsOf({ lead, t0, t1, rhythm }) {
    const [from, to] = [Math.min(t0, t1), Math.max(t0, t1)];
    const shared = (cell) => Math.min(cell.t1, to) - Math.max(cell.t0, from) + (cell.rhythm === rhythm ? 1e-6 : 0);
    return this.cells.filter((cell) => cell.lead === lead && shared(cell) >= -0.001).sort((a, b) => shared(b) - shared(a));
  }

  /** Return the cell that shows most of {lead, t0, t1}; null where it is not on this paper. */
  cellOf(item) {
    const own = this.cellsOf(item);
    return own.find((cell) => cell.rhythm === item.rhythm) ?? own[0] ?? null;
  }
}

function marginOf(speed, calibrated) {
  return 5 * Math.ceil((NAMES_MM + (calibrated ? PULSE_S * speed + 2 : 0)) / 5);
}

/** Return the lead that a cell of a layout draws, and whether upside down. */
function drawn(name) {
  return name.startsWith("-") ? { lead: name.slice(1), sign: -1 } : { lead: name, sign: 1 };
}

export function columnsOf(layout) {
  return Math.max(...layout.rows.map((row) => row.length));
}

/** Return how long a page of a layout is, s: all of the recording where each row holds one lead. */
export function pageLength(layout, seconds) {
  return columnsOf(layout) === 1 || seconds <= LONGEST_PAGE_S ? seconds : PAGE_S;
}

/** Return `seconds` of a recording from `start` s on; each column shows the next equal share of the page. */
export function stripPaper(panel, layout, { speed, gain, start, seconds }) {
  const cells = [];
  layout.rows.forEach((row, r) => {
    const share = seconds / row.length;
    row.forEach((name, c) => {
      const [t0, x0] = [start + c * share, c * share * speed];
      cells.push({ row: r, ...drawn(name), name, t0, t1: t0 + share, x0, rhythm: false });
    });
  });
  layout.rhythm.forEach((name, r) => {
    const row = layout.rows.length + r;
    cells.push({ row, ...drawn(name), name, t0: start, t1: start + seconds, x0: 0, rhythm: true });
  });
  const { perUnit, units } = panel;
  const moves = seconds < pageLength(layout, panel.seconds) - 0.01; // then a cell comes to show any stretch of its lead
  const places = (moves ? layout.moving : layout.places)[gain];
  return new Paper({ speed, gain, perUnit, calibrated: units === "mV", cells, places });
}

/** Return the median beats, lead beside lead; time runs from the R wave. */
export function beatsPaper(complexes, { speed, gain }) {
  const { before, after, rows, perUnit, units } = complexes;
  const step = (before + after) * speed + BETWEEN_BEATS_MM;
  const cells = rows.flatMap((row, r) =>
    row.map((lead, c) => ({ row: r, lead, sign: 1, name: lead, t0: -before, t1: after, x0: c * step, rhythm: false })),
  );
  return new Paper({ speed, gain, perUnit, calibrated: units === "mV", cells, places: complexes.places[gain] });
}

/** Return one curve of a pulse recording from its beginning to its end, on paper with lines of time alone. */
export function pulsePaper(panel, { speed }) {
  const cells = [{ row: 0, lead: panel.leads[0], sign: 1, name: "", t0: 0, t1: panel.seconds, x0: 0, rhythm: false }];
  const places = { bases: [0], height: 0, names: [0] };
  const paper = new Paper({ speed, gain: MM_PER_MV, perUnit: 1, calibrated: false, cells, places });
  paper.margin = PULSE_MARGIN_MM;
  paper.squares = [speed / 5, speed];
  return paper;
}
