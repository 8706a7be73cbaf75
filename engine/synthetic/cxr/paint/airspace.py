"""Lungs that are too large or too small: emphysema and fibrosis.

Emphysema: flat, low domes, dark lungs with few vessels, a narrow heart (Nicklaus et al., AJR 1966; Fleischner glossary,
Radiology 2024). Fibrosis: a net of fine lines at the base and along the wall, small lungs (Raghu et al., Am J Respir
Crit Care Med 2011).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint import light, warps
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

NARROWER = 0.22  # of the heart's borders' distance to the midline, at severity 1
MESH_MM = 2.7  # between the lines of a net


def paint_emphysema(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint hyperinflated lungs with few vessels."""
    anatomy, severity = scene.anatomy, finding.severity
    drop = amount("emphysema", "drop_mm", severity, rng)
    bent = np.zeros((2, *anatomy.shape), np.float32)
    for side in ("right", "left"):
        bent = warps.compose(bent, warps.lower_dome(anatomy, side, anatomy.px(drop)))
    share = -NARROWER * severity
    bent = warps.compose(bent, warps.widen_heart(anatomy, warps.heart_rises(anatomy, share, share)))
    scene = Scene(light.moved(scene.u, bent), anatomy.moved(bent))
    water = np.zeros(anatomy.shape, np.float32)
    for lung in (scene.anatomy.right_lung, scene.anatomy.left_lung):
        patches = 1 + 0.25 * light.clouds(anatomy.shape, anatomy.px(45), rng, octaves=2)
        upper = 0.65 + 0.35 * warps.ramp(lung.height, 0.9, 0.1)
        path = np.minimum(scene.lung_path(lung), 150.0) * upper * patches
        water -= amount("emphysema", "lost", severity, rng) * path * scene.soft(lung.mask, 2.5)
    outer = np.maximum(scene.anatomy.right_lung.across, 0) * scene.anatomy.right
    outer = outer + np.maximum(scene.anatomy.left_lung.across, 0) * scene.anatomy.left
    few = scene.markings(2.0) * warps.ramp(outer, 0.2, 0.6) * scene.soft(scene.anatomy.lungs, 2.0)
    u = scene.u + water * scene.per_mm - (0.25 + 0.3 * severity) * few
    words = "Hyperinflated lungs with flat diaphragms and few peripheral vessels: emphysema."
    measured = {"drop_mm": round(drop)}
    return Stroke(u, scene.anatomy.lungs, replace(finding, place="both lungs"), words, measured, bent)


def paint_fibrosis(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a net of fine lines at both bases, with small lungs."""
    anatomy = scene.anatomy
    lift = amount("fibrosis", "lift_mm", finding.severity, rng)
    bent = np.zeros((2, *anatomy.shape), np.float32)
    for side in ("right", "left"):
        bent = warps.compose(bent, warps.lower_dome(anatomy, side, -anatomy.px(lift)))
    scene = Scene(light.moved(scene.u, bent), anatomy.moved(bent))
    net = _net(anatomy.shape, anatomy.px(MESH_MM), rng)
    water, where = np.zeros(anatomy.shape, np.float32), np.zeros(anatomy.shape, np.float32)
    for lung in (scene.anatomy.right_lung, scene.anatomy.left_lung):
        near = _where(scene, lung, finding.severity, rng) * scene.soft(lung.mask, 1.5)
        water += amount("fibrosis", "lines_mm", finding.severity, rng) * near * (net + 0.35)
        where += near
    u = light.add_water(scene.u, water * scene.per_mm, scene.solid + 4 * scene.per_mm)
    words = "Reticular pattern at both bases and along the chest wall with small lungs: fibrosis."
    mask = light.smooth(where, anatomy.px(3)) > 0.35
    return Stroke(u, mask, replace(finding, place="bases"), words, {"lift_mm": round(lift)}, bent)


def _where(scene: Scene, lung: Lung, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return how strong (h, w), 0 … 1, the net is: at the base and along the wall, patchy."""
    wall = np.exp(-lung.from_wall * scene.anatomy.mm_per_px / (14 + 16 * severity))
    base = warps.ramp(lung.height, 0.75 - 0.35 * severity, 1.05)
    patches = 0.85 + 0.3 * light.clouds(scene.anatomy.shape, scene.anatomy.px(30), rng, octaves=3)
    return np.asarray(
        np.clip((0.75 * base + 0.6 * wall * warps.ramp(lung.height, 0.1, 0.7)) * patches, 0, 1), np.float32
    )


def _net(shape: tuple[int, int], mesh: float, rng: np.random.Generator) -> np.ndarray:
    """Return a net (h, w) of fine lines about 0, its meshes irregular: where two seeds are equally near (Voronoi)."""
    from scipy.spatial import cKDTree

    total = np.zeros(shape, np.float32)
    points = np.indices(shape).reshape(2, -1).T
    for layer in (1.0, 1.5):
        count = int(shape[0] * shape[1] / (mesh * layer) ** 2)
        seeds = rng.random((count, 2)) * shape
        first, second = cKDTree(seeds).query(points, k=2)[0].T
        total += np.exp(-((second - first).reshape(shape) / 1.1).astype(np.float32)) * layer
    fine = ndimage.gaussian_filter(total, 0.9)
    return np.asarray(fine - fine.mean(), np.float32) / float(fine.std())
