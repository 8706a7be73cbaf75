"""Atelectasis: plates at the base, and lobes that have lost their air and their volume.

Plates are bands 1 to 4 mm thick, nearly level, that cross no fissure (Fleischner glossary, Radiology 2024). A lobe that
collapses pulls on what lies beside it: the dome rises, the mediastinum comes nearer, and the lobe itself is a wedge at
the heart's border (Felson, Chest Roentgenology; Woodring and Reed, J Thorac Imaging 1996).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.cxr.paint import light, warps
from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.curves import distance, spline, wire
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.prior import amount
from engine.synthetic.cxr.paint.scene import Scene

LOBE_MM = 75.0  # of collapsed lung along the beam


def paint_plate(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint one to three plates at the base of one side, or of both."""
    anatomy = scene.anatomy
    length = amount("plate atelectasis", "length_mm", finding.severity, rng)
    thick = amount("plate atelectasis", "thick_mm", finding.severity, rng)
    bent = np.zeros((2, *anatomy.shape), np.float32)
    sides = ("right", "left") if finding.side == "both" else (finding.side,)
    for side in sides:
        bent = warps.compose(bent, warps.lower_dome(anatomy, side, -anatomy.px(4 + 8 * finding.severity)))
    scene = Scene(light.moved(scene.u, bent), anatomy.moved(bent))
    water = np.zeros(anatomy.shape, np.float32)
    for side in sides:
        lung, tilt = scene.anatomy.lung(side), rng.normal(6, 7)
        for above in rng.uniform(9, 18) + 15 * np.arange(1 + int(rng.random() < 0.2 + 0.4 * finding.severity)):
            size = length * rng.uniform(0.6, 1.05), thick * rng.uniform(0.7, 1.1)
            np.maximum(water, _plate(scene, lung, (above, tilt + rng.normal(0, 2.5)), size, rng), out=water)
    u = light.add_water(scene.u, water * scene.per_mm, scene.solid)
    side = "both bases" if finding.side == "both" else f"the {finding.side} base"
    words = f"Plate-like atelectasis at {side}."
    mask = light.smooth((water > 4).astype(np.float32), anatomy.px(2.5)) > 0.2
    return Stroke(u, mask, replace(finding, place="base"), words, {"length_mm": round(length)}, bent)


def _plate(
    scene: Scene, lung: Lung, place: tuple[float, float], size: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return the water (h, w) in mm of one plate: a sheet seen edge on, its ends fading.

    place : mm above the dome, and degrees by which it falls outwards. size : length and thickness in mm
    """
    anatomy, (length, thick) = scene.anatomy, size
    row = lung.dome[0] - anatomy.px(place[0])
    medial, lateral = lung.borders
    span = lateral[int(row)] - medial[int(row)]
    middle = medial[int(row)] + span * rng.uniform(0.35, 0.65)
    half = min(anatomy.px(length) / 2, 0.46 * abs(span))
    tilt = np.tan(np.radians(place[1])) * lung.outward
    along = np.linspace(-1, 1, 6)
    points = np.stack(
        [row + along * half * tilt + anatomy.px(1.6) * (1 - along**2) * rng.normal(0, 1), middle + along * half], 1
    )
    away = distance(anatomy.shape, spline(points), anatomy.px(thick) + 2)
    ends = np.clip(1.15 - np.abs(np.arange(anatomy.shape[1])[None] - middle) / half, 0, 0.4) / 0.4
    sheet = wire(away, anatomy.px(thick) / 2) / max(anatomy.px(thick), 1e-3)
    return np.asarray(
        light.smooth((sheet * ends).astype(np.float32), 0.7) * rng.uniform(20, 32) * scene.soft(lung.mask, 1.0),
        np.float32,
    )


def paint_lobar(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint the collapse of a lobe of one side."""
    anatomy, lower = scene.anatomy, finding.place == "lower"
    outward = anatomy.lung(finding.side).outward
    shift = amount("lobar atelectasis", "shift_mm", finding.severity, rng)
    lift = amount("lobar atelectasis", "lift_mm", finding.severity, rng) * (1.0 if lower else 0.5)
    bent = warps.shift_mediastinum(anatomy, outward * anatomy.px(shift))
    bent = warps.compose(bent, warps.lower_dome(anatomy, finding.side, -anatomy.px(lift)))
    scene = Scene(light.moved(scene.u, bent), anatomy.moved(bent))
    lung = scene.anatomy.lung(finding.side)
    filled = _wedge(scene, lung, finding.severity) if lower else _cap(scene, lung, finding.severity)
    lumps = light.clouds(anatomy.shape, anatomy.px(18), rng)
    filled = np.asarray(light.smooth(filled, anatomy.px(0.9)) * (1 + 0.06 * lumps), np.float32)
    clear = scene.soft(lung.mask, 2) * (1 - np.clip(filled, 0, 1)) * 9.0  # the other lobe spreads and darkens
    water = filled * LOBE_MM * (1 - light.LUNG) - clear * light.LUNG
    u = light.add_water(scene.u, water * scene.per_mm, scene.solid + 13 * scene.per_mm, scene.through)
    lobe = f"{finding.side} {finding.place} lobe"
    words = f"Collapse of the {lobe} with loss of volume; the mediastinum is drawn to the {finding.side}."
    return Stroke(u, filled > 0.45, finding, words, {"shift_mm": round(shift), "lift_mm": round(lift)}, bent)


def _wedge(scene: Scene, lung: Lung, severity: float) -> np.ndarray:
    """Return a collapsed lower lobe (h, w), 0 … 1: a wedge behind the heart, from hilum to dome."""
    anatomy = scene.anatomy
    down = np.clip((lung.height - 0.45) / 0.58, 0, 1.1)
    columns = np.arange(anatomy.shape[1])[None]
    out = lung.outward * (columns - anatomy.midline[:, None]) * anatomy.mm_per_px
    edge = 14 + down * (52 - 16 * severity)
    inside = warps.ramp(edge - out, -1.5, 3.0) * warps.ramp(out, -8.0, 26.0) * warps.ramp(lung.height, 0.42, 0.55)
    above = warps.ramp((lung.dome[0] - np.arange(anatomy.shape[0])[:, None]) * anatomy.mm_per_px, -14.0, 6.0)
    return np.asarray(inside * above * (0.8 + 0.2 * severity), np.float32)


def _cap(scene: Scene, lung: Lung, severity: float) -> np.ndarray:
    """Return a collapsed upper lobe (h, w), 0 … 1: above a lifted fissure; on the left a veil."""
    inside = scene.soft(lung.mask, 1.5)
    if lung.side == "left":
        veil = warps.ramp(lung.height, 0.95, 0.1) * (1 - 0.45 * np.clip(lung.across, 0, 1))
        return np.asarray(inside * veil * (0.55 + 0.25 * severity), np.float32)
    fissure = (
        0.42 - 0.14 * severity + 0.06 * np.sin(np.pi * np.clip(lung.across, 0, 1)) - 0.10 * np.clip(lung.across, 0, 1)
    )
    return np.asarray(inside * warps.ramp(fissure - lung.height, -0.008, 0.016) * (0.7 + 0.25 * severity), np.float32)
