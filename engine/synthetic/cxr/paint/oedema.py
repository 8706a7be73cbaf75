"""Pulmonary oedema, stage by stage: fuller upper vessels, septal lines and cuffs, then perihilar haze like wings."""

from __future__ import annotations

import numpy as np

from engine.synthetic.cxr.paint import light, trees
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.curves import distance, hollow, spline, wire
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene
from engine.synthetic.cxr.paint.warps import ramp

LINES_FROM, WINGS_FROM = 0.12, 0.45  # severity
SEEN_MM = 5.0  # of water, from which haze is part of the region
RISING = trees.TreeShape((35.0, 92.0), stems=4, radius_mm=2.3, length_mm=34, splits=3)
FALLING = trees.TreeShape((-80.0, 15.0), stems=4, radius_mm=2.1, length_mm=32, splits=3)


def paint_oedema(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint oedema of both lungs."""
    water = np.zeros(scene.anatomy.shape, np.float32)
    for lung in (scene.anatomy.right_lung, scene.anatomy.left_lung):
        inside = scene.soft(lung.mask, 2.0)
        water += (_haze(scene, lung, finding.severity, rng) + _vessels(scene, lung, finding.severity, rng)) * inside
        if finding.severity > LINES_FROM:
            water += (_septa(scene, lung, finding.severity, rng) + _cuffs(scene, lung, finding.severity, rng)) * inside
    blurred = scene.u - 0.35 * finding.severity * light.grain(scene.u) * scene.soft(scene.anatomy.lungs, 2)
    u = light.add_water(blurred, water * scene.per_mm, scene.solid, scene.through)
    mask = (light.smooth(water, scene.anatomy.px(5)) > SEEN_MM) & scene.anatomy.lungs
    mask = mask if mask.any() else scene.anatomy.lungs
    words = "Vascular redistribution to the upper zones, early pulmonary congestion."
    if finding.severity > LINES_FROM:
        words = "Interstitial pulmonary oedema with Kerley B lines and peribronchial cuffs."
    if finding.severity > WINGS_FROM:
        words = "Pulmonary oedema: perihilar haze on both sides, Kerley B lines, thickened fissures."
    return Stroke(
        u, mask, finding, words, {"grade": 1 + (finding.severity > LINES_FROM) + (finding.severity > WINGS_FROM)}
    )


def _haze(scene: Scene, lung: Lung, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return the water (h, w) in mm in airspace and interstitium: about the hilum and the base, the border spared."""
    anatomy = scene.anatomy
    peak = amount("pulmonary oedema", "haze_mm", severity, rng)
    rows, columns = np.indices(anatomy.shape, dtype=np.float32)
    row, column = lung.hilum
    away = np.hypot((rows - row - anatomy.px(12)) / anatomy.px(78), (columns - column) / anatomy.px(62))
    lumps = light.clouds(anatomy.shape, anatomy.px(24), rng)
    wings = np.exp(-((away * (1 - 0.16 * lumps)) ** 2)) * (1 + 0.28 * lumps * ramp(away, 0.1, 0.9))
    wings *= 0.25 + 0.75 * ramp(lung.from_wall * anatomy.mm_per_px, 2.0, 26.0)
    base = 0.42 * ramp(lung.height, 0.35, 1.05) * (1 + 0.18 * lumps)
    strong = ramp(np.array(severity), 0.1, WINGS_FROM + 0.3)
    return np.asarray(peak * np.clip(wings * (0.35 + 0.65 * strong) + base * 0.7, 0, None), np.float32)


def _vessels(scene: Scene, lung: Lung, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return the water (h, w) in mm in fuller vessels: those of the upper zones as wide as the lower."""
    fuller = np.clip(scene.markings(), 0, None) / scene.per_mm * ramp(lung.height, 0.75, 0.2) * 0.7
    rising = trees.paths(scene.anatomy.shape, trees.grow(scene, lung, RISING, rng))
    falling = trees.paths(scene.anatomy.shape, trees.grow(scene, lung, FALLING, rng)) * 0.6
    soft = light.smooth(np.maximum(rising, falling), 0.7 + 0.5 * severity) * scene.anatomy.mm_per_px
    return np.asarray(fuller + soft * (1.8 + 0.6 * severity) * np.exp(-lung.across.clip(0) / 0.9), np.float32)


def _septa(scene: Scene, lung: Lung, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return Kerley B lines (h, w) in mm: short, straight, at right angles to the wall, above the angle."""
    anatomy, total = scene.anatomy, np.zeros(scene.anatomy.shape, np.float32)
    row, low = lung.angle[0] - anatomy.px(5), lung.row_at(0.55)
    lateral = lung.borders[1]
    while row > low:
        length = anatomy.px(amount("pulmonary oedema", "lines_mm", severity * rng.uniform(0.4, 1), rng))
        start = np.array([row, lateral[int(row)] - lung.outward * anatomy.px(0.8)])
        end = start + [anatomy.px(rng.normal(-1.2, 1.2)), -lung.outward * length]
        bow = (start + end) / 2 + [rng.normal(0, anatomy.px(0.4)), 0]
        away = distance(anatomy.shape, spline(np.array([start, bow, end])), 3)
        np.maximum(total, wire(away, max(anatomy.px(0.55), 0.5)) * rng.uniform(0.6, 1.0), out=total)
        row -= anatomy.px(rng.uniform(4, 9)) * (1.6 - 0.6 * severity)
    return np.asarray(light.smooth(total, 0.5) * anatomy.mm_per_px * 4.5 * (0.5 + 0.5 * severity), np.float32)


def _cuffs(scene: Scene, lung: Lung, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return bronchi seen on end (h, w) in mm, their walls thickened, beside the hilum; and the minor fissure."""
    anatomy, total = scene.anatomy, np.zeros(scene.anatomy.shape, np.float32)
    rows, columns = np.indices(anatomy.shape, dtype=np.float32)
    for _ in range(rng.integers(2, 5)):
        angle, reach = rng.uniform(-1.2, 1.2), anatomy.px(rng.uniform(14, 34))
        centre = np.array(lung.hilum) + reach * np.array([-np.sin(angle), lung.outward * np.cos(angle)])
        ring = hollow(
            np.hypot(rows - centre[0], columns - centre[1]), anatomy.px(rng.uniform(2.4, 3.4)), anatomy.px(1.2)
        )
        total += ring
    if lung.side == "right":
        at = np.linspace(0.08, 0.95, 6)
        medial, lateral = lung.borders
        row = lung.row_at(0.55)
        points = np.stack(
            [
                row + anatomy.px(2) * np.sin(3 * at) + anatomy.px(3) * at,
                medial[row] + at * (lateral[row] - medial[row]),
            ],
            1,
        )
        total += 1.1 * wire(distance(anatomy.shape, spline(points), 4), anatomy.px(0.7 + 0.6 * severity))
    return np.asarray(light.smooth(total, 0.6) * anatomy.mm_per_px * (1.0 + 1.6 * severity), np.float32)
