"""The hash layer's losses: asymmetric margin-scalable similarity, quantisation, bit balance, how bits and rows differ.

Hashing paper §5: the continuous embeddings of one modality supervise the binary codes of the other; the margin scales
with how alike the embeddings are, so that one layer serves narrow and wide radii.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from engine.model.packing import LENGTHS


def straight_through(relaxed: torch.Tensor) -> torch.Tensor:
    """Signs of relaxed bits in the forward pass, identity in the backward pass."""
    return relaxed + (torch.sign(relaxed) - relaxed).detach()


def code_similarity(relaxed: torch.Tensor, codes: torch.Tensor, bits: int) -> torch.Tensor:
    """1 − 2·Hamming/bits between relaxed bits of one side and binary codes of the other: (n, m) in −1 … 1."""
    return relaxed[:, :bits] @ codes[:, :bits].T / bits


def margin_hinge(
    similarity: torch.Tensor, target: torch.Tensor, positive: torch.Tensor, margin: float = 0.4
) -> torch.Tensor:
    """Mean hinge in which related pairs must reach, and unrelated ones stay below, a margin scaled by `target`.

    similarity : (n, m) of codes      target : (n, m) cosine of the supervising embeddings
    positive   : (n, m) bool; related pairs must be above margin·(1 + target)/2, unrelated below margin·target
    """
    reach = F.relu(margin * (1 + target) / 2 - similarity)[positive]
    stay = F.relu(similarity - margin * target.clamp(min=0))[~positive]
    return sum((part.mean() for part in (reach, stay) if part.numel()), similarity.sum() * 0)


def neighbour_order(
    similarity: torch.Tensor, target_similarity: torch.Tensor, temperature: float = 0.1
) -> torch.Tensor:
    """Mean cross-entropy between each row's neighbours by embeddings and by codes, softly ranked: both (n, m).

    The squared error is ruled by the many far pairs; what a search shows are the few near ones.
    """
    aim = torch.softmax(target_similarity / temperature, 1)
    return -(aim * torch.log_softmax(similarity / temperature, 1)).sum(1).mean()


def quantisation(relaxed: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of relaxed bits from ±1."""
    return ((relaxed.abs() - 1) ** 2).mean()


def balance(relaxed: torch.Tensor) -> torch.Tensor:
    """Mean squared average of each bit: 0 when every bit is on for half of the batch."""
    return (relaxed.mean(0) ** 2).mean()


def decorrelation(relaxed: torch.Tensor) -> torch.Tensor:
    """Mean squared off-diagonal correlation between bits."""
    centred = relaxed - relaxed.mean(0)
    scaled = centred / (centred.norm(dim=0) + 1e-6)
    gram = scaled.T @ scaled
    return ((gram - torch.diag(gram.diagonal())) ** 2).sum() / (gram.numel() - len(gram))


def orthogonality(weight: torch.Tensor) -> torch.Tensor:
    """Squared distance of W·Wᵀ from the identity, a row: 0 where every direction weighs the same."""
    return ((weight @ weight.T - torch.eye(len(weight), device=weight.device)) ** 2).sum() / len(weight)


def evened(weight: torch.Tensor) -> torch.Tensor:
    """Take the square root of a layer's singular values: the same directions, weighing less unequally."""
    left, values, right = torch.linalg.svd(weight)
    return (left * values.sqrt()) @ right


def nested(
    a: torch.Tensor,
    b: torch.Tensor,
    target: torch.Tensor,
    positive: torch.Tensor,
    *,
    margin: float = 1.0,
    order: float = 1.0,
    lengths: tuple[int, ...] = LENGTHS,
) -> torch.Tensor:
    """Similarity, margin hinge and neighbour order between relaxed bits a and binary codes of b, mean over lengths."""
    # sin⁻¹ is how often the signs of random projections agree (Goemans & Williamson 1995), hence the 2/π
    wanted = torch.asin(target.clamp(-0.999, 0.999)) * 2 / torch.pi
    codes, total = straight_through(b), a.sum() * 0
    for bits in lengths:
        similarity = code_similarity(a, codes, bits)
        total = total + ((similarity - wanted) ** 2).mean() + order * neighbour_order(similarity, wanted)
        total = total + margin * margin_hinge(similarity, target, positive)
    return total / len(lengths)
