"""How unlike a reference a few patients are: an effect and a p-value of each signal. Arrays → numbers.

Every row is another patient, so that nothing here counts a patient twice. Tests on samples compare with relabelled
samples (permutations), which is exact for any distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

PERMUTATIONS = 1999  # the smallest p is 1 in 2,000
BAND = (0.025, 0.975)  # of what a window of the reference would give
BITS = 256


@dataclass(frozen=True)
class Compared:
    """One comparison.

    value     : what is drawn; low, high : between which 95 of 100 windows of the reference lie
    effect    : how large the difference is, 0 for none; p : how often chance alone gives as large a one
    """

    value: float
    low: float
    high: float
    effect: float
    p: float


def share_above(hits: int, n: int, usual: float) -> Compared:
    """Compare a share of n with a usual one: exact binomial, one-sided. Clopper and Pearson 1934."""
    low, high = stats.binom.ppf(BAND, n, usual) / n
    p = float(stats.binom.sf(hits - 1, n, usual))
    return Compared(hits / n, float(low), float(high), hits / n - usual, p)


def shifted(seen: np.ndarray, usual: np.ndarray, *, up: bool) -> Compared:
    """Compare values (n,) with usual ones (m,): one-sided Kolmogorov–Smirnov, exact. The value is the median.

    up : whether larger values are what is looked for; else smaller ones
    """
    side = "less" if up else "greater"  # of the cumulative distribution, which is lower where values are larger
    found = stats.ks_2samp(seen, usual, alternative=side, method="exact")
    low, high = _band(lambda rows: np.median(usual[rows], axis=1), len(usual), len(seen))
    return Compared(float(np.median(seen)), low, high, float(found.statistic), float(found.pvalue))


def mmd(seen: np.ndarray, usual: np.ndarray, seed: int = 0) -> Compared:
    """Compare rows (n, d) with usual ones (m, d): MMD² (Gretton et al. 2012) with a Gaussian kernel of median width.

    The p-value is by permutation of the rows; the effect is the unbiased MMD², which is 0 on average for no difference.
    """
    both = np.vstack([seen, usual]).astype(np.float64)
    squares = (both**2).sum(1)
    far = np.maximum(squares[:, None] + squares[None] - 2 * both @ both.T, 0.0)
    width = np.median(far[np.triu_indices(len(both), 1)])
    kernel = np.exp(-far / max(width, 1e-12))
    np.fill_diagonal(kernel, 0.0)
    labels = _labels(len(seen), len(usual), seed)
    values = _mmd_of(kernel, labels, len(seen))
    low, high = np.quantile(values[1:], BAND)
    return Compared(float(values[0]), float(low), float(high), float(values[0]), _rank(values))


def balance(seen: np.ndarray, usual: np.ndarray, seed: int = 0) -> Compared:
    """Compare the balance of 256 bits, (n, 256) and (m, 256) bool: the largest difference of a bit's share of ones.

    One permutation relabels all bits at once, so that the p-value of the largest is corrected for 256 dependent tests
    (Westfall and Young 1993).
    """
    both = np.vstack([seen, usual]).astype(np.float64)
    labels = _labels(len(seen), len(usual), seed)
    ones = labels @ both
    gaps = np.abs(ones / len(seen) - (both.sum(0) - ones) / len(usual)).max(1)
    low, high = np.quantile(gaps[1:], BAND)
    return Compared(float(gaps[0]), float(low), float(high), float(gaps[0]), _rank(gaps))


def mix(seen: np.ndarray, usual: np.ndarray, seed: int = 0) -> Compared:
    """Compare how often groups occur, (n,) and (m,) int: total variation, by permutation of the patients."""
    groups, both = np.unique(np.concatenate([seen, usual]), return_inverse=True)
    one_hot = np.eye(len(groups))[both]
    labels = _labels(len(seen), len(usual), seed)
    ones = labels @ one_hot
    apart = 0.5 * np.abs(ones / len(seen) - (one_hot.sum(0) - ones) / len(usual)).sum(1)
    low, high = np.quantile(apart[1:], BAND)
    return Compared(float(apart[0]), float(low), float(high), float(apart[0]), _rank(apart))


def stated(shares: np.ndarray, relevant: np.ndarray, seed: int = 0) -> Compared:
    """Compare what was stated of pairs, shares (n,), with whether raters found them relevant, (n,) bool; two-sided.

    The value is the observed share minus the stated one; the p-value draws marks from what was stated.
    """
    drawn = np.random.default_rng(seed).random((PERMUTATIONS, len(shares))) < shares
    gaps = np.concatenate([[relevant.mean()], drawn.mean(1)]) - shares.mean()
    low, high = np.quantile(gaps[1:], BAND)
    return Compared(float(gaps[0]), float(low), float(high), float(abs(gaps[0])), _rank(np.abs(gaps)))


def nearest(queries: np.ndarray, collection: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Return the Hamming distance of codes (n, 4) uint64 to the nearest of a collection, (m, 4): (n,) int64.

    own : (n, m) bool, True where a study is the query's own patient's and does not count
    """
    found = np.full(len(queries), BITS, np.int64)
    for at, code in enumerate(queries):
        far = np.bitwise_count(collection ^ code).sum(1, dtype=np.int64)
        if own is not None:
            far = far[~own[at]]
        if far.size:
            found[at] = far.min()
    return found


def _labels(n: int, m: int, seed: int) -> np.ndarray:
    """Return who is in the window, first as it is, then relabelled: (PERMUTATIONS + 1, n + m) of 0 and 1."""
    order = np.random.default_rng(seed).random((PERMUTATIONS, n + m)).argpartition(n - 1, axis=1)[:, :n]
    labels = np.zeros((PERMUTATIONS + 1, n + m))
    labels[0, :n] = 1.0
    np.put_along_axis(labels[1:], order, 1.0, axis=1)
    return labels


def _mmd_of(kernel: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    m = labels.shape[1] - n
    within = ((labels @ kernel) * labels).sum(1)
    towards = labels @ kernel.sum(1)
    between = towards - within
    others = kernel.sum() - 2 * towards + within
    return within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * between / (n * m)


def _rank(values: np.ndarray) -> float:
    """Return the share of values that are at least the first, itself counted."""
    return float((values >= values[0] - 1e-12).mean())


def _band(statistic, usual: int, n: int, draws: int = 400) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    rows = np.random.default_rng(0).integers(0, usual, (draws, n))
    low, high = np.quantile(statistic(rows), BAND)
    return float(low), float(high)
