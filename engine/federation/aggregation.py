"""How the updates of sites are put together: arrays (sites, d) → one update (d,), and who was left out.

averaged      weighted mean (McMahan et al. 2017, algorithm 1)
trimmed_mean  the largest and the smallest value of every number left out (Yin et al. 2018, definition 2)
multi_krum    the mean of the sites that lie nearest to the others (Blanchard et al. 2017, section 4)
noised        a clipped mean with Gaussian noise, for differential privacy of whole sites (McMahan et al. 2018)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from engine.errors import UsageError

Rule = Literal["mean", "trimmed", "krum"]
RULES: tuple[Rule, ...] = get_args(Rule)
FEWEST_ROBUST = 4  # sites; of three, two honest ones cannot be told from one that is not


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One update (d,) float64; left_out : places of sites that no number of it comes from; norms : (sites,)."""

    update: np.ndarray
    left_out: tuple[int, ...]
    norms: np.ndarray


def aggregate(
    updates: np.ndarray, weights: np.ndarray, rule: Rule, *, hostile: int = 1, clip: float = 0.0
) -> Aggregate:
    """Put updates (sites, d) together by a rule.

    weights : (sites,) of a mean, such as numbers of ratings and pairs; robust rules count sites alike, since a site
              says itself how many it has
    hostile : how many sites may be hostile; clip : the longest an update may be, 0 for as it comes
    Raises UsageError where a robust rule has too few sites.
    """
    norms = np.linalg.norm(updates, axis=1)
    if clip > 0:
        updates = clipped(updates, clip)
    if rule == "mean":
        return Aggregate(averaged(updates, weights), (), norms)
    if len(updates) < max(FEWEST_ROBUST, 2 * hostile + 2):
        raise UsageError(
            f"{len(updates)} sites answered, and hostile ones are told from others among {FEWEST_ROBUST} and more: "
            "wait for further sites, or take the mean."
        )
    if rule == "trimmed":
        return Aggregate(trimmed_mean(updates, hostile), (), norms)
    kept = multi_krum(updates, hostile)
    left_out = tuple(int(i) for i in np.setdiff1d(np.arange(len(updates)), kept))
    return Aggregate(updates[kept].mean(0), left_out, norms)


def averaged(updates: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean: (sites, d), (sites,) → (d,)."""
    shares = np.asarray(weights, np.float64)
    found: np.ndarray = (shares / shares.sum()) @ updates
    return found


def trimmed_mean(updates: np.ndarray, hostile: int) -> np.ndarray:
    """Return the mean of every number without its `hostile` largest and smallest values: (sites, d) → (d,)."""
    ordered = np.sort(updates, axis=0)
    found: np.ndarray = ordered[hostile : len(updates) - hostile].mean(0)
    return found


def multi_krum(updates: np.ndarray, hostile: int) -> np.ndarray:
    """Return the places of the sites that are kept, in order: (sites, d) → (sites − hostile,).

    A site's score is the sum of its squared distances to its sites − hostile − 2 nearest ones (at least one); those
    with the lowest scores are kept, two at least.
    """
    n = len(updates)
    squares = ((updates[:, None] - updates[None]) ** 2).sum(2) if n * updates.size < 1e7 else _squares(updates)
    np.fill_diagonal(squares, np.inf)
    near = max(1, n - hostile - 2)
    scores = np.sort(squares, axis=1)[:, :near].sum(1)
    return np.sort(np.argsort(scores, kind="stable")[: max(2, n - hostile)])


def clipped(updates: np.ndarray, longest: float) -> np.ndarray:
    """Shorten updates (sites, d) that are longer than `longest`."""
    norms = np.linalg.norm(updates, axis=1, keepdims=True)
    return updates * np.minimum(1.0, longest / np.maximum(norms, 1e-12))


def noised(updates: np.ndarray, longest: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mean of clipped updates with Gaussian noise of `noise` × longest ÷ sites on every number: → (d,).

    Sites count alike, so that one more or less of them moves the sum by `longest` at most.
    """
    mean: np.ndarray = clipped(updates, longest).mean(0)
    return mean + rng.normal(0.0, noise * longest / len(updates), updates.shape[1])


def _squares(updates: np.ndarray) -> np.ndarray:
    """Squared distances between rows by their products: (n, d) → (n, n)."""
    own = (updates**2).sum(1)
    return np.maximum(own[:, None] + own[None] - 2 * updates @ updates.T, 0)
