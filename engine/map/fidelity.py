"""How much of the neighbourhoods by code a map keeps, so that nobody has to take its word for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

K = 10  # neighbours compared
LOOKED_AT = 1000  # points whose neighbourhoods are compared, drawn at random where there are more
SEED = 0


@dataclass(frozen=True)
class Fidelity:
    """What a map keeps.

    share           : of the k nearest by code, how many are among the k nearest on the map, 0..1
    chance          : the same for points strewn at random
    trustworthiness : 1 where nobody is near on the map who is far by code (Venna & Kaski 2001); 0.5 is chance
    k, n            : neighbours compared, points looked at
    """

    share: float
    chance: float
    trustworthiness: float
    k: int
    n: int


def measure_fidelity(codes: np.ndarray, points: np.ndarray, k: int = K, seed: int = SEED) -> Fidelity:
    """Compare neighbourhoods: packed codes (n, bytes) uint8 and points (n, 2), n > 2 k.

    Equal distances by code are common, so a rank counts those that are strictly nearer, and the share takes every
    study that is no further than the k-th.
    """
    n = len(points)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:LOOKED_AT])
    signs = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
    apart = signs.shape[1] - signs[chosen] @ signs.T  # twice the number of bits that differ
    away = ((points[chosen, None] - points[None]) ** 2).sum(-1)
    for distances in (apart, away):
        distances[np.arange(len(chosen)), chosen] = np.inf
    shown = np.argpartition(away, k - 1, axis=1)[:, :k]
    near = np.take_along_axis(apart, shown, axis=1)
    limit = np.partition(apart, k - 1, axis=1)[:, k - 1 : k]
    ranks = np.stack([(apart < near[:, j : j + 1]).sum(1) + 1 for j in range(k)], axis=1)
    excess = np.maximum(ranks - k, 0).sum(1).mean()
    within = (apart <= limit).sum(1).mean()
    return Fidelity(
        share=float((near <= limit).mean()),
        chance=float(within / (n - 1)),
        trustworthiness=float(1 - 2 * excess / (k * (2 * n - 3 * k - 1))),
        k=k,
        n=len(chosen),
    )
