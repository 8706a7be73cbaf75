"""A slightly changed copy of a recording, and how far the change moves its code.

What moves a code far although nobody could see the change is unusual: a clean recording's code hardly moves, one that
was made to deceive the encoder moves back ("feature squeezing", Xu, Evans & Qi 2018, NDSS). Films lose detail by a way
through 160 × 160 pixels, traces pass through a median of three samples. Both are differentiable, so that `casebind
evaluate robustness` can attack them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import conv2d, interpolate, pad

if TYPE_CHECKING:
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
    small = interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    return interpolate(small, size=x.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return films (n, 1, h, w) blurred by a Gaussian of `sigma` pixels; the edges are repeated."""
    at = torch.arange(-REACH, REACH + 1, dtype=x.dtype, device=x.device)
    line = torch.exp(-(at**2) / (2 * sigma**2))
    line = line / line.sum()
    wide = pad(x, (REACH, REACH, REACH, REACH), mode="replicate")
    return conv2d(conv2d(wide, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))


def median_of_three(x: torch.Tensor) -> torch.Tensor:
    """Return traces (n, leads, samples) whose every sample is the median of itself and its two neighbours in time."""
    wide = pad(x, (1, 1), mode="replicate")
    return torch.stack([wide[..., :-2], x, wide[..., 2:]]).median(0).values


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
    inputs = {name: torch.from_numpy(np.stack([np.asarray(part[name]) for part in parts])) for name in parts[0]}
    inputs["x"] = squeezed(inputs["x"], modality)
    with torch.no_grad():
        changed = release.module(modality)(**inputs).numpy()
    found = moves(release.projections(embeddings, modality), release.projections(changed, modality))
    return [Move(int(bits), float(turn)) for bits, turn in zip(*found, strict=True)]
