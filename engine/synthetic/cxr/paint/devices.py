"""Lines, tubes and pacemakers, their tips where they belong or where they should not be.

Places of tips: endotracheal tube 3 to 7 cm above the carina (Goodman et al., AJR 1976), central line at the cavo-atrial
junction, gastric tube 10 cm beyond the cardia (Godoy et al., AJR 2012), pacing leads in right atrium and at the apex of
the right ventricle. Wrong ones: right main bronchus, neck or right ventricle, left lower bronchus or gullet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.anatomy import CARINA, Anatomy
from engine.synthetic.cxr.paint.curves import distance, hollow, spline, wire
from engine.synthetic.cxr.paint.finding import FilmFinding, Stroke
from engine.synthetic.cxr.paint.scene import Scene

METAL = 9.0  # of water, per mm of what a line is made of: barium-filled plastic
REACH_MM = 8.0


def paint_endotracheal(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint an endotracheal tube: its tip above the carina, or too deep, in the right main bronchus."""
    anatomy, wrong = scene.anatomy, finding.place == "too deep"
    carina = _carina(anatomy)
    above = -rng.uniform(12, 28) if wrong else rng.uniform(28, 62)
    tip = carina - [anatomy.px(max(above, 0)), 0]
    course = [[0.0, anatomy.midline[0] + anatomy.px(rng.normal(0, 4))], (carina + [0, 0]) * [0.5, 1], tip]
    if wrong:
        course = [course[0], course[1], carina, carina + [anatomy.px(-above), -anatomy.px(-above * 0.55)]]
    where = f"tip {above:.0f} mm above the carina" if not wrong else "tip in the right main bronchus, too deep"
    words = f"Endotracheal tube, {where}."
    tube = _Tube(np.array(course), width_mm=9.0, wall_mm=1.1, stripe=True)
    return _line(scene, finding, tube, words, {"above_carina_mm": round(above)})


def paint_gastric(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a gastric tube: into the stomach, or coiled up in the gullet, or into a bronchus."""
    anatomy, px = scene.anatomy, scene.anatomy.px
    mid, dome = anatomy.midline, anatomy.left_lung.dome
    gullet = [[row, mid[int(row)] + px(4 + 3 * np.sin(row / px(60)))] for row in np.linspace(0, dome[0] - px(8), 6)]
    cardia = np.array([min(dome[0] + px(16), anatomy.shape[0] - 4.0), mid[int(dome[0])] + px(24)])
    course = [*gullet, cardia, cardia + [px(26), px(rng.uniform(10, 34))]]
    words = "Gastric tube, tip below the diaphragm in the stomach."
    if finding.place == "bronchus":
        carina, low = _carina(anatomy), anatomy.right_lung.row_at(0.86)
        side = anatomy.right_lung.borders
        end = [low, side[0][low] + 0.35 * (side[1][low] - side[0][low])]
        course = [[0.0, mid[0] + px(2)], [carina[0] * 0.55, mid[int(carina[0] * 0.55)]], carina]
        course += [[carina[0] + px(30), mid[int(carina[0])] - px(26)], end]
        words = "Gastric tube in the right lower lobe bronchus: misplaced."
    tube = _Tube(np.array(course), width_mm=4.2, wall_mm=0.9, stripe=True)
    return _line(scene, finding, tube, words, {})


def paint_central(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a central line from neck or collar bone: tip at the cavo-atrial junction, too deep, or up in the neck."""
    anatomy, px, mid = scene.anatomy, scene.anatomy.px, scene.anatomy.midline
    lung = anatomy.lung(finding.side)
    row = lung.row_at(0.10)
    start = [lung.row_at(-0.02), mid[row] + lung.outward * px(rng.uniform(62, 88))]
    bend = [row, mid[row] + lung.outward * px(30)]
    cava = [[lung.row_at(0.22), mid[row] - px(17)], [lung.row_at(0.36), mid[row] - px(20)]]
    depth = {"": rng.uniform(0.42, 0.52), "too deep": rng.uniform(0.78, 0.9)}.get(finding.place, 0.0)
    course = [start, bend, *cava, [lung.row_at(depth), mid[lung.row_at(depth)] - px(19 if not finding.place else 4)]]
    words = f"Central line from the {finding.side}, tip at the cavo-atrial junction."
    if finding.place == "too deep":
        words = f"Central line from the {finding.side}, tip in the right heart: too deep."
    elif finding.place == "neck":
        course = [
            start,
            bend,
            [lung.row_at(0.02), mid[row] + lung.outward * px(20)],
            [2.0, mid[0] + lung.outward * px(26)],
        ]
        words = f"Central line from the {finding.side}, tip up in the neck: misplaced."
    tube = _Tube(np.array(course, float), width_mm=3.0, wall_mm=1.5, stripe=False)
    return _line(scene, finding, tube, words, {})


def paint_pacemaker(scene: Scene, finding: FilmFinding, rng: np.random.Generator) -> Stroke:
    """Paint a pacemaker with leads in right atrium and ventricle; or one whose ventricular lead has come loose."""
    anatomy, px, mid = scene.anatomy, scene.anatomy.px, scene.anatomy.midline
    lung = anatomy.lung(finding.side)
    top = lung.row_at(0.16)
    box = np.array([top, lung.borders[1][top] - lung.outward * px(rng.uniform(4, 14))])
    water = _box(scene, box, rng)
    row = lung.row_at(0.05)
    entry = [lung.row_at(0.03), mid[row] + lung.outward * px(52)]
    cava = [[lung.row_at(0.14), mid[row] - px(8)], [lung.row_at(0.34), mid[row] - px(20)]]
    atrium = [[lung.row_at(0.66), mid[row] - px(26)], [lung.row_at(0.60), mid[row] - px(8)]]
    apex = [lung.row_at(0.95), mid[row] + px(rng.uniform(44, 58))]
    ventricle = [[lung.row_at(0.72), mid[row] - px(20)], [lung.row_at(0.90), mid[row] + px(8)], apex]
    if finding.place == "loose lead":
        ventricle = [[lung.row_at(0.62), mid[row] - px(24)], [lung.row_at(0.74), mid[row] - px(6)]]
    for end in (atrium, ventricle):
        course = spline(np.array([box - [px(8), lung.outward * px(6)], entry, *cava, *end], float))
        away = distance(anatomy.shape, course, px(REACH_MM))
        tip = distance(anatomy.shape, course[-max(int(px(14)), 4) :], px(REACH_MM))
        lead = wire(away, px(0.75)) + 1.2 * wire(tip, px(1.1))
        np.maximum(water, lead * anatomy.mm_per_px * METAL * 1.6, out=water)
    words = f"Pacemaker on the {finding.side} with leads in right atrium and right ventricle."
    if finding.place == "loose lead":
        words = f"Pacemaker on the {finding.side}; the ventricular lead has slipped back into the right atrium."
    return _stroke(scene, finding, water, words, {})


@dataclass(frozen=True, eq=False)
class _Tube:
    """A course (n, 2) of (row, column), outer width and wall in mm, and whether a dense stripe runs along it."""

    course: np.ndarray
    width_mm: float
    wall_mm: float
    stripe: bool


def _carina(anatomy: Anatomy) -> np.ndarray:
    row = anatomy.row_at(CARINA)
    return np.array([row, anatomy.midline[row] - anatomy.px(3)], float)


def _line(scene: Scene, finding: FilmFinding, tube: _Tube, words: str, measured: dict[str, float]) -> Stroke:
    px = scene.anatomy.px
    course = spline(tube.course)
    away = distance(scene.anatomy.shape, course, px(REACH_MM))
    water = hollow(away, px(tube.width_mm / 2), px(tube.wall_mm)) * scene.anatomy.mm_per_px * METAL * 0.8
    if tube.stripe:
        beside = course + [0, px(tube.width_mm * 0.3)]
        stripe = distance(scene.anatomy.shape, beside, px(REACH_MM))
        water = water + wire(stripe, px(0.7)) * scene.anatomy.mm_per_px * METAL
    return _stroke(scene, finding, water, words, measured)


def _stroke(scene: Scene, finding: FilmFinding, water: np.ndarray, words: str, measured: dict[str, float]) -> Stroke:
    soft = light.smooth(water, 0.6)
    white = np.maximum(scene.solid, np.quantile(scene.u, 0.97)) + 30 * scene.per_mm
    u = light.add_water(scene.u, soft * scene.per_mm, white)
    mask = light.smooth((soft > 2.0).astype(np.float32), scene.anatomy.px(2.0)) > 0.15
    return Stroke(u, mask, replace(finding, place=finding.place or "well placed"), words, measured)


def _box(scene: Scene, centre: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the water (h, w) in mm of a pulse generator: a rounded case, denser inside where its battery lies."""
    px = scene.anatomy.px
    rows, columns = np.indices(scene.anatomy.shape, dtype=np.float32)
    turn = rng.uniform(-0.5, 0.5)
    down, out = rows - centre[0], columns - centre[1]
    along, aside = np.cos(turn) * down - np.sin(turn) * out, np.sin(turn) * down + np.cos(turn) * out
    case = (np.abs(along) / px(22)) ** 3.2 + (np.abs(aside) / px(20)) ** 3.2
    battery = (np.abs(along - px(5)) / px(12)) ** 4 + (np.abs(aside) / px(14)) ** 4
    soft = light.smooth((case < 1).astype(np.float32), 0.8)
    return np.asarray(soft * 70 + light.smooth((battery < 1).astype(np.float32), 0.8) * 60, np.float32)
