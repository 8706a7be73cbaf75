"""Consolidation: airspace filled with fluid, bounded by fissures, its bronchi still full of air.

A filled lobe is as dense as heart and diaphragm, so the border that it touches is lost (silhouette sign: Felson and
Felson, Radiology 1950): the middle lobe and the lingula lose the heart's border, the lower lobes the dome.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.paint import light, trees
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene
from engine.synthetic.cxr.paint.warps import ramp

# Of each place: how high its middle lies (0 apex, 1 dome), how far out (0 mediastinum, 1 wall), half height and width,
# the height of a fissure that bounds it below or above (0: none), and where its bronchi go (trees.TreeShape.towards).
PLACES = {
    ("right", "upper"): (0.30, 0.50, 0.34, 0.75, ("below", 0.55), (15.0, 95.0)),
    ("right", "middle"): (0.78, 0.20, 0.26, 0.62, ("above", 0.56), (-75.0, -25.0)),
    ("right", "lower"): (0.95, 0.50, 0.40, 0.75, ("", 0.0), (-85.0, -20.0)),
    ("left", "upper"): (0.34, 0.45, 0.36, 0.75, ("", 0.0), (10.0, 95.0)),
    ("left", "lingula"): (0.74, 0.30, 0.28, 0.62, ("", 0.0), (-70.0, -20.0)),
    ("left", "lower"): (0.95, 0.30, 0.40, 0.80, ("", 0.0), (-88.0, -25.0)),
}
NAMES = {"upper": "upper lobe", "middle": "middle lobe", "lower": "lower lobe", "lingula": "lingula"}
PATCHY = 0.42  # how far lumps move the border of what is filled
SEEN = 0.33  # of full consolidation, from which it is part of the region
DEPTH_MM = 95.0  # of lung along the beam that a lobe takes at most


def paint_consolidation(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a consolidation in a lobe of one side."""
    lung, anatomy = scene.anatomy.lung(finding.side), scene.anatomy
    filled = _filled(scene, lung, finding, rng)
    share = amount("consolidation", "share", finding.severity, rng)
    depth = np.minimum(np.maximum(scene.lung_path(lung), 0.45 * DEPTH_MM), DEPTH_MM)
    path = light.smooth(filled, anatomy.px(1.2)) * share * depth
    shape = trees.TreeShape(PLACES[finding.side, finding.place][5], stems=3, radius_mm=2.1, length_mm=30, splits=2)
    air = trees.paths(anatomy.shape, trees.grow(scene, lung, shape, rng)) * anatomy.mm_per_px
    air = light.smooth(air, 0.7) * light.smooth(filled, anatomy.px(2))
    added = (path * (1 - light.LUNG) - 5.0 * air * ramp(path, 18.0, 45.0)) * scene.per_mm
    u = light.add_water(scene.u, added, scene.solid, scene.through)
    area = float((filled > SEEN).sum()) * anatomy.mm_per_px**2 / 100
    words = f"Consolidation in the {finding.side} {NAMES[finding.place]} with air bronchograms."
    if finding.place in ("middle", "lingula"):
        words = f"{words[:-1]}; the {finding.side} heart border is lost."
    return Stroke(u, filled > SEEN, replace(finding), words, {"area_cm2": round(area)})


def _filled(scene: Scene, lung: Lung, finding: FilmFinding, rng: np.random.Generator) -> np.ndarray:
    """Return how far (h, w), 0 … 1, the lobe's airspace is filled: patchy at its border, sharp at a fissure."""
    anatomy = scene.anatomy
    high, out, tall, wide, (bound, fissure), _ = PLACES[finding.side, finding.place]
    size = amount("consolidation", "size", finding.severity, rng)
    high, out = high + rng.normal(0, 0.03), out + rng.normal(0, 0.06)
    away = np.hypot((lung.height - high) / (tall * size), (lung.across - out) / (wide * size))
    lumps = light.clouds(anatomy.shape, anatomy.px(30), rng)
    filled = ramp(1.0 - away + PATCHY * lumps * 0.5, -0.22, 0.38)
    if bound:
        slope = fissure + 0.05 * (lung.across - 0.4) + 0.015 * np.sin(3 * lung.across)
        edge = ramp((lung.height - slope) * (1 if bound == "above" else -1), -0.008, 0.014)
        filled = filled * edge
    inside = scene.soft(lung.mask | _behind(scene, lung, finding.place), 2.0)
    return np.asarray(filled * inside, np.float32)


def _behind(scene: Scene, lung: Lung, place: str) -> np.ndarray:
    """Return where (h, w) a lobe lies behind or beside the heart: what hides the border when it fills."""
    reach = {"lower": -0.55 if lung.side == "left" else -0.22, "middle": -0.10, "lingula": -0.12}.get(place, 0.0)
    rows = np.arange(scene.anatomy.shape[0])[:, None]
    above = rows < lung.dome[0] + scene.anatomy.px(3)
    beside = (lung.across > reach) & (lung.across <= 0.02) & (rows > lung.row_at(0.45)) & above
    floor = (rows <= lung.floor[None] + scene.anatomy.px(3)) & (rows > lung.floor[None] - 2) & lung.columns[None]
    return beside | (floor & (place == "lower"))
