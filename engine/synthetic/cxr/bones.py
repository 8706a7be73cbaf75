"""Bones of a chest on one film as a map of bone in mm: compact walls of tubes and plates with spongy bone inside."""

from __future__ import annotations

import numpy as np

from engine.synthetic.cxr.body import HOOP_END, RIBS, FilmLandmarks
from engine.synthetic.cxr.raster import FilmGrid, Tube, closed, curve, fill, solid, tubes
from engine.synthetic.cxr.tissue import arm_line, shoulder_joint

SPONGY = 0.13  # of compact bone's density
SIDES = (-1, 1)


class Skeleton:
    """Adds one film's bones to one map; `bone` (side, side) is in mm of compact bone."""

    def __init__(self, frame: FilmLandmarks, grid: FilmGrid) -> None:
        self.frame, self.grid = frame, grid
        self.bone = np.zeros((grid.side, grid.side), np.float32)
        self.ribs = np.zeros_like(self.bone)

    def long_bone(
        self,
        path: np.ndarray,
        radius: np.ndarray,
        wall: float,
        spongy: float = SPONGY,
        density: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return a tube of compact bone filled with spongy bone: (n, 2), (n,) in mm → (side, side)."""
        inside = spongy * (np.ones(len(path)) if density is None else density)
        return tubes(self.grid, [Tube(path, radius, wall, density), Tube(path, radius - 0.8 * wall, 0.0, inside)])

    def plate(self, outline: np.ndarray, thick: float, rim: float) -> np.ndarray:
        """Return a flat bone with a thicker rim."""
        mask = fill(self.grid, outline)
        ring = np.concatenate([outline, outline[:1]])
        return thick * self.grid.blurred(mask, 0.5) + 0.5 * self.line(ring, rim)

    def line(self, path: np.ndarray, radius: float) -> np.ndarray:
        """Return a solid line of compact bone."""
        return tubes(self.grid, [Tube(path, np.full(len(path), radius))])


def skeleton_of(frame: FilmLandmarks, grid: FilmGrid) -> Skeleton:
    """Return the bones of one film, drawn."""
    made = Skeleton(frame, grid)
    _draw_ribs(made)
    _draw_spine(made)
    for side in SIDES:
        _draw_shoulder(made, side)
    _draw_sternum(made)
    made.bone *= frame.body.bone
    return made


def _draw_ribs(made: Skeleton) -> None:
    """Draw all ribs: a narrow back part with a dense upper edge, a broader, fainter front part."""
    frame = made.frame
    for side in SIDES:
        for rib in range(RIBS):
            rng = np.random.default_rng([frame.body.seed, 5, rib, side + 1])
            end = HOOP_END[rib] + rng.normal(0, 2.5)
            degrees = np.linspace(-4, end, 150)
            path = frame.hoop(rib, side, degrees)
            path[:, 1] += np.interp(degrees, [0, 60, 120, 180], rng.normal(0, 0.8, 4))
            broad = np.interp(degrees, [-4, 4, 25, 90, 150], [2.2, 4.2, 5.2, 5.6, 6.8]) * (
                0.9 if frame.body.sex == "F" else 1.0
            )
            broad *= (0.85 if rib in (0, 11) else 1.0) * np.interp(degrees, [end - 8, end], [1, 0.85])
            dense = np.interp(degrees, [-4, 4, 20, 80, 100, 150], [0.1, 0.5, 1.0, 1.0, 0.8, 0.35])
            dense = dense * frame.along_beam(rib, degrees)
            made.ribs += made.long_bone(path, broad, 0.75, density=dense)
            if frame.body.age > 45 and rib < 9:
                _calcify(made, path, broad, rng)
    made.bone += made.ribs


def _calcify(made: Skeleton, path: np.ndarray, broad: np.ndarray, rng: np.random.Generator) -> None:
    """Draw flecks of calcified cartilage beyond a rib's front end, more with age."""
    body = made.frame.body
    along = path[-1] - path[-8]
    along = along / np.linalg.norm(along)
    for _ in range(rng.poisson(max(0, body.age - 45) / 14)):
        at = path[-1] + along * rng.uniform(0, 16) + rng.normal(0, 1.8, 2)
        fleck = np.stack([at, at + along * rng.uniform(2, 6) + rng.normal(0, 1, 2)])
        made.bone += 0.5 * made.line(fleck, rng.uniform(0.7, 1.7))


def _draw_spine(made: Skeleton) -> None:
    """Draw vertebral bodies, pedicles, spinous and transverse processes from the neck down."""
    frame, level = made.frame, made.frame.body.level
    extra_top = frame.levels[0] - level * 0.8 * np.arange(4, 0, -1)
    extra_bottom = frame.levels[-1] + level * 1.2 * np.arange(1, 5)
    wide = 15.5 if frame.body.sex == "M" else 14.0
    for number, y in enumerate(np.concatenate([extra_top, frame.levels, extra_bottom])):
        grow = 0.84 + 0.022 * number
        x, half, tall = float(frame.middle(y)), wide * grow, 0.38 * level * grow
        corners = np.array([(-1, -1), (0, -0.9), (1, -1), (0.9, 0), (1, 1), (0, 0.9), (-1, 1), (-0.9, 0)], float)
        body = closed(np.array([x, y]) + corners * [half, tall])
        made.bone += 0.55 * solid(made.grid, fill(made.grid, body), 4.6, 7, 1.2)
        ends = np.stack([np.linspace(x - half, x + half, 20)] * 2)
        for edge, way in zip(ends, (-1, 1), strict=True):
            made.bone += 0.5 * made.line(np.stack([edge, np.full(20, y + way * tall)], 1), 0.8)
        slip = -frame.slip * 30
        made.bone += 0.5 * _oval(made, (x + slip, y + 0.25 * level), (2.6, 5.0))
        for side in SIDES:
            made.bone += 0.5 * _oval(made, (x + side * 0.72 * half + 0.5 * slip, y - 0.1 * level), (2.6, 3.6))
            process = np.array([(x + side * half, y), (x + side * (half + 13), y - 3)])
            made.bone += 0.35 * made.long_bone(process, np.array([3.6, 2.6]), 0.7)


def _oval(made: Skeleton, at: tuple[float, float], size: tuple[float, float]) -> np.ndarray:
    """Return a ring of compact bone seen end on."""
    angle = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([at[0] + size[0] * np.cos(angle), at[1] + size[1] * np.sin(angle)], 1)
    return made.line(ring, 0.9)


def _draw_shoulder(made: Skeleton, side: int) -> None:
    """Draw clavicle, scapula and humerus of one side."""
    frame, body = made.frame, made.frame.body
    rng = np.random.default_rng([body.seed, 6, side + 1])
    top, s = frame.levels[0], frame.slip * 75
    up = (14 if frame.pose.ap else 0) + rng.normal(0, 3)
    reach = 0.80 * body.shoulders
    inner = np.array([float(frame.middle(top + 50)) + s + side * 13, top + 52 - up * 0.5])
    outer = np.array([float(frame.middle(top)) + s * 0.5 + side * reach, top + 8 - up])
    along = outer - inner
    shape = [(0, 0), (0.2, 2.5), (0.45, 0.5), (0.75, -5.5), (1.0, 0)]
    path = curve(np.array([inner + t * along + np.array([0, bump]) for t, bump in shape]))
    made.bone += 1.1 * made.long_bone(path, np.interp(np.linspace(0, 1, 160), [0, 0.15, 0.6, 1], [7, 5.4, 5, 6.2]), 1.1)
    away = 1.0 - frame.pose.arms
    shift = shoulder_joint(frame, side) - np.array([side * (22 + 4 * away), 30.0])
    blade = [
        (-58, 12),
        (-46, -2),
        (-18, 6),
        (2, 24),
        (-2, 44),
        (-22, 62),
        (-42, 112),
        (-54, 142),
        (-64, 132),
        (-66, 70),
    ]
    outline = closed(np.array([(side * x, y) for x, y in blade]) + shift)
    made.bone += 0.8 * made.plate(outline, 1.6, 2.0)
    ridge = curve(np.array([(side * x, y) for x, y in ((-62, 44), (-30, 24), (2, 2), (10, -2))]) + shift)
    made.bone += 0.9 * made.long_bone(ridge, np.interp(np.linspace(0, 1, 160), [0, 0.7, 1], [2.5, 4, 6.5]), 0.8)
    coracoid = np.array([(side * -14, 12), (side * -6, 22)]) + shift
    made.bone += 0.6 * made.long_bone(coracoid, np.array([5.0, 4.0]), 0.9)
    head = shoulder_joint(frame, side)
    angle = np.linspace(0, 2 * np.pi, 60)
    ball = head + 23 * np.stack([np.cos(angle), np.sin(angle)], 1)
    made.bone += 0.6 * solid(made.grid, fill(made.grid, ball), 9, 20, 0.8) + 0.25 * made.line(ball, 0.9)
    shaft = arm_line(frame, side)
    made.bone += 0.6 * made.long_bone(shaft, np.linspace(13.0, 10.0, len(shaft)), 2.2, 0.1)


def _draw_sternum(made: Skeleton) -> None:
    """Draw the faint manubrium; on a straight film the spine hides the rest."""
    frame, top = made.frame, made.frame.levels[0]
    x = float(frame.middle(top + 60)) + frame.slip * 80
    outline = closed(
        np.array([(x - 26, top + 50), (x, top + 56), (x + 26, top + 50), (x + 15, top + 92), (x - 15, top + 92)])
    )
    made.bone += 0.3 * made.plate(outline, 1.4, 1.2)
