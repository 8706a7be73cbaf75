// Greys to pixels of the screen: the window, and means between the four nearest greys of the level that fits.

const pictures = new WeakMap(); // canvas → {picture, pixels} of its size, filled anew in every frame
const PARTS = 128; // between two greys; 16 bits of grey and twice 7 bits fit into an integer of 32 bits

/** Return what each grey becomes on the screen, (2 ** bits,) Uint32 as ImageData has them. */
export function tableOf({ low, high }, bits, inverted) {
  const table = new Uint32Array(2 ** bits);
  const span = Math.max(high - low, 1e-6);
  for (let grey = 0; grey < table.length; grey += 1) {
    const share = Math.min(Math.max((grey - low) / span, 0), 1);
    const eight = Math.round(255 * (inverted ? 1 - share : share));
    table[grey] = (0xff000000 | (eight << 16) | (eight << 8) | eight) >>> 0;
  }
  return table;
}

/**
 * Paint the part of a film that is on a canvas; around it stays black.
 *
 * levels    : of pixels.js
 * placement : in CSS pixels of the canvas
 * ratio     : pixels of the canvas per CSS pixel
 * quick     : the nearest grey alone, a third of the work, while something moves
 */
export function paintFilm(context, levels, placement, table, { ratio, quick }) {
  const { width, height } = context.canvas;
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  const level = levels[levelFor(levels, placement, ratio)];
  const straight = placement.view.turn[0] !== 0;
  const columns = axis(level, placement, ratio, width, straight, true);
  const rows = axis(level, placement, ratio, height, !straight, false);
  if (!columns.n || !rows.n) return;
  const { picture, pixels } = pictureOf(context);
  const to = { pixels, start: rows.first * width + columns.first, stride: width };
  if (quick) fillQuickly(to, level.greys, columns, rows, table);
  else fillPixels(to, level.greys, columns, rows, table);
  context.putImageData(picture, 0, 0, columns.first, rows.first, columns.n, rows.n);
}

function pictureOf(context) {
  const { canvas } = context;
  const known = pictures.get(canvas);
  if (known?.picture.width === canvas.width && known.picture.height === canvas.height) return known;
  const picture = context.createImageData(canvas.width, canvas.height);
  const made = { picture, pixels: new Uint32Array(picture.data.buffer) };
  pictures.set(canvas, made);
  return made;
}

function levelFor(levels, placement, ratio) {
  const { unitX, unitY } = placement.film;
  const perPixel = 1 / (placement.scale * Math.max(unitX, unitY) * ratio); // film's pixels per pixel of the canvas
  return Math.min(Math.max(Math.floor(Math.log2(perPixel) + 0.25), 0), levels.length - 1);
}

/** Return for each pixel along one side of the canvas the two nearest indices of the level, and the part between. */
function axis(level, placement, ratio, n, ofColumns, across) {
  const { film, view, screen } = placement;
  const [a, b, c, d] = view.turn;
  const sign = across ? (ofColumns ? a : b) : ofColumns ? c : d;
  const size = ofColumns ? film.width : film.height;
  const unit = ofColumns ? film.unitX : film.unitY;
  const middle = placement.middle[ofColumns ? 0 : 1];
  const most = (ofColumns ? level.width : level.height) - 1;
  const stride = ofColumns ? 1 : level.width;
  const near = new Int32Array(n);
  const far = new Int32Array(n);
  const part = new Int32Array(n);
  const centre = (across ? screen.width : screen.height) / 2;
  let first = -1;
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const place = middle + (sign * ((i + 0.5) / ratio - centre)) / (placement.scale * unit);
    if (place < 0 || place >= size) continue;
    if (first < 0) first = i;
    const at = place / level.factor - 0.5;
    const whole = Math.floor(at);
    near[count] = Math.min(Math.max(whole, 0), most) * stride;
    far[count] = Math.min(Math.max(whole + 1, 0), most) * stride;
    part[count] = Math.floor((at - whole) * PARTS);
    count += 1;
  }
  return { near, far, part, n: count, first };
}

function fillPixels({ pixels, start, stride }, greys, columns, rows, table) {
  const across = columns.n;
  const { near, far, part } = columns;
  for (let y = 0; y < rows.n; y += 1) {
    let at = start + y * stride;
    const upper = rows.near[y];
    const lower = rows.far[y];
    const down = rows.part[y];
    for (let x = 0; x < across; x += 1, at += 1) {
      const left = near[x];
      const right = far[x];
      const share = part[x];
      const a = greys[upper + left];
      const b = greys[lower + left];
      const above = (a << 7) + (greys[upper + right] - a) * share;
      const below = (b << 7) + (greys[lower + right] - b) * share;
      pixels[at] = table[((above << 7) + (below - above) * down + 8192) >> 14];
    }
  }
}

function fillQuickly({ pixels, start, stride }, greys, columns, rows, table) {
  const across = columns.n;
  const nearest = columns.part.map((share, x) => (share < PARTS / 2 ? columns.near[x] : columns.far[x]));
  for (let y = 0; y < rows.n; y += 1) {
    let at = start + y * stride;
    const row = rows.part[y] < PARTS / 2 ? rows.near[y] : rows.far[y];
    for (let x = 0; x < across; x += 1, at += 1) pixels[at] = table[greys[row + nearest[x]]];
  }
}
