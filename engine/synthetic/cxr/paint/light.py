"""Films as attenuation: what lies in the beam adds, and what lies behind shows through.

A film's grey v in 0 … 1 is close to a line in the attenuation until it saturates towards white, so findings are added
to the density u = −log(WHITE − v), where each millimetre of soft tissue adds the same amount (Beer and Lambert's law,
with the shoulder of a film's characteristic curve; Bushberg, The Essential Physics of Medical Imaging, chapter 7). How
much a millimetre adds on this film is read from its own heart beside its own lungs.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

WHITE = 1.06  # grey that no attenuation reaches
LUNG = 0.26  # density of inflated lung beside water (West, Respiratory Physiology, chapter 1)
SHOWN = 0.4  # of ribs and vessels behind what is as dense as solid tissue
HEART_DEPTH = 85.0  # mm of heart in the beam, along its axis: Felson, Chest Roentgenology


def density(film: np.ndarray) -> np.ndarray:
    """Return the density u (h, w) of a film (h, w) in 0 … 1."""
    return np.asarray(-np.log(WHITE - np.clip(film, 0, 1)), np.float32)


def grey(u: np.ndarray) -> np.ndarray:
    """Return the film (h, w) float32 in 0 … 1 of a density."""
    return np.asarray(np.clip(WHITE - np.exp(-u), 0, 1), np.float32)


def smooth(field: np.ndarray, sigma: float) -> np.ndarray:
    """Return the field after a Gaussian of `sigma` pixels; large ones are worked out on a coarser grid."""
    step = int(max(1, sigma // 4))
    if step == 1:
        return np.asarray(ndimage.gaussian_filter(field, sigma), np.float32)
    h, w = field.shape
    coarse = ndimage.zoom(ndimage.uniform_filter(field, step), 1 / step, order=1, grid_mode=True, mode="nearest")
    soft = ndimage.gaussian_filter(coarse, sigma * coarse.shape[0] / h)
    scale = (h / soft.shape[0], w / soft.shape[1])
    return np.asarray(ndimage.zoom(soft, scale, order=1, grid_mode=True, mode="nearest"), np.float32)


def local_level(u: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """Return the mean density of a mask around every pixel, carried on smoothly beyond it (normalised convolution)."""
    inside = mask.astype(np.float32)
    weight = smooth(inside, sigma) + 1e-3 * smooth(inside, 6 * sigma) + 1e-9 * inside.mean()
    value = smooth(u * inside, sigma) + 1e-3 * smooth(u * inside, 6 * sigma) + 1e-9 * inside.mean() * u[mask].mean()
    return np.asarray(value / weight, np.float32)


def add_water(
    u: np.ndarray, added: np.ndarray, ceiling: np.ndarray | float, through: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return u + added, bent softly below `ceiling` where that is passed: no fluid is whiter than solid tissue.

    through : density of ribs about their surroundings, of which SHOWN stays where the ceiling would hide it
    """
    room = np.maximum(ceiling - ndimage.gaussian_filter(u, 0.8), 0.02)
    share = np.tanh(np.maximum(added, 0) / room)
    return np.asarray(u + np.where(added > 0, room * share + SHOWN * share * through, added), np.float32)


def moved(field: np.ndarray, displacement: np.ndarray, order: int = 1) -> np.ndarray:
    """Return the field (h, w) read at each pixel's place plus displacement (2, h, w) in pixels."""
    grid = np.indices(field.shape, dtype=np.float32) + displacement
    out = ndimage.map_coordinates(field.astype(np.float32), grid, order=order, mode="nearest")
    return np.asarray(out, np.float32)


def grain(u: np.ndarray) -> np.ndarray:
    """Return the fine detail (h, w) of a density: what a Gaussian of one pixel takes away."""
    return np.asarray(u - ndimage.gaussian_filter(u, 1.0), np.float32)


def clouds(shape: tuple[int, int], size: float, rng: np.random.Generator, octaves: int = 4) -> np.ndarray:
    """Return a random field (h, w) of zero mean and unit deviation, its largest lumps `size` pixels wide.

    Each octave has half the size and half the strength of the one before (a spectrum of 1/f², near that of lungs).
    """
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        sigma = max(size / 2 ** (octave + 1), 0.7)
        layer = smooth(rng.standard_normal(shape).astype(np.float32), sigma)
        total += layer / (layer.std() + 1e-9) / 2**octave
    return (total - total.mean()) / (total.std() + 1e-9)
