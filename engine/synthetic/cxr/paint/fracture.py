"""Rib fracture: a step in a rib's edges at the side of the chest, with a thin dark line across it.

The rib is found as a bright ridge of the film (the strongest curvature of its Hessian at a rib's width).
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

RIB_MM = 11.0  # width of a rib
ALONG_MM = 26.0  # of the loose end, over which the step fades
GAP_MM = 0.8
BONE = 5.0  # mm of water that the dark line lacks: a rib's bone in the beam
BEST = 0.03  # share of the zone's pixels, those with the strongest ridge, among which the place is drawn


def paint_fracture(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a fracture of a rib at one side."""
    anatomy, px = scene.anatomy, scene.anatomy.px
    step = amount("rib fracture", "step_mm", finding.severity, rng)
    centre, normal = _rib(scene, anatomy.lung(finding.side), rng)
    rows, columns = np.indices(anatomy.shape, dtype=np.float32)
    down, out = rows - centre[0], columns - centre[1]
    across = normal[0] * down + normal[1] * out  # of the rib
    along = -normal[1] * down + normal[0] * out + 0.35 * across  # an oblique break
    width = np.exp(-(np.clip(np.abs(across) / px(RIB_MM * 0.75) - 0.6, 0, None) ** 2) * 3)
    loose = warps.ramp(along, -0.9, 0.9) * np.exp(-np.clip(along, 0, None) / px(ALONG_MM / 2)) * width
    bent = np.stack([loose * px(step) * part for part in normal]).astype(np.float32)
    bone = np.exp(-((across / px(RIB_MM * 0.45)) ** 4))
    gap = light.smooth((np.exp(-((along / px(GAP_MM)) ** 2)) * bone).astype(np.float32), 0.5)
    u = light.moved(scene.u, bent) - gap * BONE * scene.per_mm
    mask = (np.abs(across) < px(RIB_MM * 0.8)) & (np.abs(along) < px(11))
    zone = _zone(anatomy.lung(finding.side), centre[0])
    words = f"Displaced fracture of a {finding.side} rib in the {zone} zone."
    return Stroke(u, mask, replace(finding, place=zone), words, {"step_mm": round(step, 1)})


def _zone(lung: Lung, row: float) -> str:
    height = float(lung.height[int(row), 0])
    return "upper" if height < 0.42 else "mid" if height < 0.68 else "lower"


def _rib(scene: Scene, lung: Lung, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a point (row, column) on a rib at the side of the chest, and the direction across the rib."""
    sigma = scene.anatomy.px(RIB_MM / 3)
    smooth = light.smooth(scene.u, sigma)
    first = np.gradient(smooth)
    (rr, rc), (_, cc) = (np.gradient(part) for part in first)
    mean, spread = (rr + cc) / 2, np.hypot((rr - cc) / 2, rc)
    ridge = np.where(mean + spread < 0.25 * np.abs(mean - spread), spread - mean, 0.0)  # curved one way alone
    there = (lung.across > 0.62) & (lung.across < 0.93) & (lung.height > 0.25) & (lung.height < 0.9) & lung.mask
    there &= ndimage.distance_transform_edt(lung.mask) > scene.anatomy.px(7)
    strong = np.argwhere(there & (ridge >= np.quantile(ridge[there], 1 - BEST)))
    centre = strong[rng.integers(len(strong))]
    at = tuple(centre)
    angle = 0.5 * np.arctan2(2 * rc[at], rr[at] - cc[at])  # direction of the largest second derivative
    across = np.array([np.cos(angle), np.sin(angle)])
    bend = [across @ np.array([[rr[at], rc[at]], [rc[at], cc[at]]]) @ across, rr[at] + cc[at]]
    if bend[0] > bend[1] / 2:  # that was along the rib
        across = np.array([-across[1], across[0]])
    return centre.astype(float), across
