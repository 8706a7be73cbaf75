"""What of a group stands in codes: bits whose balance differs, and how well a linear probe reads the group.

Both stand beside the 95th percentile of what they give when groups are dealt anew between patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.metrics.classifying import auroc
from engine.metrics.fairness import BAND, Grouped
from engine.metrics.probe_fit import folds
from engine.metrics.resampling import Estimate, Statistic, measured

FOLDS = 5
ERRORS = 3.0  # standard errors, from which a bit's balance counts as different
PENALTY = 256.0  # ridge on bits of ± 1: as much as one patient of whom every bit is known
ROUNDS = 200  # shuffles; each is a probe


@dataclass(frozen=True)
class BitBalance:
    """How many of the bits differ, how many do in shuffled groups (95th percentile), and how many bits there are."""

    differing: int
    band: float
    bits: int


def bit_balance(bits: np.ndarray, groups: Grouped) -> BitBalance | None:
    """Count the bits that one of the large groups sets more or less often than the others.

    bits : (n, b) bool. A bit counts where a group's share is more than ERRORS standard errors from that of the rest;
    None where fewer than two groups are large. Studies of a patient resemble each other, which the band allows for.
    """
    if len(groups.large) < 2:
        return None
    values = bits.astype(np.float64)
    found = _differing(values, groups.member[None], groups.large)
    luck = _differing(values, groups.shuffled[:ROUNDS], groups.large)
    return BitBalance(int(found[0]), float(np.percentile(luck, BAND)), bits.shape[1])


def _differing(bits: np.ndarray, members: np.ndarray, large: tuple[int, ...]) -> np.ndarray:
    """Count per row of members (rounds, n) the bits of which some group differs from the rest: (rounds,)."""
    known = np.isin(members, large).astype(np.float64)
    total, set_of_all = known.sum(1, keepdims=True), known @ bits
    beyond = np.zeros(set_of_all.shape, bool)
    for at in large:
        mine = (members == at).astype(np.float64)
        n, m = mine.sum(1, keepdims=True), total - mine.sum(1, keepdims=True)
        share = (mine @ bits) / n
        other = (set_of_all - mine @ bits) / m
        error = np.sqrt(share * (1 - share) / n + other * (1 - other) / m)
        beyond |= np.abs(share - other) > ERRORS * np.maximum(error, 1e-12)
    return np.asarray(beyond.sum(1))


@dataclass(frozen=True)
class GroupProbe:
    """AUROC of a group against the others, read from codes, with its interval, and the shuffled 95th percentile."""

    name: str
    auroc: Estimate
    band: float


def probes(bits: np.ndarray, groups: Grouped) -> list[GroupProbe]:
    """Read each large group from codes by ridge regression on bits of ± 1, every patient by a fit without them.

    bits : (n, b) bool → a probe per large group, one for both where there are two; none for fewer than two.
    """
    if len(groups.large) < 2:
        return []
    known = np.isin(groups.member, groups.large)
    signs, patients = np.where(bits[known], 1.0, -1.0), groups.patients[known]
    asked = groups.large[:1] if len(groups.large) == 2 else groups.large
    fold = folds(patients, FOLDS)
    out = []
    for at in asked:
        members = np.concatenate([groups.member[None], groups.shuffled[:ROUNDS]])[:, known] == at
        scores = cross_fitted(signs, members.astype(np.float64), fold)
        luck = [float(auroc(s, m)[0]) for s, m in zip(scores[1:], members[1:], strict=True)]
        of_group = _auroc(scores[0], members[0])
        found = measured(of_group, patients)
        out.append(GroupProbe(groups.names[at], found, float(np.nanpercentile(luck, BAND))))
    return out


def _auroc(scores: np.ndarray, truth: np.ndarray) -> Statistic:
    return lambda weights: auroc(scores, truth, weights)


def cross_fitted(features: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Ridge predictions of every entry by the folds without it: (n, f), targets (rounds, n), fold (n,) → (rounds, n).

    The fit is linear in the targets, so that one matrix of each fold serves all rounds.
    """
    out = np.empty(targets.shape)
    for number in np.unique(fold):
        test = fold == number
        mean = features[~test].mean(0)
        train = features[~test] - mean
        gram = train @ train.T + PENALTY * np.eye(len(train))
        operator = np.linalg.solve(gram, train @ (features[test] - mean).T)  # (train, test)
        centre = targets[:, ~test].mean(1, keepdims=True)
        out[:, test] = (targets[:, ~test] - centre) @ operator + centre
    return out
