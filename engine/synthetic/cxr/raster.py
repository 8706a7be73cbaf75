"""Shapes in millimetres → maps of path length on the pixel grid: solids with rounded edges, and tapering tubes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, gaussian_filter

FINER = 2  # a polygon is filled on a grid this many times finer and averaged down
BRANCH_POINTS = 40  # to which every branch of a tree is resampled
STRIDE = 0.5  # pixels between the points at which a curve is drawn


@dataclass(frozen=True)
class FilmGrid:
    """A square film: pixels a side and mm per pixel. x is 0 at the midline and grows towards the patient's left."""

    side: int
    spacing: float

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Millimetres from the midline → columns."""
        return np.asarray(x) / self.spacing + self.side / 2

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x (1, side) and y (side, 1) of pixel centres in mm."""
        line = (np.arange(self.side, dtype=np.float32) + 0.5) * np.float32(self.spacing)
        return (line - self.side * self.spacing / 2)[None], line[:, None]

    def blurred(self, a: np.ndarray, mm: float) -> np.ndarray:
        """Return a map (side, side) after a Gaussian of this deviation; a wide one works on a coarser grid."""
        deviation = mm / self.spacing
        coarser = int(min(deviation / 3, self.side / 16))
        if coarser < 2:
            return np.asarray(gaussian_filter(a, deviation, mode="nearest", truncate=3.0))
        small = Image.fromarray(np.asarray(a, np.float32)).resize([self.side // coarser] * 2, Image.Resampling.BOX)
        wide = gaussian_filter(np.asarray(small), deviation * small.width / self.side, mode="nearest", truncate=3.0)
        return np.asarray(Image.fromarray(wide).resize((self.side, self.side), Image.Resampling.BICUBIC))


def curve(points: np.ndarray, count: int = 160) -> np.ndarray:
    """Return `count` points on a smooth curve through the given ones (n, 2) (centripetal by chord length)."""
    from scipy.interpolate import PchipInterpolator

    steps = np.linalg.norm(np.diff(points, axis=0), axis=1) ** 0.5
    at = np.concatenate([[0], np.cumsum(steps)])
    return np.asarray(PchipInterpolator(at, points)(np.linspace(0, at[-1], count)))


def closed(points: np.ndarray, count: int = 320) -> np.ndarray:
    """Return `count` points on a smooth closed curve through the given ones (n, 2)."""
    from scipy.interpolate import CubicSpline

    ring = np.concatenate([points, points[:1]])
    at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1) ** 0.5)])
    return np.asarray(CubicSpline(at, ring, bc_type="periodic")(np.linspace(0, at[-1], count)))


def fill(grid: FilmGrid, outline: np.ndarray) -> np.ndarray:
    """Return the share of each pixel inside a closed outline (n, 2) in mm: (side, side) float32 in 0 … 1."""
    image = Image.new("L", (grid.side * FINER, grid.side * FINER))
    across, down = grid.columns(outline[:, 0]) * FINER, outline[:, 1] / grid.spacing * FINER
    ImageDraw.Draw(image).polygon(list(zip(across.tolist(), down.tolist(), strict=True)), fill=255)
    return np.asarray(image.resize((grid.side, grid.side), Image.Resampling.BOX), np.float32) / 255


def solid(grid: FilmGrid, mask: np.ndarray, depth: float, rounding: float, smooth: float = 2.0) -> np.ndarray:
    """Return the path through a body that is `depth` mm thick beyond `rounding` mm from its edge: (side, side)."""
    out = np.zeros((grid.side, grid.side), np.float32)
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return out
    margin = int(4 * smooth / grid.spacing) + 3
    part = tuple(slice(max(0, at[0] - margin), at[-1] + margin + 1) for at in (rows, columns))
    inside = distance_transform_edt(np.pad(mask[part] > 0.5, 1, mode="edge"))[1:-1, 1:-1] * grid.spacing
    rise = depth * np.sqrt(np.maximum(1 - (1 - np.clip(inside / rounding, 0, 1)) ** 2, 0))
    soft = gaussian_filter(rise.astype(np.float32), smooth / grid.spacing, mode="nearest", truncate=3.0)
    out[part] = soft * gaussian_filter(mask[part], 0.6 / grid.spacing, mode="nearest", truncate=3.0)
    return out


@dataclass(frozen=True)
class Tube:
    """A tube along points (n, 2) in mm with radii (n,).

    wall : thickness in mm of a hollow tube's wall, 0 for a solid one · density : factor of its path, (n,), 1 if None
    """

    path: np.ndarray
    radius: np.ndarray
    wall: float = 0.0
    density: np.ndarray | None = None


def tubes(grid: FilmGrid, drawn: Iterable[Tube], out: np.ndarray | None = None) -> np.ndarray:
    """Add the path length through tubes to `out` (side, side), zero if None, and return it."""
    out = np.zeros((grid.side, grid.side), np.float32) if out is None else out
    for tube in drawn:
        across, down = grid.columns(tube.path[:, 0]) - 0.5, tube.path[:, 1] / grid.spacing - 0.5
        length = np.hypot(np.diff(across), np.diff(down)).sum()
        stride = max(STRIDE, 0.08 * float(tube.radius.min()) / grid.spacing)
        at = np.linspace(0, len(tube.path) - 1, max(2, int(length / stride)))
        density = np.ones(len(tube.path)) if tube.density is None else tube.density
        columns = (across, down, tube.radius / grid.spacing, density * grid.spacing)
        axis = np.stack([np.interp(at, np.arange(len(tube.path)), column) for column in columns])
        _stamp(out, axis, tube.wall / grid.spacing)
    return out


def branches(grid: FilmGrid, paths: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the path through touching tubes that are one body, the longest where they overlap, (side, side).

    paths : (n, points, 2) in mm. radii : (n, points)
    """
    out = np.zeros((grid.side, grid.side), np.float32)
    at = np.linspace(0, paths.shape[1] - 1, BRANCH_POINTS)
    low = np.minimum(at.astype(int), paths.shape[1] - 2)
    share = at - low
    points = paths[:, low] * (1 - share)[None, :, None] + paths[:, low + 1] * share[None, :, None]
    radius = radii[:, low] * (1 - share) + radii[:, low + 1] * share
    x, y = grid.columns(points[..., 0]).ravel() - 0.5, points[..., 1].ravel() / grid.spacing - 0.5
    _stamp_longest(out, x, y, radius.ravel() / grid.spacing, grid.spacing)
    return out


@njit(cache=True)
def _chord(distance: float, radius: float, wall: float) -> float:  # pragma: no cover
    """Path through a tube seen from the side, at a distance from its axis; pixels."""
    if distance >= radius:
        return 0.0
    full = 2.0 * np.sqrt(radius * radius - distance * distance)
    inner = radius - wall
    if wall > 0.0 and distance < inner:
        full -= 2.0 * np.sqrt(inner * inner - distance * distance)
    return full


@njit(cache=True)
def _stamp(out: np.ndarray, axis: np.ndarray, wall: float) -> None:  # pragma: no cover
    """Add each pixel's path through the tube around its nearest point of the axis to `out`.

    axis : (4, n) columns, rows, radii, and what a pixel's path is multiplied by
    """
    x, y, r, share = axis[0], axis[1], axis[2], axis[3]
    h, w = out.shape
    top, bottom = max(0, int(np.min(y - r)) - 2), min(h, int(np.max(y + r)) + 3)
    left, right = max(0, int(np.min(x - r)) - 2), min(w, int(np.max(x + r)) + 3)
    if bottom <= top or right <= left:
        return
    nearest = np.full((bottom - top, right - left), np.float32(1e9))
    chosen = np.zeros((bottom - top, right - left), np.int32)
    for i in range(len(x)):
        reach = r[i] + 1.0
        for row in range(max(top, int(y[i] - reach)), min(bottom, int(y[i] + reach) + 2)):
            for column in range(max(left, int(x[i] - reach)), min(right, int(x[i] + reach) + 2)):
                d = (row - y[i]) ** 2 + (column - x[i]) ** 2
                if d < nearest[row - top, column - left]:
                    nearest[row - top, column - left] = d
                    chosen[row - top, column - left] = i
    for row in range(bottom - top):
        for column in range(right - left):
            if nearest[row, column] < 1e8:
                i = chosen[row, column]
                d, path = np.sqrt(nearest[row, column]), 0.0
                for k in range(-1, 2):  # three rays a pixel
                    path += _chord(abs(d + 0.33 * k), max(r[i], 0.3), wall) / 3.0
                out[row + top, column + left] += path * share[i]


@njit(cache=True)
def _stamp_longest(
    out: np.ndarray, x: np.ndarray, y: np.ndarray, r: np.ndarray, spacing: float
) -> None:  # pragma: no cover
    """Raise each pixel of `out` to the longest path through balls of radius r at (x, y)."""
    h, w = out.shape
    for i in range(len(x)):
        radius, reach = max(r[i], 0.35), max(r[i], 0.35) + 0.7
        for row in range(max(0, int(y[i] - reach)), min(h, int(y[i] + reach) + 2)):
            for column in range(max(0, int(x[i] - reach)), min(w, int(x[i] + reach) + 2)):
                d, path = np.sqrt((row - y[i]) ** 2 + (column - x[i]) ** 2), 0.0
                for k in range(-1, 2):  # three rays a pixel
                    path += _chord(abs(d + 0.33 * k), radius, 0.0) / 3.0
                out[row, column] = max(out[row, column], path * spacing)
