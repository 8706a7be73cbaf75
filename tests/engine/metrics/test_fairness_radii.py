"""Radii per group on simulated groups with a known gap: the gap goes inside its band, and little is lost."""

from __future__ import annotations

import numpy as np

from engine.metrics.fairness import Grouped
from engine.metrics.fairness_radii import LOSS, Pairs, RadiiTrial, chosen, tried

N, ANSWERS, COMMON = 240, 400, 80


def simulated(shift: float, seed: int = 0) -> tuple[Pairs, Grouped]:
    """Return pairs whose distances are further by `shift` bits for who asks from group B, and the two groups."""
    rng = np.random.default_rng(seed)
    member = np.arange(N) % 2
    relevant = rng.random((N, ANSWERS)) < 0.3
    middle = np.where(relevant, 80.0, 100.0) + shift * member[:, None] + rng.normal(0, 3, (N, 1))
    distance = np.rint(rng.normal(middle, 8)).astype(int)
    groups = Grouped(("A", "B"), member, np.array([f"p{i:03d}" for i in range(N)]))
    return Pairs(distance, relevant, np.ones((N, ANSWERS), bool)), groups


def trial(shift: float, seed: int = 0) -> RadiiTrial:
    found = tried(*simulated(shift, seed), COMMON)
    assert found is not None
    return found


def test_a_known_gap_goes_inside_its_band_at_little_loss() -> None:
    found = trial(4)
    assert found.before.beyond and found.found_before.value > 0.1
    assert not found.after.beyond and not found.found_after.beyond
    assert min(found.kept_found.value, found.kept_precision.value) >= 1 - LOSS
    assert found.offered and 3 <= found.radii["B"] - found.radii["A"] <= 5


def test_nothing_is_offered_where_the_gap_is_chance() -> None:
    assert not trial(0).offered


def test_no_patient_judges_radii_that_they_chose() -> None:
    """What one half of the patients would choose does not change with what the others' pairs are."""
    pairs, groups = simulated(4)
    first = np.arange(N) < N // 2
    blind = Pairs(np.where(first[:, None], pairs.distance, 0), pairs.relevant, pairs.allowed)
    assert chosen(pairs, groups, COMMON, first) == chosen(blind, groups, COMMON, first)


def test_one_large_group_has_nobody_to_differ_from() -> None:
    pairs, groups = simulated(4)
    alone = Grouped(("A", "B"), np.where(groups.member == 1, -1, 0), groups.patients)
    assert tried(pairs, alone, COMMON) is None
