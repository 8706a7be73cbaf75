"""How far a rater's marks can be trusted, so that a round can weigh them.

A rater's share of right marks is estimated from two sources. Where both studies of a pair have labels, a mark is right
where it says what the labels say: a finding in common, or none. Elsewhere it is compared with what the others who rated
the pair make likely, each weighed by their own reliability: the one-coin model of Dawid & Skene (1979) with a few
fixed-point steps, the rater's own mark left out, and their chance of being wrong taken out of the comparison. The share
is a Beta posterior, and the weight is what it is above guessing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.learning import decisions
from engine.store.rated_studies import labels_of
from engine.store.records import MARKS, Rating

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace

Pair = tuple[str, str]  # query id, study id
VALUE: dict[str, float] = dict(zip(MARKS, (1.0, 0.5, 0.0), strict=True))
PARTLY = 0.5  # what "partly" counts: it leans to neither side, so it says half as much about who gave it
# Ten pairs' worth of belief that eight in ten marks are right, a choice and not a measurement: a newcomer counts
# (weight 0.6) but less than one who has shown to be right, and a hundred pairs outweigh the belief either way.
PRIOR_RIGHT, PRIOR_WRONG = 8.0, 2.0
STEPS = 20
SURE = 0.98  # nobody is taken for surer than this where others are judged by them


@dataclass(frozen=True)
class Reliability:
    """How far one rater's marks can be trusted.

    weight : 0..1, 0 is guessing or worse. share : of right marks, with its 95 % interval. n : marks compared
    """

    weight: float
    share: float
    low: float
    high: float
    n: int


def reliability(ratings: Sequence[Rating], expected: Mapping[Pair, bool]) -> dict[str, Reliability]:
    """Return the reliability of every rater of these judgements, by name.

    expected : pair → whether the labels of both share a finding, where both have labels
    One with nothing to compare keeps the prior.
    """
    judged = [one for one in ratings if one.mark in VALUE]
    by_pair: dict[Pair, list[Rating]] = defaultdict(list)
    for one in judged:
        by_pair[one.pair].append(one)
    raters = sorted({one.rater for one in judged})
    shares = dict.fromkeys(raters, PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG))
    for _ in range(STEPS):
        evidence = _evidence(judged, by_pair, expected, shares)
        shares = {who: _posterior(*evidence[who])[0] for who in raters}
    return {who: _made(*evidence[who]) for who in raters}


def of_workspace(workspace: Workspace, actor: Actor) -> dict[str, Reliability]:
    """Return the reliability of everyone whose judgements count in a workspace, by `Rating.rater`."""
    ratings = workspace.all_ratings()
    return reliability(ratings, expected(workspace, actor, ratings))


def expected(workspace: Workspace, actor: Actor, ratings: Sequence[Rating]) -> dict[Pair, bool]:
    """Return pair → whether the two share a finding, of the rated pairs whose query and study both have labels.

    That two normal studies share nothing says nothing of who found them alike.

    Labels count as they do in a round: those of studies that the actor, acting for training, may see. What a third
    person decided outranks them.
    """
    from engine.findings import abnormal

    ids = {one for rating in ratings for one in rating.pair}
    known = labels_of(workspace.database, actor.acting_for("training"), ids)
    has = {study_id: abnormal(labels) for study_id, labels in known.items()}
    pairs = {rating.pair for rating in ratings}
    labelled = {(q, s): bool(has[q] & has[s]) for q, s in pairs if q in has and s in has and has[q] | has[s]}
    return labelled | decisions.expected(workspace)


def _evidence(
    judged: Sequence[Rating],
    by_pair: Mapping[Pair, Sequence[Rating]],
    expected: Mapping[Pair, bool],
    shares: Mapping[str, float],
) -> dict[str, tuple[float, float, int]]:
    """Return rater → (right, all, number of marks compared), both in marks' worth."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in judged:
        if one.pair in expected:
            likely = float(expected[one.pair])
        else:
            likely = _likely([other for other in by_pair[one.pair] if other.rater != one.rater], shares)
        sure = 2 * likely - 1  # -1..1
        if abs(sure) < 1e-6:
            continue
        counts = PARTLY if VALUE[one.mark] == 0.5 else 1.0
        agrees = VALUE[one.mark] if sure > 0 else 1 - VALUE[one.mark]
        # E[agrees] = p q + (1 - p)(1 - q), q how likely the comparison is right: solved for p, weighed by its variance
        q = (1 + abs(sure)) / 2
        found[one.rater].append((counts * abs(sure) * (agrees - (1 - q)), counts * sure * sure))
    raters = {one.rater for one in judged}
    return {who: (*(float(v) for v in np.sum(found[who] or [(0, 0)], axis=0)), len(found[who])) for who in raters}  # type: ignore[misc]


def _likely(others: Sequence[Rating], shares: Mapping[str, float]) -> float:
    """Return how likely a pair is relevant by others' marks and reliabilities, one half where they say nothing."""
    odds = 0.0
    for one in others:
        p = float(np.clip(shares[one.rater], 1 - SURE, SURE))
        odds += (2 * VALUE[one.mark] - 1) * float(np.log(p / (1 - p)))
    return float(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


def _posterior(right: float, total: float, n: int) -> tuple[float, float, float]:
    """Return mean, and both parameters, of the Beta posterior."""
    right = min(max(right, 0.0), total)
    a, b = PRIOR_RIGHT + right, PRIOR_WRONG + total - right
    return a / (a + b), a, b


def _made(right: float, total: float, n: int) -> Reliability:
    from scipy.stats import beta

    share, a, b = _posterior(right, total, n)
    low, high = (float(beta.ppf(at, a, b)) for at in (0.025, 0.975))
    return Reliability(float(np.clip(2 * share - 1, 0, 1)), share, low, high, n)
