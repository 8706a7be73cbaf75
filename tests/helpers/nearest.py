"""The nearest codes under a bool mask, at most one per group: both steps of the search in one call."""

from __future__ import annotations

import numpy as np

from engine.index.hamming import NearestPositions, nearest, one_per_group, to_bits


def top_k(
    codes: np.ndarray,
    query: np.ndarray,
    mask: np.ndarray | None,
    k: int,
    bits: int,
    groups: np.ndarray | None = None,
    radius: int | None = None,
) -> NearestPositions:
    """Return the k nearest permitted codes, of a bool mask (n,), at most one per group, within the radius if given.

    groups : (n,) int64; at most one code per group is returned, its nearest. None folds nothing.

    Exact; equal distances come in the order of position.
    """
    allowed = None if mask is None else to_bits(mask)
    if groups is None:
        return nearest(codes, query, k, bits, allowed, radius)
    return one_per_group(lambda wanted: nearest(codes, query, wanted, bits, allowed, radius), k, groups)
