// What lines and regions on a film measure; the server measures again what is saved (engine/measure.py).

/** A film's pixels: columns and rows, and spacing [row, column] in mm, or null where the file states none. */
function scaled([x, y], { spacing }) {
  const [down, across] = spacing ?? [1, 1];
  return [x * across, y * down];
}

function distance(one, other, film) {
  const [a, b] = [scaled(one, film), scaled(other, film)];
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

/** Return {value, unit}, or null where nothing is measured. unit : as in engine/measure.py */
export function measure({ kind, shape, points }, film) {
  if (kind === "ruler") return lengthOf(points[0], points[1], film);
  if (kind === "ctr") {
    const chest = distance(points[2], points[3], film);
    return chest > 0 ? { value: distance(points[0], points[1], film) / chest, unit: "1" } : null;
  }
  if (kind === "angle") return angle(points.map((point) => scaled(point, film)));
  if (kind === "region" && film.spacing) return { value: area(shape, points.map((point) => scaled(point, film))), unit: "mm2" };
  return null;
}

/** Return the length of a line: in mm, or in per cent of the film's width. */
export function lengthOf(one, other, film) {
  const length = distance(one, other, film);
  return film.spacing ? { value: length, unit: "mm" } : { value: (100 * length) / film.width, unit: "%" };
}

function angle([end, vertex, other]) {
  const [ax, ay] = [end[0] - vertex[0], end[1] - vertex[1]];
  const [bx, by] = [other[0] - vertex[0], other[1] - vertex[1]];
  if (!(ax || ay) || !(bx || by)) return null;
  const turn = Math.atan2(Math.abs(ax * by - ay * bx), ax * bx + ay * by);
  return { value: (turn * 180) / Math.PI, unit: "deg" };
}

function area(shape, points) {
  if (shape === "polygon") {
    const twice = points.reduce((sum, [x, y], i) => {
      const [nextX, nextY] = points[(i + 1) % points.length];
      return sum + x * nextY - nextX * y;
    }, 0);
    return Math.abs(twice) / 2;
  }
  const box = Math.abs(points[1][0] - points[0][0]) * Math.abs(points[1][1] - points[0][1]);
  return shape === "ellipse" ? (box * Math.PI) / 4 : box;
}

/** Return a measured value as it is printed. words : {mm, percent, ratio, degrees, area} with {value} */
export function inWords(measured, words) {
  if (!measured) return "";
  const { value, unit } = measured;
  if (unit === "mm") return words.mm.replace("{value}", value.toFixed(1));
  if (unit === "%") return words.percent.replace("{value}", value.toFixed(1));
  if (unit === "deg") return words.degrees.replace("{value}", value.toFixed(1));
  if (unit === "mm2") return words.area.replace("{value}", (value / 100).toFixed(1));
  return words.ratio.replace("{value}", value.toFixed(2));
}
