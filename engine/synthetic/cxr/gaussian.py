"""The linear part of the flow: the best velocity if latents were Gaussian given the condition.

For x_t = (1 − t) x + t ε with x ~ N(μ(c), Σ), the conditional mean of ε − x is linear in x_t; it is the Wiener filter.
The network then learns only what a Gaussian cannot say, which suits a thousand films (for how far this linear part
carries a trained diffusion see Wang and Vastola, TMLR 2024).
"""

from __future__ import annotations

import torch
from torch import nn

from engine.synthetic.cxr.condition import MOVES, WIDTH

RIDGE = 30.0  # films' worth of pull towards the common mean


class GaussianPart(nn.Module):
    """μ(c) by ridge regression and Σ = U diag(λ) Uᵀ + ρ (I − U Uᵀ) of d-dimensional latents, k axes kept."""

    weights: torch.Tensor
    axes: torch.Tensor
    spread: torch.Tensor
    rest: torch.Tensor

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(1 + WIDTH - MOVES, size))
        self.register_buffer("axes", torch.zeros(rank, size))
        self.register_buffer("spread", torch.ones(rank))
        self.register_buffer("rest", torch.ones(()))

    @torch.no_grad()
    def fit(self, latents: torch.Tensor, conditions: torch.Tensor) -> None:
        """Fit on latents (n, d) and conditions (n, WIDTH); fewer than n axes are kept, the others stay 0."""
        design = self.design(conditions).double()
        pull = torch.diag(torch.tensor([0.0] + [RIDGE] * (design.shape[1] - 1)).double())
        self.weights.copy_(torch.linalg.solve(design.T @ design + pull, design.T @ latents.double()))
        off = latents - self.mean(conditions)
        kept = min(len(self.spread), len(off) - 1)
        _, values, axes = torch.svd_lowrank(off, q=kept, niter=4)
        self.axes[:kept], self.spread[kept:] = axes.T, 0
        self.spread[:kept] = values**2 / len(off)
        total = (off**2).sum() / len(off)
        self.rest.copy_((total - self.spread.sum()).clamp(min=1e-3) / (latents.shape[1] - kept))

    @staticmethod
    def design(conditions: torch.Tensor) -> torch.Tensor:
        """(n, WIDTH) → (n, 1 + WIDTH − MOVES): a constant and the condition without the moves."""
        return torch.cat([torch.ones_like(conditions[:, :1]), conditions[:, : WIDTH - MOVES]], 1)

    def mean(self, conditions: torch.Tensor) -> torch.Tensor:
        """(n, WIDTH) → (n, d)."""
        return self.design(conditions) @ self.weights

    def velocity(self, x: torch.Tensor, t: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """E[ε − x | x_t]: x (n, d), t (n, 1) in 0 … 1 → (n, d)."""
        mean = self.mean(conditions)
        off = x - (1 - t) * mean
        inside = off @ self.axes.T  # (n, k)
        gain = _gain(self.spread, t)
        common = _gain(self.rest, t)
        return common * off + ((gain - common) * inside) @ self.axes - mean


def _gain(variance: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """(t − (1 − t) λ) / ((1 − t)² λ + t²), λ broadcast against t (n, 1)."""
    return (t - (1 - t) * variance) / ((1 - t) ** 2 * variance + t**2)
