"""What a painter works on: a film's density, its anatomy, and how much a millimetre of water adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from engine.synthetic.cxr.paint import light
from engine.synthetic.cxr.paint.anatomy import Anatomy, Lung

DEPTH = 0.34  # half depth of the chest inside, of its inner width: about 200 mm of 300 (Bellemare et al. 2003)


@dataclass(frozen=True, eq=False)
class Scene:
    """A film as density u (h, w), with its anatomy."""

    u: np.ndarray
    anatomy: Anatomy

    @cached_property
    def per_mm(self) -> float:
        """Density that a millimetre of water adds, read from the heart beside the lungs of this film."""
        heart, lungs = np.median(self.u[self.anatomy.heart]), np.median(self.u[self.anatomy.lungs])
        step = (heart - lungs) / (light.HEART_DEPTH * (1 - light.LUNG))
        return float(np.clip(step, 0.004, 0.03))

    @cached_property
    def solid(self) -> np.ndarray:
        """Density (h, w) of solid tissue around every pixel: of heart and abdomen nearby, at least their median."""
        mask = ndimage.binary_erosion(self.anatomy.heart, iterations=3) | self.anatomy.below
        level = light.local_level(self.u, mask, self.anatomy.px(18))
        return np.maximum(level, np.median(self.u[mask])).astype(np.float32)

    @cached_property
    def through(self) -> np.ndarray:
        """Density (h, w) of ribs and vessels in the lungs about its surroundings; 0 at the lungs' borders."""
        total = np.zeros(self.anatomy.shape, np.float32)
        for mask in (self.anatomy.right, self.anatomy.left):
            inner = ndimage.distance_transform_edt(mask) > self.anatomy.px(5)
            if inner.any():
                about = light.local_level(self.u, inner, self.anatomy.px(12))
                total += (self.u - about) * self.soft(inner, 2.0)
        return ndimage.gaussian_filter(total, 0.8)

    @cached_property
    def noise(self) -> float:
        """Deviation of the density's fine detail in the lungs."""
        return float(light.grain(self.u)[self.anatomy.lungs].std())

    def half_depth(self, lung: Lung) -> np.ndarray:
        """Return half the depth (h, 1) of a lung in the beam in mm, before it narrows to the wall: less at the apex."""
        (a, b) = self.anatomy.chest_extent
        full = DEPTH * (b - a) * self.anatomy.mm_per_px
        taper = np.sqrt(np.clip(1 - (1 - np.clip(lung.height, 0, 1) / 0.55).clip(0) ** 2, 0.05, 1))
        return np.asarray(full * taper, np.float32)

    def lung_path(self, lung: Lung) -> np.ndarray:
        """Return the path (h, w) in mm of the beam through a lung: half an ellipse from the mediastinum to the wall."""
        across = np.clip(lung.across, 0, 1)
        return np.asarray(2 * self.half_depth(lung) * np.sqrt(1 - across**2) * (lung.across < 1), np.float32)

    def shell_path(self, lung: Lung, gap: np.ndarray) -> np.ndarray:
        """Return the path (h, w) in mm between the wall and a lung that has left it by `gap` mm (h, 1)."""
        medial, lateral = lung.borders
        width = np.maximum(np.abs(lateral - medial), 4)[:, None] * self.anatomy.mm_per_px
        left = np.clip(1 - gap / width, 0, 1)
        across = np.clip(lung.across, 0, 1)
        inner = np.where(left > 0, 1 - (across / np.maximum(left, 1e-3)) ** 2, 0).clip(0)
        shell = 2 * self.half_depth(lung) * (np.sqrt(1 - across**2) - left * np.sqrt(inner))
        return np.asarray(shell * (lung.across < 1), np.float32)

    def soft(self, mask: np.ndarray, mm: float = 1.0) -> np.ndarray:
        """Return a mask as 0 … 1 with an edge as soft as the film's."""
        return light.smooth(mask.astype(np.float32), max(self.anatomy.px(mm), 0.8))

    def markings(self, radius_mm: float = 3.0) -> np.ndarray:
        """Return thin bright structures (h, w), vessels above all, by which the density rises above its opening."""
        size = 2 * round(self.anatomy.px(radius_mm)) + 1
        disk = np.hypot(*(np.indices((size, size)) - size // 2)) <= size / 2
        calm = ndimage.gaussian_filter(self.u, 0.7)
        return np.asarray(calm - ndimage.grey_opening(calm, footprint=disk), np.float32)
