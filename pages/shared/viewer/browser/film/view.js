// How a film lies on the screen: which way up, how large, and which place of it in the middle.

export const MOST_ZOOM = 40;
export const LEAST_ZOOM = 0.5;
const MARGIN_PX = 10;

/** Return the view in which a film is seen whole, as stored. */
export function wholeView() {
  return { zoom: 1, x: 0.5, y: 0.5, turn: [1, 0, 0, 1] };
}

/**
 * The place of a film on a screen.
 *
 * film   : {width, height, unitX, unitY}, the two lengths of a pixel in any unit that both directions share
 * view   : zoom (1: whole), x and y (the film's place in the middle, as shares), turn ([a, b, c, d], how directions of
 *          the film become those of the screen: a matrix of 0, 1 and -1)
 * screen : {width, height} in CSS pixels
 * scale  : CSS pixels per unit at zoom 1
 */
export class Placement {
  constructor(film, view, screen, scale) {
    Object.assign(this, { film, view, screen, scale: scale * view.zoom });
    this.middle = [view.x * film.width, view.y * film.height];
  }

  /** Return where a place of the film is on the screen. */
  toScreen([x, y]) {
    const [a, b, c, d] = this.view.turn;
    const across = (x - this.middle[0]) * this.film.unitX * this.scale;
    const down = (y - this.middle[1]) * this.film.unitY * this.scale;
    return [a * across + b * down + this.screen.width / 2, c * across + d * down + this.screen.height / 2];
  }

  /** Return which place of the film is at a place of the screen. */
  toFilm([u, v]) {
    const [dx, dy] = this.along([u - this.screen.width / 2, v - this.screen.height / 2]);
    return [this.middle[0] + dx, this.middle[1] + dy];
  }

  /** Return by how many pixels of the film a step on the screen goes. */
  along([du, dv]) {
    const [a, b, c, d] = this.view.turn;
    return [(a * du + c * dv) / (this.film.unitX * this.scale), (b * du + d * dv) / (this.film.unitY * this.scale)];
  }

  /** Return the view after a step on the screen, the film's middle staying on the film. */
  panned(du, dv) {
    const [dx, dy] = this.along([du, dv]);
    const x = clamped(this.view.x - dx / this.film.width, 0, 1);
    const y = clamped(this.view.y - dy / this.film.height, 0, 1);
    return { ...this.view, x, y };
  }

  /** Return the view after a zoom that leaves what is at a place of the screen there. */
  zoomedAt([u, v], factor) {
    const zoom = clamped(this.view.zoom * factor, LEAST_ZOOM, MOST_ZOOM);
    const by = zoom / this.view.zoom;
    const [dx, dy] = this.along([u - this.screen.width / 2, v - this.screen.height / 2]);
    const x = clamped(this.view.x + (dx * (1 - 1 / by)) / this.film.width, 0, 1);
    const y = clamped(this.view.y + (dy * (1 - 1 / by)) / this.film.height, 0, 1);
    return { ...this.view, zoom, x, y };
  }
}

/** Return CSS pixels per unit at which the film is seen whole, with a margin for the handles at its edge. */
export function fittingScale(film, turn, screen) {
  const sides = [film.width * film.unitX, film.height * film.unitY];
  const [across, down] = turn[0] !== 0 ? sides : [sides[1], sides[0]];
  const [width, height] = [screen.width, screen.height].map((side) => Math.max(side - 2 * MARGIN_PX, 1));
  return Math.min(width / across, height / down);
}

/** Return a turn after another one, such as `QUARTER` (clockwise) or `MIRROR` (left and right). */
export function turned([a, b, c, d], [e, f, g, h]) {
  return [e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d];
}
export const QUARTER = [0, -1, 1, 0];
export const MIRROR = [-1, 0, 0, 1];

/** Return a number held between two others. */
export function clamped(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
