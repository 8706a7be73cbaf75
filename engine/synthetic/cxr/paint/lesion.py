"""Nodule, mass and cavity: rounded lesions, the first up to 30 mm, the second larger, the third with air inside.

Sizes and words follow the Fleischner glossary (Radiology 2024). A lesion absorbs what its chord in the beam does, so
that small ones are faint and ribs cross them; margins are smooth, lobulated or spiculated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.curves import distance, spline, wire
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

ZONES = {"upper": (0.18, 0.42), "mid": (0.42, 0.68), "lower": (0.68, 0.92)}  # heights: thirds of the lung
MARGINS = {"smooth": 0.3, "lobulated": 0.4, "spiculated": 0.3}  # teaching mix
WALL_MM = (4.0, 9.0)  # of a cavity
DENSER = {"nodule": 1.6, "mass": 1.15}  # beside water: calcium and blood in small ones that films show at all


def paint_nodule(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a nodule in a zone of one side."""
    return _solid(scene, finding, rng, "nodule")


def paint_mass(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a mass in a zone of one side."""
    return _solid(scene, finding, rng, "mass")


def paint_cavity(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a cavity with a thick wall, and often fluid that stands level in it."""
    size = amount("cavity", "size_mm", finding.severity, rng)
    centre = _place(scene, scene.anatomy.lung(finding.side), finding.place, size, rng)
    outer = _ball(scene, centre, size, 0.07, rng)
    wall = rng.uniform(*WALL_MM)
    inner = _ball(scene, centre + scene.anatomy.px(0.8) * rng.normal(0, 1, 2), size - 2 * wall, 0.05, rng)
    rows = np.arange(scene.anatomy.shape[0])[:, None]
    level = centre[0] + scene.anatomy.px((size / 2 - wall) * rng.uniform(-0.1, 0.6))
    has_fluid = bool(rng.random() < 0.6) and not finding.supine
    empty = inner * (
        light.smooth(np.broadcast_to(rows < level, outer.shape).astype(np.float32), 0.6) if has_fluid else 1
    )
    cuff = np.exp(
        -((np.hypot(*(np.indices(outer.shape) - centre[:, None, None])) / scene.anatomy.px(size * 0.72)) ** 2)
    )
    water = (
        (outer - empty) * (1 - light.LUNG) - light.LUNG * empty * 0.6 + 3.5 * cuff * scene.soft(scene.anatomy.lungs, 2)
    )
    u = light.add_water(scene.u, light.smooth(water, 0.7) * scene.per_mm, scene.solid + 6 * scene.per_mm)
    fluid = " with an air-fluid level" if has_fluid else ""
    words = f"Cavity of {size:.0f} mm{fluid} in the {finding.side} {finding.place} zone."
    return Stroke(u, outer > 0.25 * size * 0.5, finding, words, {"size_mm": round(size), "wall_mm": round(wall)})


def _solid(scene: Scene, finding: FilmFinding, rng: np.random.Generator, kind: str) -> Stroke:
    size = amount(kind, "size_mm", finding.severity, rng)
    size = min(size, 30.0) if kind == "nodule" else max(size, 31.0)
    margin = str(rng.choice(list(MARGINS), p=list(MARGINS.values())))
    centre = _place(scene, scene.anatomy.lung(finding.side), finding.place, size, rng)
    water = _ball(scene, centre, size, {"smooth": 0.03, "lobulated": 0.10, "spiculated": 0.07}[margin], rng)
    mask = water > 0.2 * size
    if margin == "spiculated":
        water = water + _spicules(scene, centre, size, rng)
    u = light.add_water(
        scene.u,
        light.smooth(water, 0.8) * DENSER[kind] * (1 - light.LUNG) * scene.per_mm,
        scene.solid + 6 * scene.per_mm,
    )
    place = f"the {finding.side} {finding.place} zone"
    words = f"{margin.capitalize()} {kind} of {size:.0f} mm in {place}."
    return Stroke(u, mask, replace(finding), words, {"size_mm": round(size)})


def _place(scene: Scene, lung: Lung, zone: str, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return the centre (row, column) of a lesion in a zone, its edge within the lung where there is room."""
    from scipy.ndimage import distance_transform_edt

    away = distance_transform_edt(lung.mask)
    low, high = ZONES[zone]
    there = (lung.height >= low) & (lung.height <= high) & lung.mask
    wanted = scene.anatomy.px(size * 0.5 + 3)
    best = np.argwhere(there & (away >= min(wanted, float(away[there].max()) * 0.92)))
    return best[rng.integers(len(best))].astype(float)


def _ball(scene: Scene, centre: np.ndarray, size: float, uneven: float, rng: np.random.Generator) -> np.ndarray:
    """Return the path (h, w) in mm through a ball of `size` mm across, flattened and lumpy by a share `uneven`."""
    rows, columns = np.indices(scene.anatomy.shape, dtype=np.float32)
    down, out = (rows - centre[0]), (columns - centre[1])
    angle, turn, flat = np.arctan2(down, out), rng.uniform(0, np.pi), rng.uniform(0.86, 1.0)
    radius = scene.anatomy.px(size / 2) * (1 + (1 - flat) * np.cos(2 * (angle - turn)))
    for lobes in range(3, 8):
        radius = radius * (1 + uneven * rng.normal(0, 1.6 / lobes) * np.cos(lobes * angle + rng.uniform(0, 6.3)))
    ratio = np.hypot(down, out) / radius
    return np.asarray(light.smooth(size * np.sqrt(np.clip(1 - ratio**2, 0, None)), 0.6), np.float32)


def _spicules(scene: Scene, centre: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return strands (h, w) in mm that leave a lesion on all sides."""
    total = np.zeros(scene.anatomy.shape, np.float32)
    count = int(rng.integers(10, 18))
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.normal(0, 0.15, count):
        reach = scene.anatomy.px(size / 2) * rng.uniform(1.25, 1.75)
        bend = angle + rng.normal(0, 0.12)
        ends = [
            centre + r * np.array([np.sin(a), np.cos(a)])
            for r, a in ((0.3 * reach, angle), (0.7 * reach, angle), (reach, bend))
        ]
        away = distance(scene.anatomy.shape, spline(np.array(ends)), 3)
        np.maximum(total, wire(away, max(scene.anatomy.px(0.6), 0.5)), out=total)
    return light.smooth(total, 0.6) * scene.anatomy.mm_per_px * 3.0
