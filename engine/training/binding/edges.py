"""Pairs that bind the edge modalities: studies of one patient and moment, and studies that share a finding.

Real pairs (simultaneous PPG and ECG windows; films and ECGs of MIMIC-PAIR) feed EMCL and cycle consistency. Films and
ECGs of the open recordings never share a patient: there, only a shared finding can say that two belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from engine.training.binding.losses import cycle, emcl, tmcl
from engine.training.binding.modality_sides import BindingSide, Inputs
from engine.training.data.prepared import Prepared
from engine.training.encoders import loop


@dataclass(frozen=True)
class Edge:
    """Entries index[:, 0] of side a belong to entries index[:, 1] of side b: same patient, same time."""

    a: Inputs
    b: Inputs
    index: np.ndarray  # (pairs, 2)


def paired(a: Prepared, b: Prepared, split: str) -> np.ndarray:
    """Return rows of a and b that carry the same `pair`, as (pairs, 2) numbers."""
    beside = {row.pair: i for i, row in enumerate(b.rows) if row.pair}
    return np.array([(i, beside[r.pair]) for i, r in enumerate(a.rows) if r.split == split and r.pair in beside], int)


def row_edges(sides: dict[str, BindingSide], skip: set[frozenset[str]]) -> list[Edge]:
    """Return the edges between rows that carry the same `pair`, of every two modalities that have some."""
    edges = []
    for a, b in combinations(sides, 2):
        index = (
            paired(sides[a].data, sides[b].data, "train") if frozenset((a, b)) not in skip else np.empty((0, 2), int)
        )
        if len(index):
            edges.append(Edge(sides[a], sides[b], index))
    return edges


def edge_loss(
    towers: torch.nn.ModuleDict, edge: Edge, *, pairs: int, n: int, weights: tuple[float, float], rngs: loop.Rngs
) -> torch.Tensor:
    """EMCL of `pairs` random pairs in a batch of n, and cycle consistency, by `weights`; divided by their number."""
    chosen = edge.index[rngs.choice.choice(len(edge.index), min(pairs, len(edge.index)), replace=False)]
    a = edge.a.batch(towers[edge.a.modality], chosen[:, 0], rngs)  # type: ignore[arg-type]
    b = edge.b.batch(towers[edge.b.modality], chosen[:, 1], rngs)  # type: ignore[arg-type]
    return (weights[0] * emcl(a, b, n) + weights[1] * cycle(a, b)) / len(chosen)


def balanced(has_finding: np.ndarray, index: np.ndarray, n: int, choice: np.random.Generator) -> np.ndarray:
    """Draw n of `index` so that every finding that occurs there is as likely as the others: (n,) numbers."""
    has = has_finding[index]
    weight = (has / has.sum(0).clip(min=1)).sum(1)
    return index[choice.choice(len(index), n, p=weight / weight.sum())]


def shared(a: BindingSide, b: BindingSide) -> np.ndarray:
    """Return which findings occur in train rows of both sides: (findings,) bool."""
    return a.has_finding[a.train].any(0) & b.has_finding[b.train].any(0)


def finding_loss(towers: torch.nn.ModuleDict, a: BindingSide, b: BindingSide, n: int, rngs: loop.Rngs) -> torch.Tensor:
    """Contrast by shared finding between n studies of a and of b (eq. 1 with "same finding" for "same text").

    Both batches are balanced over the findings that both modalities know; a patient is never their own positive.
    """
    both = shared(a, b)
    drawn = []
    for side in (a, b):
        index = side.train[side.has_finding[side.train][:, both].any(1)]
        drawn.append(balanced(side.has_finding & both, index, n, rngs.choice))
    i, j = drawn
    positive = (a.has_finding[i] & both).astype(np.float32) @ (b.has_finding[j] & both).T.astype(np.float32) > 0
    positive &= a.patients[i][:, None] != b.patients[j][None]
    za, zb = a.batch(towers[a.modality], i, rngs), b.batch(towers[b.modality], j, rngs)  # type: ignore[arg-type]
    return tmcl(za, zb, torch.from_numpy(positive).to(za.device)) / n
