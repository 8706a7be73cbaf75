"""R@k of the right item, with ties and repeated right items counted fairly: array → array.

scores (q, g): higher is nearer. relevant (q, g) bool: the right items; identical texts are all right (MEDBind §2.2).
"""

from __future__ import annotations

import numpy as np

KS = (1, 5, 10)


def expected_recall(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Chance that a right item is among the first k when ties fall at random: (q,); NaN for a query without one.

    Of what ties with the best right item, t wrong and p right, the s places that are left take no right one with
    probability C(t, s) / C(t + p, s).
    """
    from scipy.special import gammaln

    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    places = np.maximum(k - (scores > best).sum(1), 0)
    tied, right = ((scores == best) & ~relevant).sum(1), ((scores == best) & relevant).sum(1)
    none = np.minimum(places, tied)  # beyond the wrong ones a right one is certain
    log_missed = gammaln(tied + 1) - gammaln(tied - none + 1) + gammaln(tied + right - none + 1)
    missed = np.exp(log_missed - gammaln(tied + right + 1))
    found = np.where(places > tied, 1.0, 1 - missed)
    return np.where(relevant.any(1), found, np.nan)


def chance_recall(relevant: np.ndarray, k: int) -> np.ndarray:
    """R@k of a random order, per query (q,)."""
    return expected_recall(np.zeros(relevant.shape), relevant, k)


def recall_in(scores: np.ndarray, relevant: np.ndarray, subsets: list[np.ndarray], k: int) -> np.ndarray:
    """R@k of paired lists within subsets, averaged over the subsets that hold a query: (n, n) → (n,).

    subsets: entry numbers of each gallery, whose members are also its queries; NaN for an entry that is in none.
    """
    total, count = np.zeros(len(scores)), np.zeros(len(scores))
    for chosen in subsets:
        part = np.ix_(chosen, chosen)
        total[chosen] += expected_recall(scores[part], relevant[part], k)
        count[chosen] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def rsum(recalls: dict[int, np.ndarray]) -> np.ndarray:
    """Sum of R@1, R@5 and R@10 per query (q,): at most 3 (MEDBind Table 2 sums R_K per modality)."""
    return np.sum([recalls[k] for k in KS], axis=0)
