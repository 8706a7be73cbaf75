"""The look of real films: what a film drawn from anatomy lacks in exposure, framing and soft tissue.

Drawn films and real ones of a view, neither with findings, count as draws of two Gaussians over their main axes at
SIDE × SIDE pixels. The map between the two that moves greys least is linear (Gelbrich 1990; Peyré and Cuturi, Found.
Trends Mach. Learn. 2019, remark 2.31). What it changes is smooth and is added to the film, so that edges stay where
the anatomy has them; what is finer is made fainter by a constant, as real films show it. Of the chest and what lies
below it the leading axes alone are changed: films without findings must show none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from engine.errors import UsageError
from engine.settings import MODELS

FILE = MODELS / "generators" / "film-appearance.safetensors"
SIDE = 64  # pixels of a side at which films are compared: 6 mm
AXES = 60
INSIDE = 10  # of the axes, that change heart, lungs and what lies below them: what is finer would look like a finding
BLUR_PX = 2.0  # at SIDE: of the border between inside and outside
FINE = 0.7  # of what is finer: amplitudes of real films over those of drawn ones, at 4 to 12 mm
SHOULDER, WHITEST = 0.82, 0.98  # greys from which films flatten, and that they do not pass
VIEWS = ("PA", "AP")


@dataclass(frozen=True, eq=False)
class Appearance:
    """The map, by view: mean greys of drawn and of real films (2, SIDE²), axes (k, SIDE²), change along them (k, k)."""

    drawn: np.ndarray
    real: np.ndarray
    axes: np.ndarray
    change: np.ndarray

    def dress(self, film: np.ndarray, view: str, chest: np.ndarray) -> np.ndarray:
        """Return a film without findings, (h, w) float32 in 0 … 1, as a real one of its view looks.

        chest : 1 on lungs, heart and mediastinum, (h, w)
        """
        i = VIEWS.index(view)
        coarse = downscaled(film)
        change = self.change @ (self.axes @ (coarse.ravel() - self.drawn[i]))
        outside = change @ self.axes
        inside = change[:INSIDE] @ self.axes[:INSIDE]
        within = gaussian_filter(np.maximum.accumulate(downscaled(chest), axis=0), BLUR_PX).ravel()
        moved = self.real[i] - self.drawn[i] + within * inside + (1 - within) * outside
        smooth = upscaled(coarse, film.shape)
        dressed = smooth + upscaled(moved.reshape(SIDE, SIDE), film.shape) + FINE * (film - smooth)
        return np.asarray(np.clip(_shouldered(dressed), 0, 1), np.float32)

    def save(self, file: Path) -> None:
        """Write the map; axes as half floats, since many numbers and few digits."""
        from safetensors.numpy import save_file

        whole = {"drawn": self.drawn, "real": self.real, "change": self.change}
        save_file({**{k: v.astype(np.float32) for k, v in whole.items()}, "axes": self.axes.astype(np.float16)}, file)


def _shouldered(film: np.ndarray) -> np.ndarray:
    """Return greys bent above SHOULDER towards WHITEST, as on a film's characteristic curve."""
    room = WHITEST - SHOULDER
    return np.asarray(np.minimum(film, SHOULDER) + room * np.tanh(np.maximum(film - SHOULDER, 0) / room))


@cache
def load_appearance(file: Path = FILE) -> Appearance:
    """Return the map of a file; UsageError where there is none."""
    from safetensors.numpy import load_file

    if not file.is_file():
        raise UsageError(f"There is no look of films at {file}: fit it with `casebind train generator films`.")
    parts = load_file(file)
    return Appearance(**{name: part.astype(np.float32) for name, part in parts.items()})


def downscaled(film: np.ndarray) -> np.ndarray:
    """Return a film (h, w) as means over its pixels, (SIDE, SIDE) float32."""
    image = Image.fromarray(np.asarray(film, np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image)


def upscaled(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return (SIDE, SIDE) greys smoothly at the size of a film."""
    image = Image.fromarray(np.asarray(coarse, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


@dataclass(frozen=True, eq=False)
class CoarseFilms:
    """Films at SIDE × SIDE: greys (n, SIDE²), whether each is an AP film (n,), whether it shows no finding (n,)."""

    greys: np.ndarray
    ap: np.ndarray
    clear: np.ndarray

    def means(self) -> np.ndarray:
        """Return the mean of the clear films of each view, (2, SIDE²)."""
        return np.stack([self.greys[self.clear & (self.ap == ap)].mean(0) for ap in (False, True)])

    def off_means(self) -> np.ndarray:
        """Return how all films differ from the mean of their view, (n, SIDE²)."""
        means = np.stack([self.greys[self.ap == ap].mean(0) for ap in (False, True)])
        return self.greys - means[self.ap.astype(int)]


ALL_SHARE = 0.4  # of the real spread that all films give: those without findings are fewer than axes need
FLOOR = 0.05  # of the mean variance, added to each, so that no axis is stretched without limit


def fit(drawn: CoarseFilms, real: CoarseFilms) -> Appearance:
    """Return the map from drawn films to real ones."""
    off_drawn, off_real = drawn.off_means(), real.off_means()
    both = np.concatenate([off / np.sqrt(len(off)) for off in (off_drawn, off_real)])
    axes = np.linalg.svd(both, full_matrices=False)[2][:AXES]
    before = _covariance(off_drawn @ axes.T)
    clear, whole = (_covariance(off @ axes.T) for off in (off_real[real.clear], off_real))
    change = _least_moving(before, (1 - ALL_SHARE) * clear + ALL_SHARE * whole) - np.eye(len(axes))
    return Appearance(drawn.means(), real.means(), axes, change)


def _covariance(rows: np.ndarray) -> np.ndarray:
    """Return the covariance (k, k) of rows (n, k), its diagonal raised by FLOOR of the mean variance."""
    spread = np.atleast_2d(np.cov(rows.T))
    return np.asarray(spread + FLOOR * np.trace(spread) / len(spread) * np.eye(len(spread)))


def _least_moving(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the symmetric A with A before A = after: before^-½ (before^½ after before^½)^½ before^-½."""
    root, inverse = _root(before, 0.5), _root(before, -0.5)
    return np.asarray(inverse @ _root(root @ after @ root, 0.5) @ inverse)


def _root(matrix: np.ndarray, power: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** power) @ vectors.T)
