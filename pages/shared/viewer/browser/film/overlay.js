// The signed map over a film: blue lowers, orange raises, stronger is less transparent, and negative is striped.

const LONGEST_PX = 768;
const FAINT = 0.08; // below this share of the strongest value nothing is drawn
const STRIPES = 64; // along the longer side, so that the sign never rests on colour alone
const BETWEEN = 0.15; // of the strength, between two stripes

/** Return bytes that were sent as base64. */
export function bytesOf(words) {
  return Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
}

/**
 * Return a canvas with the map over a whole film.
 *
 * map     : {width, height, values}: base64 of int8, -127..127 for -1..1, row by row
 * colours : base64 of (256, 3) bytes from the strongest negative to the strongest positive
 * film    : {width, height, unitX, unitY}, whose shape the canvas has
 */
export function paintOverlay(map, colours, film) {
  const values = new Int8Array(bytesOf(map.values).buffer);
  const scale = bytesOf(colours);
  const sides = [film.width * film.unitX, film.height * film.unitY];
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round((LONGEST_PX * sides[0]) / Math.max(...sides)));
  canvas.height = Math.max(1, Math.round((LONGEST_PX * sides[1]) / Math.max(...sides)));
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  const half = LONGEST_PX / STRIPES / 2;
  for (let y = 0, at = 0; y < canvas.height; y += 1) {
    const v = ((y + 0.5) / canvas.height) * map.height - 0.5;
    for (let x = 0; x < canvas.width; x += 1, at += 4) {
      const value = between(values, map, ((x + 0.5) / canvas.width) * map.width - 0.5, v) / 127;
      let strength = Math.min(Math.max((Math.abs(value) - FAINT) / (1 - FAINT), 0), 1);
      if (value < 0 && Math.floor((x + y) / half) % 2) strength *= BETWEEN;
      const colour = 3 * Math.min(Math.max(Math.round(((value + 1) / 2) * 255), 0), 255);
      picture.data[at] = scale[colour];
      picture.data[at + 1] = scale[colour + 1];
      picture.data[at + 2] = scale[colour + 2];
      picture.data[at + 3] = 255 * strength;
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

function between(values, { width, height }, x, y) {
  const left = Math.min(Math.max(Math.floor(x), 0), width - 1);
  const top = Math.min(Math.max(Math.floor(y), 0), height - 1);
  const right = Math.min(left + 1, width - 1);
  const bottom = Math.min(top + 1, height - 1);
  const [u, v] = [Math.min(Math.max(x - left, 0), 1), Math.min(Math.max(y - top, 0), 1)];
  const above = values[top * width + left] * (1 - u) + values[top * width + right] * u;
  const below = values[bottom * width + left] * (1 - u) + values[bottom * width + right] * u;
  return above * (1 - v) + below * v;
}

/** Draw the map where the film is. ratio : pixels of the canvas per CSS pixel */
export function drawOverlay(context, overlay, opacity, placement, ratio) {
  const { film, view, scale } = placement;
  const [a, b, c, d] = view.turn;
  const [x, y] = placement.toScreen([0, 0]);
  const across = (scale * film.width * film.unitX) / overlay.width;
  const down = (scale * film.height * film.unitY) / overlay.height;
  context.save();
  context.globalAlpha = opacity;
  context.setTransform(ratio * a * across, ratio * c * across, ratio * b * down, ratio * d * down, ratio * x, ratio * y);
  context.drawImage(overlay, 0, 0);
  context.restore();
}
