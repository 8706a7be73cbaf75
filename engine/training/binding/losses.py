"""The losses that bind modalities: MEDBind (eq. 1 and 2) as printed, and the hashing paper's cycle consistency (§3).

Embeddings are L2-normalised (n, d); every loss is the printed sum, so a trainer divides by its batch size.
"""

from __future__ import annotations

import torch

TEMPERATURE = 0.07


def identical(texts: list[str]) -> torch.Tensor:
    """Return which texts are the same: (n, n) bool, the positives P(i) of eq. 1."""
    numbers = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    ids = torch.tensor([numbers[text] for text in texts])
    return ids[:, None] == ids[None]


def _one_way(a: torch.Tensor, b: torch.Tensor, positive: torch.Tensor, tau: float) -> torch.Tensor:
    """− Σ_i 1/|P(i)| Σ_{p∈P(i)} log softmax(a_i · b / τ)_p; rows without a positive add nothing."""
    log_share = torch.log_softmax(a @ b.T / tau, dim=1)  # (n, n)
    count = positive.sum(1)
    mean = (log_share * positive).sum(1) / count.clamp(min=1)
    return -mean[count > 0].sum()


def tmcl(text: torch.Tensor, z: torch.Tensor, positive: torch.Tensor, tau: float = TEMPERATURE) -> torch.Tensor:
    """Text-modality contrastive loss, symmetric (eq. 1). `positive[i, p]`: text i is (also) the text of study p."""
    return _one_way(text, z, positive, tau) + _one_way(z, text, positive.T, tau)


def emcl(a: torch.Tensor, b: torch.Tensor, n: int, tau: float = TEMPERATURE) -> torch.Tensor:
    """Edge-modality contrastive loss, symmetric (eq. 2): m = len(a) pairs out of a batch of n."""
    m = len(a)
    if m == 0:
        return a.sum()
    scores = a @ b.T / tau  # (m, m)
    ratio = torch.log(torch.tensor(n / m, device=a.device))
    forward = scores.diagonal() - (ratio + torch.logsumexp(scores, 1))
    backward = scores.diagonal() - (ratio + torch.logsumexp(scores, 0))
    return -(forward.sum() + backward.sum())


def cycle(a: torch.Tensor, b: torch.Tensor, tau: float = TEMPERATURE) -> torch.Tensor:
    """Cycle consistency: walking from a_u to its softly nearest b and back should end at a_u; − Σ_u log P(u → u)."""
    there = torch.softmax(a @ b.T / tau, 1)
    back = torch.softmax(b @ a.T / tau, 1)
    return -torch.log((there @ back).diagonal().clamp(min=1e-8)).sum()
