"""A side marker: a lead letter, R or L, laid on the cassette beside the shoulder of its side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.scene import Scene

LETTERS = {"right": "R", "left": "L"}
HEIGHT_MM = 15.0
LEAD = 0.96  # grey of lead on the film


def paint_marker(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint the letter of one side, a little askew, in the upper corner of that side."""
    h, w = scene.anatomy.shape
    size = scene.anatomy.px(HEIGHT_MM) * rng.uniform(0.85, 1.2)
    letter = _letter(LETTERS[finding.side], round(4 * size), float(rng.normal(0, 7)))
    small = ndimage.zoom(letter, 0.25, order=1)
    across = rng.uniform(0.88, 0.94) if finding.side == "left" else rng.uniform(0.06, 0.12)
    row = int(rng.uniform(0.05, 0.12) * h - small.shape[0] / 2)
    column = int(across * w - small.shape[1] / 2)
    row, column = max(row, 2), int(np.clip(column, 2, w - small.shape[1] - 2))
    cover = np.zeros((h, w), np.float32)
    cover[row : row + small.shape[0], column : column + small.shape[1]] = small
    lead = float(light.density(np.array([LEAD]))[0])
    u = scene.u + light.smooth(cover, 0.5) * np.maximum(lead - scene.u, 0)
    return Stroke(u, cover > 0.3, replace(finding, place="corner"), "", {})


def _letter(letter: str, size: int, turn: float) -> np.ndarray:
    """Return a letter (n, n) in 0 … 1, `size` pixels high and turned by degrees."""
    canvas = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(canvas).text((size, size), letter, 255, ImageFont.load_default(size * 1.3), anchor="mm")
    return np.asarray(canvas.rotate(turn, Image.Resampling.BICUBIC), np.float32) / 255
