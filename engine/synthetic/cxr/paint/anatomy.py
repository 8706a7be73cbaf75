"""What lies where on a frontal chest film: lungs with their borders, heart, hila, midline, domes and angles.

Everything follows from the outlines of the two lungs (lungs.py): the heart is what stands between them below the hila,
the domes are their floors, the costophrenic angles their lowest outer points. Rows count downwards, columns to the
right; the patient's right is at the left of the picture. Millimetres rest on the inner width of the chest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint.light import moved
from engine.synthetic.cxr.paint.lungs import outline

# Inner width of the chest at its widest, mm on the film: adults' transverse diameter, Felson, Chest Roentgenology, and
# Bellemare et al., J Appl Physiol 2003 (286 mm in men, 255 in women, at total capacity), magnified 1.05 by the beam.
CHEST_MM = {"M": 298.0, "F": 266.0, "": 282.0}
CHEST_SD = {"M": 16.0, "F": 14.0, "": 18.0}
MIN_CONFIDENCE = 0.5
HEART_TOP, HEART_LOW = 0.46, 0.92  # of the lungs' height: below the hila, above the domes
CARINA = 0.36
MIN_AREA, MAX_AREA = 0.035, 0.26  # of the film, one lung
Point = tuple[float, float]  # row, column


@dataclass(frozen=True, eq=False)
class Lung:
    """One lung: `side` of the patient, its mask (h, w), and its borders."""

    side: str
    mask: np.ndarray

    @cached_property
    def outward(self) -> int:
        """1 where the chest wall is to the right of the picture, −1 where to the left."""
        return 1 if self.side == "left" else -1

    @cached_property
    def columns(self) -> np.ndarray:
        """Whether (w,) a column of the film holds any of the lung."""
        return np.asarray(self.mask.any(0))

    @cached_property
    def rows(self) -> tuple[int, int]:
        """First and last row."""
        found = np.flatnonzero(self.mask.any(1))
        return int(found[0]), int(found[-1])

    @cached_property
    def borders(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns (h,) of the medial and the lateral border, carried on beyond the lung; smooth."""
        top, low = self.rows
        flipped = self.mask[:, ::-1] if self.outward < 0 else self.mask
        first = flipped.argmax(1).astype(float)
        last = self.mask.shape[1] - 1.0 - flipped[:, ::-1].argmax(1)
        rows, every = top + np.flatnonzero(self.mask[top : low + 1].any(1)), np.arange(len(self.mask))
        pair = [np.interp(every, rows, ndimage.gaussian_filter1d(b[rows], 2)) for b in (first, last)]
        if self.outward < 0:
            pair = [self.mask.shape[1] - 1.0 - border for border in pair]
        return pair[0], pair[1]

    @cached_property
    def floor(self) -> np.ndarray:
        """Row (w,) of the lung's lowest pixel in each column, carried on beyond the lung."""
        columns = np.flatnonzero(self.columns)
        low = self.mask.shape[0] - 1.0 - self.mask[::-1].argmax(0)
        smooth = ndimage.gaussian_filter1d(low[columns], 2)
        return np.interp(np.arange(self.mask.shape[1]), columns, smooth)

    @cached_property
    def angle(self) -> Point:
        """The costophrenic angle: the lowest point of the outer third."""
        columns = np.flatnonzero(self.columns)
        share = max(len(columns) // 3, 1)
        outer = columns[-share:] if self.outward > 0 else columns[:share]
        column = int(outer[self.floor[outer].argmax()])
        return float(self.floor[column]), float(column)

    @cached_property
    def dome(self) -> Point:
        """The dome beside the heart: the middle of the floor between half and three quarters of the way outwards."""
        columns = np.flatnonzero(self.columns)[:: self.outward]
        beside = columns[len(columns) // 2 : 3 * len(columns) // 4]
        return float(np.median(self.floor[beside])), float(beside[len(beside) // 2])

    @cached_property
    def apex(self) -> Point:
        """The highest point."""
        top, _ = self.rows
        return float(top), float(np.flatnonzero(self.mask[top]).mean())

    def row_at(self, height: float) -> int:
        """Return the row at a height: 0 at the apex, 1 at the dome."""
        return round(self.apex[0] + height * (self.dome[0] - self.apex[0]))

    @cached_property
    def height(self) -> np.ndarray:
        """Height (h, 1): 0 at the apex, 1 at the dome, beyond them below 0 and above 1."""
        rows = np.arange(len(self.mask), dtype=np.float32)[:, None]
        return (rows - self.apex[0]) / max(self.dome[0] - self.apex[0], 1)

    @cached_property
    def across(self) -> np.ndarray:
        """Place (h, w) between the medial border, 0, and the chest wall, 1."""
        medial, lateral = self.borders
        columns = np.arange(self.mask.shape[1], dtype=np.float32)[None]
        width = np.where(np.abs(lateral - medial) < 4, 4 * self.outward, lateral - medial)
        return np.asarray((columns - medial[:, None]) / width[:, None], np.float32)

    @cached_property
    def hilum(self) -> Point:
        """Where the vessels enter."""
        row = self.row_at(0.5 if self.side == "right" else 0.46)
        medial, lateral = self.borders
        return float(row), float(medial[row] + 0.08 * (lateral[row] - medial[row]))

    @cached_property
    def from_wall(self) -> np.ndarray:
        """Distance (h, w) in pixels from the chest wall, lateral and apical; 0 outside, the mediastinum is no wall."""
        top, low = self.rows
        medial, lateral = self.borders
        columns = np.arange(self.mask.shape[1])[None]
        beyond = self.outward * (columns - medial[:, None]) < 0
        inside = self.mask | (beyond & (np.arange(len(self.mask))[:, None] >= top + 0.06 * (low - top)))
        last = self.outward * (lateral[low] - columns) > 0
        inside[int(self.dome[0]) :] |= self.outward * (lateral[int(self.dome[0]) :, None] - columns) > 0
        inside[low:] = last
        return np.asarray(ndimage.distance_transform_edt(np.pad(inside, ((0, 40), (0, 0)), mode="edge")))[:-40]

    def moved(self, displacement: np.ndarray) -> Lung:
        """Return the lung as it lies on a film that was read at displaced places (light.moved)."""
        return Lung(self.side, moved(self.mask, displacement) > 0.5)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The parts of one film (h, w), and how sure they are: `confidence` 0 … 1."""

    right_lung: Lung
    left_lung: Lung
    mm_per_px: float
    confidence: float

    @property
    def right(self) -> np.ndarray:
        """Mask (h, w) of the right lung."""
        return self.right_lung.mask

    @property
    def left(self) -> np.ndarray:
        """Mask (h, w) of the left lung."""
        return self.left_lung.mask

    @property
    def lungs(self) -> np.ndarray:
        """Mask (h, w) of both lungs."""
        return self.right | self.left

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the film in pixels."""
        return self.right.shape[0], self.right.shape[1]

    def lung(self, side: str) -> Lung:
        """Return the lung of a side, "left" or "right"."""
        return self.left_lung if side == "left" else self.right_lung

    def px(self, mm: float) -> float:
        """Return millimetres as pixels."""
        return mm / self.mm_per_px

    def row_at(self, height: float) -> int:
        """Return the row at a height of both lungs: 0 at the apices, 1 at the domes."""
        return (self.right_lung.row_at(height) + self.left_lung.row_at(height)) // 2

    @cached_property
    def midline(self) -> np.ndarray:
        """Column (h,) of the middle of the spine: a line through the middle of the upper mediastinum."""
        rows = np.arange(self.row_at(0.08), max(self.row_at(0.42), self.row_at(0.08) + 4))
        middle = (self.right_lung.borders[0][rows] + self.left_lung.borders[0][rows]) / 2
        slope, _ = np.polyfit(rows, middle, 1)
        slope = float(np.clip(slope, -0.06, 0.06))
        return np.asarray(middle.mean() + slope * (np.arange(self.shape[0]) - rows.mean()))

    @cached_property
    def heart_rows(self) -> tuple[int, int]:
        """First and last row of the heart."""
        top = self.row_at(HEART_TOP)
        return top, max(self.row_at(HEART_LOW), top + 2)

    @cached_property
    def heart(self) -> np.ndarray:
        """Mask (h, w) of the heart's silhouette."""
        top, low = self.heart_rows
        columns = np.arange(self.shape[1])[None]
        between = (columns > self.right_lung.borders[0][:, None]) & (columns < self.left_lung.borders[0][:, None])
        rows = np.arange(self.shape[0])[:, None]
        return between & (rows >= top) & (rows <= low) & ~self.lungs

    @cached_property
    def heart_extent(self) -> Point:
        """Columns of the heart's right and left border at its widest."""
        top, low = self.heart_rows
        rows = slice(top, low + 1)
        right = self.midline[rows] - self.right_lung.borders[0][rows]
        left = self.left_lung.borders[0][rows] - self.midline[rows]
        middle = float(self.midline[rows].mean())
        return middle - float(right.max()), middle + float(left.max())

    @cached_property
    def chest_extent(self) -> Point:
        """Columns of the inner chest wall, right and left, at its widest."""
        rows = slice(self.row_at(0.5), self.row_at(1.0) + 1)
        return float(self.right_lung.borders[1][rows].min()), float(self.left_lung.borders[1][rows].max())

    @property
    def ctr(self) -> float:
        """The cardiothoracic ratio: width of the heart over that of the chest inside (Danzer 1919)."""
        (a, b), (c, d) = self.heart_extent, self.chest_extent
        return (b - a) / (d - c)

    @cached_property
    def below(self) -> np.ndarray:
        """Mask (h, w) of what lies right below the domes: abdomen, within 35 mm."""
        rows = np.arange(self.shape[0])[:, None]
        mask = np.zeros(self.shape, bool)
        for lung in (self.right_lung, self.left_lung):
            depth = rows - lung.floor[None]
            mask |= (depth > self.px(4)) & (depth < self.px(35)) & lung.columns[None]
        return mask & ~self.lungs

    def moved(self, displacement: np.ndarray) -> Anatomy:
        """Return the anatomy of a film that was read at displaced places (light.moved)."""
        return Anatomy(
            self.right_lung.moved(displacement), self.left_lung.moved(displacement), self.mm_per_px, self.confidence
        )


def largest(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected part of a mask, its holes filled."""
    parts, n = ndimage.label(mask)
    if n == 0:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    return np.asarray(ndimage.binary_fill_holes(parts == sizes.argmax() + 1))


def known_anatomy(right: np.ndarray, left: np.ndarray, mm_per_px: float) -> Anatomy:
    """Return the anatomy of a film whose lungs are known: masks (h, w) of the patient's right and left one."""
    lungs = [Lung(side, largest(np.asarray(mask) > 0.5)) for side, mask in (("right", right), ("left", left))]
    return Anatomy(lungs[0], lungs[1], mm_per_px, 1.0)


def find_anatomy(film: np.ndarray, sex: str = "", rng: np.random.Generator | None = None) -> Anatomy:
    """Return the anatomy of a film (h, w) in 0 … 1 in standard orientation.

    sex : "M" or "F", for the width of the chest in millimetres, drawn about its mean where an rng is given
    A film whose lungs cannot be outlined has confidence 0; below MIN_CONFIDENCE, nothing should be painted.
    """
    found = outline(film)
    soft = ndimage.gaussian_filter(found.chances, (0, film.shape[0] / 250, film.shape[0] / 250))
    right, left = (largest(side > 0.5) for side in soft)
    width = CHEST_MM.get(sex, CHEST_MM[""]) + (rng.normal(0, CHEST_SD.get(sex, CHEST_SD[""])) if rng else 0.0)
    if min(right.mean(), left.mean()) < MIN_AREA / 2:
        return Anatomy(Lung("right", right), Lung("left", left), width / film.shape[1], 0.0)
    plain = Anatomy(Lung("right", right), Lung("left", left), 1.0, 0.0)
    (a, b), sure = plain.chest_extent, _confidence(plain, found.agreement)
    return Anatomy(plain.right_lung, plain.left_lung, width / max(b - a, 1.0), sure)


def _confidence(anatomy: Anatomy, agreement: float) -> float:
    """Return how far outlines agree (0.85 → 0, 1 → 1), or 0 where they are no chest's."""
    right, left = anatomy.right.mean(), anatomy.left.mean()
    low, high = sorted((right, left))
    level = abs(anatomy.right_lung.apex[0] - anatomy.left_lung.apex[0]) / anatomy.shape[0]
    tall = min(np.ptp(lung.rows) for lung in (anatomy.right_lung, anatomy.left_lung)) / anatomy.shape[0]
    plausible = low > MIN_AREA and high < MAX_AREA and high / low < 2.2 and level < 0.09 and tall > 0.28
    ordered = bool((anatomy.right_lung.borders[0] < anatomy.left_lung.borders[0]).all())
    if not (plausible and ordered and 0.3 < anatomy.ctr < 0.66):
        return 0.0
    return float(np.clip((agreement - 0.85) / 0.13, 0, 1))
