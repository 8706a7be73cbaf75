"""Findings of a few made-up studies as the arrays that the product reads."""

from __future__ import annotations

import numpy as np

from engine.findings import vocabulary


def in_vocabulary(has: np.ndarray) -> np.ndarray:
    """Return (n, few) bool as (n, findings): its columns follow "normal", the first of the vocabulary."""
    return np.pad(has, ((0, 0), (1, len(vocabulary()) - 1 - has.shape[1])))
