"""Features brought to the width of the space before a head learns from few studies.

A head on two thousand numbers of an encoder that knows its training films by heart learns those films. What carries
over is what a ridge regression reads of findings, and the principal components beside it, their spectrum made flatter;
a head on these 256 numbers turns and weighs them. Both maps are linear and become one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from engine.model.heads import SPACE
from engine.training.binding.erasure import within

RIDGE = 1e4  # of the regression on standardised features
FEWEST = 15  # studies that have a finding, for it to be read
FLATTER = 0.5  # power by which the components' spectrum is divided
BESIDE = 0.5  # length of the components, readings of findings having length 1


@dataclass(frozen=True)
class Reduction:
    """Features (n, f) → x @ matrix + offset: matrix (f, 256), offset (256,)."""

    matrix: torch.Tensor
    offset: torch.Tensor

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return features of any leading shape reduced: (…, f) → (…, 256)."""
        return features @ self.matrix + self.offset

    @torch.no_grad()
    def join(self, head: nn.Linear) -> nn.Linear:
        """Return the map from features that this and a head over reduced ones are together."""
        joined = nn.Linear(len(self.matrix), head.out_features, device=head.weight.device)
        joined.weight.copy_(head.weight @ self.matrix.T)
        joined.bias.copy_(head(self.offset))
        return joined


def reduction_of(features: np.ndarray, has_finding: np.ndarray, datasets: np.ndarray, seed: int = 0) -> Reduction:
    """Fit a reduction: features (n, f), has_finding (n, findings) bool, datasets (n,) of any kind.

    Findings are read within data sets, so that what differs between hospitals is no part of a reading. A random
    rotation comes last, so that every number holds something of all.
    """
    x = np.asarray(features, float)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / deviation
    parts = _components(x, *_readings(x, has_finding, datasets))
    turned = np.linalg.qr(np.random.default_rng(seed).normal(size=(SPACE, SPACE)))[0]
    matrix = parts @ turned[: parts.shape[1]] / deviation[:, None]
    return Reduction(torch.from_numpy(matrix).float(), torch.from_numpy(-mean @ matrix).float())


def _readings(x: np.ndarray, has_finding: np.ndarray, datasets: np.ndarray) -> list[np.ndarray]:
    """Return the weights of ridge regressions on findings, their readings of length 1 together: [(f, k)] or nothing."""
    known = has_finding.any(1)
    read = has_finding[:, has_finding.sum(0) >= FEWEST]
    if not read.shape[1]:
        return []
    inside, target = within(x[known], datasets[known]), within(read[known].astype(float), datasets[known])
    left, sizes, right = np.linalg.svd(inside, full_matrices=False)
    weights = right.T @ ((sizes / (sizes**2 + RIDGE))[:, None] * (left.T @ target))
    spread = (inside @ weights).std(0)
    kept = spread > 0
    return [weights[:, kept] / spread[kept] / max(1, kept.sum()) ** 0.5]


def _components(x: np.ndarray, *readings: np.ndarray) -> np.ndarray:
    """Return readings and as many principal components as make 256 numbers, or as there are: (f, ≤ 256)."""
    _, sizes, right = np.linalg.svd(x, full_matrices=False)
    count = min(SPACE - sum(part.shape[1] for part in readings), int((sizes > 1e-6 * sizes[0]).sum()))
    axes = right[:count].T / sizes[:count] ** FLATTER
    length = ((x @ axes) ** 2).sum(1).mean() ** 0.5
    return np.concatenate([*readings, BESIDE * axes / max(float(length), 1e-9)], 1)
