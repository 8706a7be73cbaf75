"""A slightly changed copy of a recording, and how far the change moves its code.

What moves a code far although nobody could see the change is unusual: a clean recording's code hardly moves, one that
was made to deceive the encoder moves back ("feature squeezing", Xu, Evans & Qi 2018, NDSS). Films lose detail by a way
through 160 × 160 pixels, traces pass through a median of three samples. Both are differentiable, so that `casebind
evaluate robustness` can attack them too; `squeezed_copy` makes the same of an array, without PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from engine.model.release import Release
    from engine.study import Study

SIDE = 160  # pixels through which a film loses detail: chosen on `valid` among blurs, shifts, medians and sizes
REACH = 3  # pixels on either side that a blur looks at


def squeezed(x: torch.Tensor, modality: str) -> torch.Tensor:
    """Return slightly changed copies of prepared recordings, of the same shape.

    x : (n, 1, 224, 224) films in 0 … 1, or (n, leads, samples) traces
    """
    return coarser(x) if modality == "cxr" else median_of_three(x)


def coarser(x: torch.Tensor) -> torch.Tensor:
    """Return films (n, 1, h, w) in 0 … 1 reduced to SIDE pixels a side and enlarged again."""
    from torch.nn.functional import interpolate

    small = interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    return interpolate(small, size=x.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return films (n, 1, h, w) blurred by a Gaussian of `sigma` pixels; the edges are repeated."""
    import torch
    from torch.nn.functional import conv2d, pad

    at = torch.arange(-REACH, REACH + 1, dtype=x.dtype, device=x.device)
    line = torch.exp(-(at**2) / (2 * sigma**2))
    line = line / line.sum()
    wide = pad(x, (REACH, REACH, REACH, REACH), mode="replicate")
    return conv2d(conv2d(wide, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))


def median_of_three(x: torch.Tensor) -> torch.Tensor:
    """Return traces (n, leads, samples) whose every sample is the median of itself and its two neighbours in time."""
    import torch
    from torch.nn.functional import pad

    wide = pad(x, (1, 1), mode="replicate")
    return torch.stack([wide[..., :-2], x, wide[..., 2:]]).median(0).values


def squeezed_copy(x: np.ndarray, modality: str) -> np.ndarray:
    """Return what `squeezed` makes of one prepared recording, float32: (1, 224, 224) or (leads, samples)."""
    if modality == "cxr":
        through = _through(x.shape[-1])
        return np.clip(through @ x @ through.T, 0, 1)
    wide = np.pad(x, ((0, 0), (1, 1)), mode="edge")
    before, after = wide[:, :-2], wide[:, 2:]
    found: np.ndarray = np.maximum(np.minimum(before, x), np.minimum(np.maximum(before, x), after))
    return found


@lru_cache(maxsize=2)
def _through(side: int) -> np.ndarray:
    """Return the way through SIDE pixels as a matrix for rows, (side, side) float32, as `coarser` takes it.

    Down by triangles as wide as what a small pixel covers, up by cubic convolution (Keys 1981, a = −0.75).
    """
    scale = side / SIDE
    apart = np.abs((np.arange(side)[None] + 0.5) / scale - (np.arange(SIDE)[:, None] + 0.5))
    down = np.maximum(0.0, 1.0 - apart)
    down /= down.sum(1, keepdims=True)
    at = (np.arange(side) + 0.5) / scale - 0.5
    up = np.zeros((side, SIDE))
    for step in (-1, 0, 1, 2):
        place = np.floor(at) + step
        np.add.at(up, (np.arange(side), np.clip(place, 0, SIDE - 1).astype(int)), _cubic(np.abs(at - place)))
    return (up @ down).astype(np.float32)


def _cubic(t: np.ndarray, a: float = -0.75) -> np.ndarray:
    """Return the cubic convolution kernel at distances t ≥ 0."""
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    found: np.ndarray = np.where(t <= 1, near, np.where(t < 2, far, 0.0))
    return found


@dataclass(frozen=True)
class Move:
    """How far a squeezed copy's code lies from the recording's own.

    bits : of 256 that differ        turn : 1 − the cosine of both projections onto the bits, 0 … 2
    """

    bits: int
    turn: float


def moves(own: np.ndarray, copy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bits and turns between projections of recordings and of their copies: (n, 256) twice → (n,) twice."""
    lengths = np.linalg.norm(own, axis=1) * np.linalg.norm(copy, axis=1)
    return ((own > 0) != (copy > 0)).sum(1), 1 - (own * copy).sum(1) / np.maximum(lengths, 1e-9)


def move(release: Release, study: Study, embedding: np.ndarray) -> Move:
    """Return how far a study's slightly changed copy lies from it; one encoding.

    embedding : (256,) float32, the study's own under the release
    """
    return moves_of(release, [study], embedding[None])[0]


def moves_of(release: Release, studies: Sequence[Study], embeddings: np.ndarray) -> list[Move]:
    """Return how far the slightly changed copies of studies of one modality lie from them, encoded together.

    embeddings : (n, 256) float32, the studies' own under the release
    """
    modality, parts = studies[0].modality, [release.inputs(study) for study in studies]
    copies = [{**part, "x": squeezed_copy(part["x"], modality)} for part in parts]
    changed = release.embed_inputs(copies, modality)
    found = moves(release.projections(embeddings, modality), release.projections(changed, modality))
    return [Move(int(bits), float(turn)) for bits, turn in zip(*found, strict=True)]
