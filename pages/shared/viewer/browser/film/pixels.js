// A film's greys at full depth, and coarser copies of them, so that a frame costs the screen's pixels alone.

import { unpacked } from "../common/payload.js";

const SMALLEST_PX = 64; // of the longer side of the coarsest copy
const MOST_FILMS = 6; // that stay decoded in this tab
const films = new Map();

/**
 * Return the levels of a film, finest first: {width, height, greys: Uint16Array, factor}.
 * source : {url, width, height, bits} of what the server sent
 */
export function levelsOf(source) {
  let known = films.get(source.url);
  films.delete(source.url);
  known ??= unpacked(source.url).then((bytes) => coarser(decoded(bytes, source)));
  films.set(source.url, known);
  known.catch(() => films.delete(source.url));
  if (films.size > MOST_FILMS) films.delete(films.keys().next().value);
  return known;
}

/** Undo what pages/shared/viewer/film_bytes.py did: differences along each row, low bytes before high ones. */
export function decoded(bytes, { width, height, bits }) {
  const n = width * height;
  const greys = new Uint16Array(n);
  const deep = bits > 8;
  for (let row = 0, at = 0; row < height; row += 1) {
    let grey = 0;
    for (const end = at + width; at < end; at += 1) {
      grey = deep ? (grey + bytes[at] + (bytes[n + at] << 8)) & 0xffff : (grey + bytes[at]) & 0xff;
      greys[at] = grey;
    }
  }
  return { width, height, greys, factor: 1 };
}

/** Return the film and its coarser copies, each half as wide as the one before: means over squares of pixels. */
export function coarser(film) {
  const levels = [film];
  for (let last = film; Math.max(last.width, last.height) > SMALLEST_PX; ) {
    last = halved(last);
    levels.push(last);
  }
  return levels;
}

function halved({ width, height, greys, factor }) {
  const across = (width + 1) >> 1;
  const down = (height + 1) >> 1;
  const means = new Uint16Array(across * down);
  for (let y = 0; y < down; y += 1) {
    const upper = 2 * y * width;
    const lower = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < across; x += 1) {
      const left = 2 * x;
      const right = left + 1 < width ? left + 1 : left;
      means[y * across + x] = (greys[upper + left] + greys[upper + right] + greys[lower + left] + greys[lower + right] + 2) >> 2;
    }
  }
  return { width: across, height: down, greys: means, factor: factor * 2 };
}
