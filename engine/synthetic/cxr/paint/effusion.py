"""Pleural effusion: fluid that lifts the lung off the chest wall, or layers behind it where the patient lies.

Upright, the lung floats: at a depth below the fluid's level it has left the wall by a gap that grows downwards, and the
beam meets the shell between. That alone makes the meniscus, high at the wall, and the veil before and behind the lung.
The level is found so that the shell holds the drawn millilitres; the first HIDDEN_ML lie in the recess behind the dome
(a frontal film is blunted from about 200 ml: Blackmore et al., Acad Radiol 1996; Fleischner glossary, Radiology 2024).
"""

from __future__ import annotations

import numpy as np

from engine.synthetic.cxr.paint import light, warps
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

HIDDEN_ML = 140.0
DEEP_MM = 95.0  # below the fluid's level, where the lung has left the wall altogether
SLOPE = 1.15  # exponent by which the gap between wall and lung widens down to there
BESIDE_MM = 55.0  # of the heart, over which fluid before and behind it fades out
DOME_MM = 45.0  # above the dome, over which fluid becomes as white as what lies below
SEEN_MM = 9.0  # of water, from which fluid is part of the region


def paint_effusion(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint an effusion of one side."""
    lung = scene.anatomy.lung(finding.side)
    ml = amount("pleural effusion", "ml", finding.severity, rng)
    if finding.supine:
        path, size = _layer(scene, lung, ml, rng), _size(ml)
        words = f"Hazy opacity over the {finding.side} hemithorax as of a {size} layering pleural effusion."
        measured = {"ml": round(ml, -1)}
    else:
        path, level = _meniscus(scene, lung, ml)
        measured = {"ml": round(ml, -1), "height_mm": round(level)}
        blunt = f"Blunting of the {finding.side} costophrenic angle: small pleural effusion."
        words = blunt if ml < 350 else f"{_size(ml).capitalize()} {finding.side} pleural effusion with a meniscus."
    full = _reach(scene, lung)
    seen = light.smooth(path * full, scene.anatomy.px(1.0))
    painted = light.add_water(scene.u, seen * scene.per_mm * (1 - light.LUNG), _whitest(scene, lung), scene.through)
    return Stroke(painted, (seen > SEEN_MM) & (full > 0.5), finding, words, measured)


def _size(ml: float) -> str:
    return "small" if ml < 400 else "moderate" if ml < 1000 else "large"


def _reach(scene: Scene, lung: Lung) -> np.ndarray:
    """Return how far (h, w), 0 … 1, fluid covers: the lung, a rim below its floor, and fading out beside the heart."""
    px, rows = scene.anatomy.px, np.arange(scene.anatomy.shape[0])[:, None]
    deep = px(3) + px(5) * np.clip((lung.across - 0.55) / 0.45, 0, 1)
    below = (rows <= lung.floor[None] + deep) & (rows > lung.floor[None] - 2) & lung.columns[None] & (lung.across < 1)
    medial = lung.outward * (np.arange(scene.anatomy.shape[1])[None] - lung.borders[0][:, None])
    beside = warps.ramp(medial, -px(BESIDE_MM), -px(5)) * (medial <= px(2))
    beside = (
        beside
        * warps.ramp(rows, lung.apex[0], lung.apex[0] + px(12))
        * warps.ramp(rows, lung.angle[0], lung.angle[0] - 4)
    )
    return np.maximum(scene.soft(lung.mask | below, 1.2), beside).astype(np.float32)


def _whitest(scene: Scene, lung: Lung) -> np.ndarray:
    """Return the density (h, w) that much fluid has: that of the heart, so that its border is lost, and of the abdomen
    towards the dome, so that the dome is.
    """
    heart = light.local_level(scene.u, scene.anatomy.heart, scene.anatomy.px(30))
    rows = np.arange(scene.anatomy.shape[0])[:, None]
    near = warps.ramp(rows, lung.dome[0] - scene.anatomy.px(DOME_MM), lung.dome[0])
    return np.asarray(np.minimum(heart, scene.solid) * (1 - near) + scene.solid * near, np.float32)


def _meniscus(scene: Scene, lung: Lung, ml: float) -> tuple[np.ndarray, float]:
    """Return the path (h, w) in mm through free fluid of a volume, and its level in mm above the angle."""
    anatomy = scene.anatomy
    height = (lung.angle[0] - np.arange(anatomy.shape[0])[:, None]) * anatomy.mm_per_px
    medial, lateral = lung.borders
    width = np.abs(lateral - medial)[:, None] * anatomy.mm_per_px
    low, high = 5.0, float(height[lung.rows[0]].item())
    for _ in range(12):
        level = (low + high) / 2
        gap = width * np.clip((level - height) / DEEP_MM, 0, 1) ** SLOPE
        path = scene.shell_path(lung, gap)
        volume = float((path * lung.mask).sum()) * anatomy.mm_per_px**2 / 1000
        low, high = (level, high) if volume < max(ml - HIDDEN_ML, 15.0) else (low, level)
    return path, level


def _layer(scene: Scene, lung: Lung, ml: float, rng: np.random.Generator) -> np.ndarray:
    """Return the path (h, w) in mm through fluid behind a lung of a patient who lies: more of it towards the base."""
    weight = (0.25 + 1.0 * np.clip(lung.height, 0, 1.1)) * (0.75 + 0.5 * np.clip(lung.across, 0, 1))
    uneven = 1 + 0.08 * light.clouds(scene.anatomy.shape, scene.anatomy.px(70), rng, octaves=2)
    spread = (weight * uneven * lung.mask).astype(np.float32)
    path = spread * (ml * 1000 / (float(spread.sum()) * scene.anatomy.mm_per_px**2))
    band = scene.anatomy.px(4) * np.clip(lung.height, 0, 1)
    return np.asarray(path + 18 * np.exp(-((lung.from_wall / np.maximum(band, 1)) ** 2)) * lung.mask, np.float32)
