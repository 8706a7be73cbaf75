"""Soft tissue and air of a chest on one film, each as a map of path length in mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.cxr.body import JOINT, FilmLandmarks
from engine.synthetic.cxr.raster import FilmGrid, Tube, branches, closed, curve, fill, solid, tubes

SIDES = (-1, 1)  # the patient's right lies at the image's left


@dataclass(frozen=True, eq=False)
class Tissue:
    """Paths in mm (side, side): the trunk's outside, air in lungs, airways and bowel; masks 0 … 1 by name."""

    trunk: np.ndarray
    air: np.ndarray
    airways: np.ndarray
    bowel: np.ndarray
    masks: dict[str, np.ndarray]


def tissue_of(frame: FilmLandmarks, grid: FilmGrid) -> Tissue:
    """Return soft tissue and air of one film."""
    masks = {"heart": fill(grid, heart_outline(frame)), "mediastinum": fill(grid, mediastinum_outline(frame))}
    air = np.zeros((grid.side, grid.side), np.float32)
    for side, name in ((-1, "right lung"), (1, "left lung")):
        cavity = fill(grid, cavity_outline(frame, side))
        path, masks[name] = _lung(frame, grid, side, cavity, masks)
        air += path
    trunk = _trunk(frame, grid) + _breasts(frame, grid) + _fissure(frame, grid)
    return Tissue(trunk, air, _airways(frame, grid), _bowel(frame, grid), masks)


def cavity_outline(frame: FilmLandmarks, side: int) -> np.ndarray:
    """Return the inside of one half of the rib cage from apex to below the diaphragm, (n, 2) in mm, closed."""
    wall = np.concatenate([frame.hoop(rib, side, np.array([86.0])) for rib in range(12)])
    wall[:, 0] -= side * 3.0
    top = frame.levels[0] - 0.35 * frame.body.level
    inner = frame.middle(top) + side * (JOINT - 8)
    reach = wall[0, 0] - inner
    apex = [[inner, top + 30], [inner + 0.08 * reach, top + 12], [inner + 0.30 * reach, top + 2]]
    shoulder = [[inner + 0.62 * reach, top + 4], [inner + 0.90 * reach, 0.62 * top + 0.38 * wall[0, 1]]]
    ceiling = curve(np.concatenate([np.array([*apex, *shoulder]), wall[1:]]), 200)
    end = wall[-1, 1]
    middle = np.array([[frame.middle(y), y] for y in (end + 60, end, frame.levels[5], top + 20)], float)
    return np.concatenate([ceiling, [[wall[-1, 0], end + 60]], middle])


def dome_line(frame: FilmLandmarks, side: int, x: np.ndarray) -> np.ndarray:
    """Return y of a half's diaphragm at x: a dome from the midline down to the costophrenic angle."""
    width = frame.half_width
    across = side * (x - frame.middle(frame.domes[side])) / width  # 0 midline … 1 wall
    sharp = np.clip((across - 0.52) / 0.48, 0, 1.15)
    flat = 1.0 - 0.12 * np.clip((frame.body.age - 55) / 30, 0, 1)
    outer = 0.47 * width * flat * (1 - np.sqrt(np.maximum(1 - 0.82 * sharp**2.2, 0.03)))
    inner = 0.09 * width * np.clip((0.50 - across) / 0.5, -0.1, 1.2) ** 2
    return frame.domes[side] + np.where(across > 0.51, outer, inner)


def heart_outline(frame: FilmLandmarks) -> np.ndarray:
    """Return the heart's outline, (n, 2) in mm, closed: right atrium, ventricular border, apex."""
    body, pose = frame.body, frame.pose
    lift = np.clip((9.75 - pose.inspiration) * 0.01, -0.01, 0.02)  # a high diaphragm lays the heart across
    width = (body.ratio + lift) * 2 * body.half_width * pose.heart
    rng = np.random.default_rng([body.seed, 2])
    right = width * (0.31 + 0.025 * rng.normal())
    left = width - right
    floor = 0.5 * (frame.domes[-1] + frame.domes[1]) + 6
    top = frame.carina + 8
    tall = floor - top
    moved = frame.middle(top + tall / 2) + frame.slip * 38
    rows = [
        (0.05 * left, -0.06),
        (0.34 * left, 0.02),
        (0.56 * left, 0.17),
        (0.76 * left, 0.36),
        (0.93 * left, 0.60),
        (1.00 * left, 0.82),
        (0.93 * left, 1.00),
        (0.62 * left, 1.10),
        (0.10 * left, 1.12),
        (-0.60 * right, 1.10),
        (-0.88 * right, 0.97),
        (-1.00 * right, 0.74),
        (-0.92 * right, 0.48),
        (-0.66 * right, 0.22),
        (-0.42 * right, 0.04),
    ]
    points = np.array([(moved + x, top + tall * y) for x, y in rows])
    return closed(points)


def mediastinum_outline(frame: FilmLandmarks) -> np.ndarray:
    """Return the outline of the great vessels and spine's soft tissue, (n, 2) in mm, closed, from neck to abdomen."""
    body, s = frame.body, frame.slip * 25
    arch = frame.levels[3] + 0.35 * body.level
    knob, unfolds = body.knob, 6.0 * body.unfolding
    left = [
        (frame.levels[0] - 50, 22),
        (frame.levels[0], 19),
        (frame.levels[1] + 4, 19 + 0.2 * unfolds),
        (arch - 1.4 * knob, 20 + 0.25 * unfolds),
        (arch, 19 + knob + 0.35 * unfolds),
        (arch + 1.5 * knob, 22 + 0.4 * unfolds),
        (frame.carina + 12, 29),
        (frame.carina + 27, 35),
        (frame.carina + 50, 30),
        (frame.levels[8], 25 + 0.5 * unfolds),
        (frame.levels[11] + 60, 26),
    ]
    right = [
        (frame.levels[11] + 60, 24),
        (frame.levels[8], 20),
        (frame.carina + 40, 24),
        (frame.carina, 25 + 0.5 * unfolds),
        (arch, 23 + 0.5 * unfolds),
        (frame.levels[1] + 4, 20 + 0.4 * unfolds),
        (frame.levels[0], 18),
        (frame.levels[0] - 50, 22),
    ]
    points = [(float(frame.middle(y)) + s + x, y) for y, x in left]
    points += [(float(frame.middle(y)) + s - x, y) for y, x in right]
    half = len(left)
    down, up = curve(np.array(points[:half])), curve(np.array(points[half:]))
    return np.concatenate([down, up])


def _lung(
    frame: FilmLandmarks, grid: FilmGrid, side: int, cavity: np.ndarray, masks: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the air's path of one lung and its field as seen."""
    x, y = grid.axes()
    body = frame.body
    full = 2 * body.half_depth * (0.80 if frame.pose.ap else 0.92)
    room = solid(grid, cavity, full, 0.62 * body.half_width, 1.5)
    below = (y - dome_line(frame, side, x)).astype(np.float32)
    above = np.clip(0.5 - below / 2.0, 0, 1)
    sulcus = 0.20 * np.clip(1 - below / 38, 0, 1) ** 1.5  # lung behind the dome
    heart = solid(grid, masks["heart"], 0.64 * full, 0.36 * body.half_width, 1.4)
    centre = solid(grid, masks["mediastinum"], 0.56 * full, 24, 1.4)
    blocked = (heart**3 + centre**3) ** (1 / 3)
    path = np.maximum(room - blocked, 0) * np.maximum(above, sulcus)
    seen = cavity * (below < 0) * (1 - np.maximum(masks["heart"], masks["mediastinum"]))
    return path.astype(np.float32), seen.astype(np.float32)


def _trunk(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return the path through the trunk, neck and arms."""
    body = frame.body
    outer, top = frame.half_width + body.fat, frame.levels[0]
    neck = 50 + 0.45 * body.fat + (6 if body.sex == "M" else 0)
    shoulder = top + 4 - 16 * frame.pose.arms
    rows = [
        (neck, -60),
        (neck, top - 50),
        (neck + 16, top - 40),
        (0.60 * body.shoulders, shoulder - 30),
        (0.92 * body.shoulders, shoulder - 8),
        (body.shoulders + 4, shoulder + 32),
        (0.5 * (body.shoulders + outer) + 4, frame.levels[4] + 16),
        (outer + 1, frame.levels[5] + 34),
        (outer - 2, frame.levels[8]),
        (outer - 4, frame.levels[11]),
        (outer - 2, grid.side * grid.spacing + 60),
    ]
    line = curve(np.array(rows), 240)
    halves = [np.stack([frame.middle(line[:, 1]) + side * line[:, 0], line[:, 1]], 1) for side in SIDES]
    mask = fill(grid, np.concatenate([halves[0], halves[1][::-1]]))
    y = grid.axes()[1]
    at = [0, top - 20, top + 60, frame.levels[7], frame.levels[11] + 20]
    depth = np.interp(y, at, np.array([0.56, 0.68, 0.90, 1.0, 1.06]) * body.depth)
    trunk = solid(grid, mask, 1.0, 0.42 * outer, 3.5) * depth
    thick = 40 + 0.5 * body.fat
    arms = [Tube(arm_line(frame, side), np.linspace(thick + 8, thick, 30)) for side in SIDES]
    limbs = grid.blurred(tubes(grid, arms), 1.5)
    return np.asarray((trunk**3 + limbs**3) ** (1 / 3), np.float32)


def shoulder_joint(frame: FilmLandmarks, side: int) -> np.ndarray:
    """Return the middle of a humeral head, (2,) in mm; arms that are raised draw shoulder and scapula outwards."""
    body, away = frame.body, 1 - frame.pose.arms
    x = side * (0.90 * body.shoulders - 12 * away) + frame.middle(frame.levels[0]) - frame.slip * 10
    return np.array([float(x), frame.levels[0] + 34 + 10 * away - (8 if frame.pose.ap else 0)])


def arm_line(frame: FilmLandmarks, side: int) -> np.ndarray:
    """Return the axis of an upper arm, (30, 2) in mm."""
    swing = np.deg2rad(84 - 10 * frame.pose.arms if frame.pose.ap else 74 - 26 * frame.pose.arms)
    reach = np.linspace(0, 330, 30)[:, None]
    return np.asarray(shoulder_joint(frame, side) + reach * [side * np.cos(swing), np.sin(swing)])


def _breasts(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return the path through breasts, or through the pectoral muscles of a man."""
    body, out = frame.body, np.zeros((grid.side, grid.side), np.float32)
    rng = np.random.default_rng([body.seed, 3])
    for side in SIDES:
        at = frame.levels[7] + 4 + rng.normal(0, 6) + 0.2 * max(body.breasts - 25, 0)
        wide = 0.50 * body.half_width + 0.35 * body.breasts
        middle = float(frame.middle(at)) + side * 0.62 * body.half_width + frame.slip * 90
        angle = np.linspace(0, 2 * np.pi, 90)
        sag = 1 + 0.28 * np.sin(angle)
        round_ = np.stack([middle + wide * np.cos(angle) * 0.9, at - 12 + 0.86 * wide * np.sin(angle) * sag], 1)
        if body.breasts:
            flat = 0.6 if frame.pose.supine else 1.0
            fuller = np.clip((grid.axes()[1] - (at - 12 - 0.86 * wide)) / (1.2 * wide), 0, 1) ** 1.5  # towards its fold
            out += solid(grid, fill(grid, round_), flat * body.breasts, wide, 3.0) * fuller
        else:
            muscle = np.stack(
                [middle + side * 8 + 0.62 * wide * np.cos(angle), frame.levels[5] + 0.8 * wide * np.sin(angle)], 1
            )
            out += solid(grid, fill(grid, muscle), 9 + 0.1 * body.fat, 0.7 * wide, 6)
    return out


def _airways(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return the air of trachea and main bronchi."""
    body, s = frame.body, frame.slip * 10
    wide = 8.6 if body.sex == "M" else 7.4
    carina, bow = frame.carina, -2.2 - 2.5 * body.unfolding
    middle = float(frame.middle(carina)) + s
    trachea = np.array(
        [(middle, -30.0), (middle, frame.levels[0]), (middle + bow, carina - 28), (middle + bow / 2, carina)]
    )
    paths, radii = [curve(trachea)], [np.full(160, wide)]
    for side, steep, length in ((-1, 58.0, 46.0), (1, 40.0, 56.0)):
        angle = np.deg2rad(steep)
        end = (middle + side * length * np.cos(angle), carina + length * np.sin(angle))
        paths.append(curve(np.array([(middle + bow / 2, carina - 3), end])))
        radii.append(np.linspace(0.72 * wide, 0.38 * wide, 160))
    long = tubes(grid, [Tube(paths[0], radii[0])])
    return grid.blurred(np.maximum(long, branches(grid, np.stack(paths[1:]), np.stack(radii[1:]))), 0.9)


def _fissure(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return the minor fissure of the right lung, a hairline where the beam runs along it; nothing in most people."""
    rng = np.random.default_rng([frame.body.seed, 11])
    if rng.random() > 0.4:
        return np.zeros((grid.side, grid.side), np.float32)
    y = frame.carina + 36 + rng.normal(0, 6)
    x = float(frame.middle(y)) - np.array([0.32, 0.5, 0.7, 0.93]) * frame.half_width
    line = curve(np.stack([x, y + np.array([0, -3, -2, 3]) + rng.normal(0, 1, 4)], 1))
    return 2.2 * tubes(grid, [Tube(line, np.full(len(line), 0.45))])


def _bowel(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return gas in the stomach, under the left dome, and sometimes in the colon."""
    rng = np.random.default_rng([frame.pose.seed, 4])
    out = np.zeros((grid.side, grid.side), np.float32)
    if rng.random() < 0.55:
        out += _bubble(frame, grid, (0.42 + 0.06 * rng.normal(), 9 + 5 * rng.random(), rng.uniform(15, 32)), rng)
    for _ in range(rng.integers(0, 4)):
        out += 0.7 * _bubble(frame, grid, (rng.uniform(0.5, 0.85), rng.uniform(34, 62), rng.uniform(8, 15)), rng)
    return out


def _bubble(
    frame: FilmLandmarks, grid: FilmGrid, where: tuple[float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return a gas bubble: how far across the left half (0 … 1), mm under the dome, and its size in mm."""
    across, down, size = where
    x = float(frame.middle(frame.domes[1])) + across * frame.half_width
    y = float(dome_line(frame, 1, np.array([x]))[0]) + down + 0.55 * size
    angle = np.linspace(0, 2 * np.pi, 9)[:-1]
    wobble = size * (1 + 0.12 * rng.normal(size=8))
    flat = np.where(np.sin(angle) > 0, rng.uniform(0.3, 0.7), 0.62)
    outline = closed(np.stack([x + 1.2 * wobble * np.cos(angle), y + flat * wobble * np.sin(angle)], 1))
    return solid(grid, fill(grid, outline), 1.3 * size, 0.6 * size, 1.5)
