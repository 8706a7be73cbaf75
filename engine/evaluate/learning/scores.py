"""Precision of queries that nobody rated, by pair of modalities, pooled over partitions with an interval by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from engine.evaluate.learning.collection import ReplayCollection
from engine.findings import sharing
from engine.learning.candidates import signs
from engine.metrics.ranking import average_precision_at, precision_at, ranked_relevance
from engine.metrics.resampling import Estimate
from engine.modalities import MODALITIES
from engine.model.packing import BITS

K = 10


@dataclass(frozen=True, eq=False)
class Scores:
    """One value per query and target modality: kind "cxr>ecg" (m,), patient (m,), P@10 and AP@10 (m,)."""

    kind: np.ndarray
    patient: np.ndarray
    precision: np.ndarray
    average: np.ndarray


def scores(c: ReplayCollection, bits: np.ndarray, queries: np.ndarray, gallery: np.ndarray) -> Scores:
    """Search with the codes of projections (n, 256): queries of `asked`, studies of `gallery`, both (n,) bool.

    A query counts where the gallery holds a relevant study of another patient.
    """
    codes, parts = signs(bits), []
    for a, b in product(MODALITIES, repeat=2):
        q, s = np.flatnonzero(queries & (c.modality == a)), np.flatnonzero(gallery & (c.modality == b))
        relevant = sharing(c.has_finding[q], c.has_finding[s])
        allowed = c.patients[q][:, None] != c.patients[s][None]
        kept = (relevant & allowed).any(1)
        if not kept.any():
            continue
        near = (codes[q[kept]] @ codes[s].T) / BITS
        found = ranked_relevance(near, relevant[kept], allowed[kept], K)
        kind = np.full(kept.sum(), f"{a}>{b}")
        parts.append((kind, c.patients[q[kept]], precision_at(found, K), average_precision_at(found, K)))
    return Scores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class Sums:
    """Per patient and pair of modalities: sums of values and counts, (patients, kinds) each; (kinds,) names."""

    kinds: list[str]
    values: np.ndarray
    counts: np.ndarray


def sums(partitions: Sequence[Scores], metric: str) -> Sums:
    """Add up the values of several partitions; of : "precision" or "average"."""
    kind, patient, values = (
        np.concatenate([getattr(one, name) for one in partitions]) for name in ("kind", "patient", metric)
    )
    kinds, k = np.unique(kind, return_inverse=True)
    names, p = np.unique(patient, return_inverse=True)
    total, count = np.zeros((len(names), len(kinds))), np.zeros((len(names), len(kinds)))
    np.add.at(total, (p, k), values)
    np.add.at(count, (p, k), 1)
    return Sums(kinds.tolist(), total, count)


def draws(n: int, rounds: int = 1000, seed: int = 0) -> np.ndarray:
    """Return how often each of n patients is drawn, first once each: (1 + rounds, n)."""
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), rounds)
    return np.concatenate([np.ones((1, n)), drawn])


def by_kind(totals: Sums, drawn: np.ndarray) -> np.ndarray:
    """Mean of each pair of modalities per draw: (draws, kinds); NaN where a draw holds no query of it."""
    with np.errstate(invalid="ignore"):
        return (drawn @ totals.values) / (drawn @ totals.counts)


def estimate(per_draw: np.ndarray, n: int) -> Estimate:
    """Return the first value with the 95 % interval of the others."""
    low, high = np.nanpercentile(per_draw[1:], [2.5, 97.5])
    return Estimate(float(per_draw[0]), float(low), float(high), n)


def mean_estimate(partitions: Sequence[Scores], metric: str = "precision") -> Estimate:
    """Return the mean over pairs of modalities, each counting alike."""
    one = sums(partitions, metric)
    return estimate(np.nanmean(by_kind(one, draws(len(one.values))), axis=1), len(one.values))


def gain(
    before: Sequence[Scores], after: Sequence[Scores], metric: str = "precision"
) -> tuple[Estimate, dict[str, Estimate]]:
    """Return the relative gain of the mean and of each pair of modalities, the same patients drawn on both sides."""
    old, new = sums(before, metric), sums(after, metric)
    drawn = draws(len(old.values))
    a, b = by_kind(old, drawn), by_kind(new, drawn)
    overall = np.nanmean(b, axis=1) / np.nanmean(a, axis=1) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        each = b / a - 1
    asked = old.counts.sum(0).astype(int)
    kinds = {kind: estimate(each[:, i], int(asked[i])) for i, kind in enumerate(old.kinds)}
    return estimate(overall, len(old.values)), kinds
