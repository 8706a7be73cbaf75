"""Pulmonary vessels on one film: trees that branch from the hila by Murray's law, as path lengths in mm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.synthetic.cxr.body import FilmLandmarks
from engine.synthetic.cxr.raster import FilmGrid, branches
from engine.synthetic.cxr.tissue import cavity_outline, dome_line

SMALLEST = 0.42  # mm: thinner vessels are grain
POINTS = 7  # of a branch
Tip = tuple[np.ndarray, float, float]  # place in mm, direction in radians, radius in mm


def vessels_of(frame: FilmLandmarks, grid: FilmGrid) -> np.ndarray:
    """Return the path through arteries and veins of both lungs, (side, side)."""
    trees = []
    for side in (-1, 1):
        rng = np.random.default_rng([frame.body.seed, 7, side + 1])
        arteries, veins = (_trunks(frame, side, rng, share) for share in (1.0, 0.78))
        trees += _grow(frame, side, [*arteries, *veins], rng)
    return branches(grid, np.stack([path for path, _ in trees]), np.stack([radius for _, radius in trees]))


def hilum(frame: FilmLandmarks, side: int) -> np.ndarray:
    """Return the place of a hilum, (2,) in mm; the left one stands higher."""
    y = frame.carina + (23 if side < 0 else 12)
    return np.array([float(frame.middle(y)) + side * (31 if side < 0 else 34) + frame.slip * 15, y])


def _trunks(frame: FilmLandmarks, side: int, rng: np.random.Generator, share: float) -> list[Tip]:
    """Return the first branches: upper and lower arteries and veins; lower ones are wider in someone upright."""
    at, size = hilum(frame, side), frame.body.vessel
    lower = 1.0 if frame.pose.supine else 1.18
    right = [
        (-78, 4.6),
        (-58, 4.2),
        (-35, 4.0),
        (-10, 3.8),
        (20, 4.2 * lower),
        (42, 4.8 * lower),
        (60, 5.4 * lower),
        (76, 8.2 * lower),
        (92, 4.4 * lower),
    ]
    made = []
    for degrees, radius in right:
        heading = np.deg2rad(degrees + rng.normal(0, 9))
        start = at + np.array([side * rng.uniform(-3, 4), (8 if degrees > 20 else -6) + rng.normal(0, 3)])
        made.append((start, heading if side > 0 else np.pi - heading, share * radius * size * rng.normal(1, 0.06)))
    return made


def _grow(
    frame: FilmLandmarks, side: int, tips: list[Tip], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return paths (POINTS, 2) and radii (POINTS,) of trees, grown until every twig is thin or at the pleura."""
    inside, grown = _field(frame, side), []
    while tips:
        at, heading, radius = tips.pop()
        step = (radius * rng.uniform(3.2, 7.5) + 3) * rng.uniform(0.55, 1.0) / POINTS  # shorter towards the beam
        turns = heading + np.cumsum(rng.normal(0, 0.11, POINTS))
        path = at + step * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0)
        thin, end = 0.90 * radius, path[-1]
        grown.append((path, np.linspace(radius, thin, POINTS)))
        if thin < SMALLEST or not inside(end, 5 + 6 * rng.random()):
            continue
        share = rng.uniform(0.28, 0.5)  # of the flow, and so of r³, that the smaller child takes (Murray 1926)
        spread = rng.uniform(0.45, 0.95) * (1 if rng.random() < 0.5 else -1)
        tips.append((end, turns[-1] + spread * (1 - share), thin * share ** (1 / 3)))
        tips.append((end, turns[-1] - spread * share, thin * (1 - share) ** (1 / 3)))
    return grown


def _field(frame: FilmLandmarks, side: int) -> Callable[[np.ndarray, float], bool]:
    """Return a test of whether a place (2,) lies in a lung at least some mm from the chest wall."""
    wall = cavity_outline(frame, side)[:200]
    order = np.argsort(wall[:, 1])
    ys, xs, top = wall[order, 1], side * wall[order, 0], float(wall[:, 1].min())
    across = np.linspace(-250, 250, 126)
    floor = dome_line(frame, side, across) + 16

    def inside(at: np.ndarray, margin: float) -> bool:
        x, y = float(at[0]), float(at[1])
        return (
            top + margin < y < floor[int(np.clip((x + 250) / 4, 0, 125))] and side * x < np.interp(y, ys, xs) - margin
        )

    return inside
