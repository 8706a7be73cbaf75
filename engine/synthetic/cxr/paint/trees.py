"""Branching tubes of the lung, drawn from the hilum outwards: vessels that fill up, bronchi that hold air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.cxr.paint.anatomy import Lung
from engine.synthetic.cxr.paint.curves import nearest, spline, wire
from engine.synthetic.cxr.paint.scene import Scene


@dataclass(frozen=True)
class TreeShape:
    """How a tree grows.

    towards : angles in degrees between which stems leave the hilum: 0 outwards, 90 towards the apex, −90 to the base
    stems, radius_mm, length_mm : number, and size of a stem
    splits  : generations after the stem; each is SHRINK times as wide and 0.75 times as long
    """

    towards: tuple[float, float]
    stems: int = 3
    radius_mm: float = 2.0
    length_mm: float = 34.0
    splits: int = 3


SHRINK = 0.76
SPREAD = (16.0, 34.0)  # degrees between a branch and its parent


def grow(scene: Scene, lung: Lung, shape: TreeShape, rng: np.random.Generator) -> list[tuple[np.ndarray, float]]:
    """Return the branches of a tree: curves (m, 2) of (row, column) and their radius in pixels."""
    px = scene.anatomy.px
    start = np.array(lung.hilum)
    branches: list[tuple[np.ndarray, float]] = []
    low, high = np.radians(shape.towards)
    centres = low + (np.arange(shape.stems) + rng.uniform(0.2, 0.8, shape.stems)) / shape.stems * (high - low)
    ends = [(start, float(angle), px(shape.radius_mm), px(shape.length_mm)) for angle in centres]
    for _ in range(shape.splits + 1):
        grown = []
        for origin, angle, radius, length in ends:
            curve, heading = _branch(origin, angle, length * rng.uniform(0.7, 1.25), lung.outward, rng)
            branches.append((curve, radius))
            for sign in (-1, 1):
                turn = sign * np.radians(rng.uniform(*SPREAD)) * (0.5 if rng.random() < 0.4 else 1.0)
                grown.append((curve[-1], heading + turn, radius * SHRINK * rng.uniform(0.85, 1.1), length * 0.75))
        ends = grown
    return branches


def _branch(
    origin: np.ndarray, angle: float, length: float, outward: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Return a gently bent curve, and its heading at the end."""
    bends = np.cumsum(rng.normal(0, 0.10, 4))
    headings = angle + bends
    steps = np.stack([-np.sin(headings), np.cos(headings) * outward], 1) * length / 4
    return spline(np.vstack([origin, origin + np.cumsum(steps, 0)])), float(headings[-1])


def paths(shape: tuple[int, int], branches: list[tuple[np.ndarray, float]]) -> np.ndarray:
    """Return the path (h, w) in pixels of the beam through the nearest branch."""
    radii = np.repeat([max(radius, 0.35) for _, radius in branches], [len(curve) for curve, _ in branches])
    away, which = nearest(shape, np.vstack([curve for curve, _ in branches]), float(radii.max()) + 1.5)
    return np.asarray(np.where(which < 0, 0, wire(away, radii[which])), np.float32)
