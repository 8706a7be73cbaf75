"""What reads findings from features while an encoder is tuned: a linear head of each data set's own.

Where a study comes from is the same for all that one head reads, so no head can use it: a finding that one data set
holds far more often than others teaches what sets it apart there, and not what films of that hospital look like.
"""

from __future__ import annotations

import torch
from torch import nn


class FindingHeads(nn.Module):
    """Features (b, f) and the numbers of their data sets (b,) → logits of findings (b, findings)."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, features: int, findings: int, datasets: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(features, findings) for _ in range(datasets))
        self.findings = findings
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    @torch.no_grad()
    def start_even(self, features: torch.Tensor, shares: torch.Tensor) -> None:
        """Standardise by these features (n, f), and begin with what is common: shares (datasets, findings) in 0 … 1."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-3))
        for head, share in zip(self.each, shares, strict=True):
            head.weight.zero_()  # type: ignore[operator]
            head.bias.copy_(torch.logit(share.clamp(0.01, 0.99)))  # type: ignore[operator]

    def forward(self, features: torch.Tensor, datasets: torch.Tensor) -> torch.Tensor:
        """Return the logits of each row by its own data set's head."""
        even = (features - self.mean) / self.deviation
        out = even.new_zeros(len(even), self.findings)
        for number in datasets.unique().tolist():
            rows = torch.nonzero(datasets == number)[:, 0]
            out = out.index_copy(0, rows, self.each[number](even[rows]))
        return out
