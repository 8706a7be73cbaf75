"""95 % bootstrap intervals by patient.

A bootstrap draw is a row of weights: how often each entry's patient was drawn. Statistics take weights (rounds, n) and
return one value per round, so that one call with weights 1 gives the figure and one with draws its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 1000
Statistic = Callable[[np.ndarray], np.ndarray]  # weights (rounds, n) → values (rounds,), NaN where undefined


@dataclass(frozen=True)
class Estimate:
    """One measured value with its n and 95 % bootstrap interval by patient."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the figure rounded for JSON."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4), "n": self.n}


def draws(patients: Sequence[str] | np.ndarray, rounds: int = ROUNDS, seed: int = 0) -> np.ndarray:
    """Resample patients with replacement: (n,) names → (rounds, n) times that each entry's patient was drawn."""
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), rounds)
    return drawn[:, index].astype(np.float64)


def measured(
    statistic: Statistic, patients: Sequence[str] | np.ndarray, drawn: np.ndarray | None = None, seed: int = 0
) -> Estimate:
    """Return a statistic of all entries with its percentile interval over draws of patients (given, or made here)."""
    value = float(statistic(np.ones((1, len(patients))))[0])
    spread = statistic(draws(patients, seed=seed) if drawn is None else drawn)
    spread = spread[np.isfinite(spread)]
    low, high = np.percentile(spread, [2.5, 97.5]) if len(spread) else (np.nan, np.nan)
    return Estimate(value, float(low), float(high), len(patients))


def measured_mean(values: np.ndarray, patients: Sequence[str] | np.ndarray) -> Estimate:
    """Return the mean of values per query (n,) with its interval.

    Patients are drawn one after the other and not by `draws`: so the intervals that shipped releases record come again.
    """
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    drawn = np.random.default_rng(0).integers(0, len(names), (ROUNDS, len(names)))
    times = np.stack([np.bincount(one, minlength=len(names)) for one in drawn])
    return measured(lambda weights: weighted_mean(values, weights), patients, times[:, index].astype(np.float64))


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of values (n,) under weights (rounds, n) → (rounds,)."""
    return (weights @ values) / weights.sum(1)


def grouped_mean(values: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over groups of each group's weighted mean, so that a frequent group counts as much as a rare one.

    values (n, g) one value per entry and group, groups (n, g) bool membership, weights (rounds, n) → (rounds,); a group
    without weight in a round is left out of it.
    """
    inside = groups.astype(np.float64)
    total = weights @ inside
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ (np.where(groups, values, 0.0))) / total
    counted = total > 0
    return np.where(counted, np.nan_to_num(means), 0).sum(1) / np.where(counted.any(1), counted.sum(1), np.nan)


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927); 0 to 1 where n is 0."""
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    low, high = binomtest(right, n).proportion_ci(method="wilson")
    return float(low), float(high)
