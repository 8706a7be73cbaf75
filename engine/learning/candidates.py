"""Pairs that could be rated next: queries and the studies near them, as arrays that every query strategy reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.model.packing import BITS

NEAREST = 20  # studies of each modality that a query offers, by code and again by embedding
FAR = 1e9


@dataclass(frozen=True, eq=False)
class CandidateSide:
    """One side of the pairs, n studies or queries.

    ids, modality, group : (n,) str; a group is whatever may be under-represented, such as the cohort
    z         : (n, 256) float32, embeddings as the release maps them, of length 1
    projected : (n, 256) float32, signed distance of each bit from its threshold; the code is its sign
    """

    ids: np.ndarray
    modality: np.ndarray
    group: np.ndarray
    z: np.ndarray
    projected: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Candidates:
    """p pairs of a query and a study near it.

    q, s         : (p,) int, places in `queries` and `items`
    hamming_rank : (p,) int, place of the study among those of its modality by code, from 0
    float_rank   : (p,) int, the same by embedding
    """

    queries: CandidateSide
    items: CandidateSide
    q: np.ndarray
    s: np.ndarray
    hamming_rank: np.ndarray
    float_rank: np.ndarray

    def __len__(self) -> int:
        return len(self.q)

    def take(self, selection: np.ndarray) -> Candidates:
        """Return a part of the pairs, by mask or by places."""
        return Candidates(
            self.queries,
            self.items,
            self.q[selection],
            self.s[selection],
            self.hamming_rank[selection],
            self.float_rank[selection],
        )


def signs(projected: np.ndarray) -> np.ndarray:
    """Projections (n, 256) → bits as −1 or 1, (n, 256) float32."""
    return np.where(projected > 0, 1, -1).astype(np.float32)


def ranks(far: np.ndarray) -> np.ndarray:
    """Distances (q, n) → each study's place in its row's order, from 0; ties by place: (q, n) int."""
    order = np.argsort(far, axis=1, kind="stable")
    out = np.empty_like(order)
    np.put_along_axis(out, order, np.broadcast_to(np.arange(far.shape[1]), far.shape), axis=1)
    return out


def candidates(queries: CandidateSide, items: CandidateSide, allowed: np.ndarray, nearest: int = NEAREST) -> Candidates:
    """Return each query's nearest studies of every modality, by code or by embedding.

    allowed : (queries, items) bool; False for a query's own patient and for what may not be shown
    """
    found = []
    for modality in np.unique(items.modality):
        mine = np.flatnonzero(items.modality == modality)
        apart = ~allowed[:, mine]
        differing = (BITS - signs(queries.projected) @ signs(items.projected[mine]).T) / 2
        by_code = ranks(np.where(apart, FAR, differing))
        by_float = ranks(np.where(apart, FAR, -(queries.z @ items.z[mine].T)))
        q, s = np.nonzero(((by_code < nearest) | (by_float < nearest)) & ~apart)
        found.append((q, mine[s], by_code[q, s], by_float[q, s]))
    if not found:
        nothing = np.empty(0, np.int64)
        return Candidates(queries, items, nothing, nothing, nothing, nothing)
    return Candidates(queries, items, *(np.concatenate(part).astype(np.int64) for part in zip(*found, strict=True)))
