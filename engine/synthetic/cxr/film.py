"""Paths through tissue, air and bone → a film: attenuation, scatter, blur, grain and the curve of the display."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.synthetic.cxr.body import ChestBody, FilmLandmarks, Pose, frame_of
from engine.synthetic.cxr.bones import skeleton_of
from engine.synthetic.cxr.raster import FilmGrid
from engine.synthetic.cxr.tissue import tissue_of
from engine.synthetic.cxr.vessels import vessels_of

SIDE = 512  # pixels of a synthetic film, its height and its width
SOFT, BONE = 0.0172, 0.085  # attenuation per mm at a chest film's beam; bone's beyond soft tissue's
HARDENING_MM = 200.0  # soft tissue behind which the hardened beam sees bone e times less
LUNG = 0.26  # density of inflated lung
VESSEL = 4.0  # a drawn vessel stands for itself and for what runs beside it: bronchial wall, vein, lymphatics
THIN = 0.7  # exponent of its path: thin vessels have more beside them
FULL_MM = 110.0  # of air, in front of and behind which a vessel stands out wholly
SCATTER_MM = 34.0
WIDE_MM, FINE_MM = 22.0, 3.0  # scales of the display's enhancement
LIFT = 0.75  # exponent of the displayed grey


@dataclass(frozen=True, eq=False)
class ChestFilm:
    """One film without findings.

    film : (SIDE, SIDE) float32 in 0 … 1, bones bright · spacing : mm per pixel · attenuation : −log of what passes,
    before scatter · masks : lungs, heart, mediastinum and ribs, 0 … 1, (SIDE, SIDE) each
    """

    film: np.ndarray
    spacing: float
    frame: FilmLandmarks
    attenuation: np.ndarray
    masks: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Exposure:
    """How the film was exposed and displayed: scatter's share, grain, the curve's steepness and middle, blur in mm."""

    scatter: float
    grain: float
    steep: float
    middle: float
    blur: float
    uneven: tuple[float, float]


def draw_exposure(pose: Pose, rng: np.random.Generator) -> Exposure:
    """Return the exposure of one film: AP films, taken at the bedside without a good grid, are flatter and grainier."""
    return Exposure(
        scatter=float(np.clip(rng.normal(0.50 if pose.ap else 0.36, 0.07), 0.2, 0.7)),
        grain=float(np.exp(np.clip(rng.normal(-5.9 if pose.ap else -6.2, 0.25), -6.8, -5.4))),
        steep=float(np.clip(rng.normal(1.0, 0.11), 0.75, 1.3)),
        middle=float(rng.normal(0, 0.035)),
        blur=float(rng.uniform(0.25, 0.5)),
        uneven=(float(rng.normal(0, 0.03)), float(rng.normal(0, 0.03))),
    )


def render(body: ChestBody, pose: Pose, side: int = SIDE) -> ChestFilm:
    """Return a film of a body; the same for the same body and pose."""
    frame, grid = frame_of(body, pose), FilmGrid(side, pose.field / side)
    tissue, bones = tissue_of(frame, grid), skeleton_of(frame, grid)
    lungs = np.maximum(tissue.masks["right lung"], tissue.masks["left lung"])
    drawn = vessels_of(frame, grid)
    vessels = VESSEL * drawn**THIN * np.clip(tissue.air / FULL_MM, 0, 1)
    mottle = _mottle(grid, np.random.default_rng([body.seed, 8])) * tissue.air / 150
    gas = tissue.air * (1 - LUNG) + 0.8 * tissue.airways + 0.75 * tissue.bowel
    soft = np.maximum(tissue.trunk - gas, 0) + vessels * (1 - LUNG) + mottle
    through = SOFT * soft + BONE * bones.bone * np.exp(-soft / HARDENING_MM) * (tissue.trunk > 5)
    film = expose(through, grid, draw_exposure(pose, np.random.default_rng([pose.seed, 9])), pose)
    masks = {**tissue.masks, "ribs": (bones.ribs > 0.4).astype(np.float32) * lungs}
    return ChestFilm(film, grid.spacing, frame, through, masks)


def _mottle(grid: FilmGrid, rng: np.random.Generator) -> np.ndarray:
    """Return the unresolved texture of lung as mm of tissue: fine twigs and septa, blurred noise of several widths."""
    white = rng.standard_normal((3, grid.side, grid.side)).astype(np.float32)
    parts = [grid.blurred(w, mm) * mm for w, mm in zip(white, (0.9, 2.0, 4.5), strict=True)]
    return np.asarray(sum(weight * part / part.std() for weight, part in zip((1.5, 1.5, 1.4), parts, strict=True)))


def expose(through: np.ndarray, grid: FilmGrid, how: Exposure, pose: Pose) -> np.ndarray:
    """Attenuation (side, side) → the displayed film, float32 in 0 … 1."""
    passed = np.exp(-grid.blurred(through, how.blur))
    veil = grid.blurred(np.minimum(passed, 0.35), SCATTER_MM)
    signal = (1 - how.scatter) * passed + how.scatter * veil
    rng = np.random.default_rng([pose.seed, 10])
    quanta = rng.standard_normal(signal.shape).astype(np.float32)
    density = -np.log(np.maximum(signal, 1e-5)) + how.grain * np.exp(0.25 * through) * grid.blurred(quanta, 0.3) * 2.2
    x, y = grid.axes()
    density = density + how.uneven[0] * x / 200 + how.uneven[1] * (y / 200 - 1)
    density = enhance(density, grid)
    low, high = np.percentile(density[through > 0.25], (4, 97))
    grey = how.middle + 0.5 + 0.66 * how.steep * ((density - low) / (high - low) - 0.50)
    film = 1 / (1 + np.exp(-4.6 * (grey - 0.5))) * 1.22 - 0.11
    return np.asarray(np.clip(film, 0, 1) ** LIFT, np.float32)


def enhance(density: np.ndarray, grid: FilmGrid) -> np.ndarray:
    """Return a density with its details raised and its wide slopes lowered, as computed radiography displays films."""
    wide, fine = grid.blurred(density, WIDE_MM), grid.blurred(density, FINE_MM)
    return np.asarray(0.80 * wide + 1.35 * (fine - wide) + 1.6 * (density - fine))
