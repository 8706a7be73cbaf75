"""Agreement against values computed by hand and by the libraries, with intervals that hold, and honest gaps."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from helpers.ratings import given
from sklearn.metrics import cohen_kappa_score

from engine.learning import agreement
from engine.learning.agreement import alpha, alphas, kappa, kappas_of, table_of


def drawn(raters: int, pairs: int, noise: float, seed: int, missing: float = 0.3) -> np.ndarray:
    """Ranks of raters who follow one truth, a share of marks drawn at random, a share missing."""
    rng = np.random.default_rng(seed)
    table = np.tile(rng.integers(0, 3, pairs), (raters, 1))
    random = rng.random(table.shape) < noise
    table[random] = rng.integers(0, 3, random.sum())
    table[rng.random(table.shape) < missing] = -1
    return table


def test_alpha_is_what_the_hand_computes():
    # Two raters, four pairs: (r, r), (r, p), (p, i), (i, i). Marks: relevant 3, partly 2, irrelevant 3; n = 8.
    # Squared ordinal distances: i-p (3 + 2 - 5/2)^2 = 6.25, p-r 6.25, i-r (3 + 2 + 3 - 3)^2 = 25.
    # Observed: both orders of (r, p) and (p, i): 4 * 6.25 = 25.
    # Expected: 2 * (3 * 2 * 6.25 + 2 * 3 * 6.25 + 3 * 3 * 25) = 600. alpha = 1 - 7 * 25 / 600.
    table, _, _ = table_of([*given("ann", "rrpi"), *given("bob", "rpii")])
    assert alpha(table).value == pytest.approx(1 - 7 * 25 / 600)


def test_kappa_is_what_the_hand_computes():
    # Ranks 2 2 1 0 and 2 1 0 0: mean distance 2 / 4. By chance: shares (1/4 1/4 2/4) and (2/4 1/4 1/4):
    # |i - j| weighed: i-p 1/16 + 2/16, p-r 1/16 + 2/16, i-r 2 * (1/16 + 4/16) = 16/16.
    table, _, _ = table_of([*given("ann", "rrpi"), *given("bob", "rpii")])
    assert kappa(*table).value == pytest.approx(1 - 0.5 / 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_what_the_intervals_are_drawn_from_is_what_the_libraries_compute(seed):
    table = drawn(4, 40, 0.4, seed)
    counts = agreement._counts(table)
    counts = counts[counts.sum(axis=1) > 1]
    library = krippendorff.alpha(np.where(table < 0, np.nan, table), level_of_measurement="ordinal")
    ours = alphas(agreement._coincidences(counts).sum(axis=0)[None])[0]
    assert ours == pytest.approx(library) == alpha(table).value
    both = (table[0] >= 0) & (table[1] >= 0)
    confusion = np.zeros((1, 3, 3))
    np.add.at(confusion[0], (table[0, both], table[1, both]), 1)
    library = cohen_kappa_score(table[0, both], table[1, both], labels=[0, 1, 2], weights="linear")
    assert kappas_of(confusion)[0] == pytest.approx(library) == kappa(table[0], table[1]).value


def test_intervals_hold_the_value_of_many_raters_and_shrink_with_more_pairs():
    truth = alpha(drawn(3, 20000, 0.4, 99, missing=0)).value
    inside = 0
    for seed in range(60):
        found = alpha(drawn(3, 60, 0.4, seed, missing=0))
        inside += found.low <= truth <= found.high
    assert 50 <= inside <= 60  # 95 %, give or take
    small, large = (alpha(drawn(3, n, 0.4, 1)) for n in (40, 640))
    assert large.high - large.low < (small.high - small.low) / 2
    assert alpha(drawn(3, 40, 0.4, 1)) == small  # seeded


def test_what_is_undefined_is_none_with_its_reason():
    one, _, _ = table_of(given("ann", "rpi"))
    apart, _, _ = table_of([*given("ann", "rp--"), *given("bob", "--ri")])
    equal, _, _ = table_of([*given("ann", "rrr"), *given("bob", "rr-")])
    for table, reason, n in ((one, "one_rater", 0), (apart, "no_overlap", 0), (equal, "all_equal", 2)):
        found = alpha(table)
        assert (found.value, found.low, found.reason, found.n) == (None, None, reason, n)
    assert kappa(*apart).reason == "no_overlap" and kappa(*equal).reason == "all_equal"
    single = kappa(*table_of([*given("ann", "r"), *given("bob", "i")])[0])
    assert (single.value, single.low, single.high, single.n) == (0.0, None, None, 1)
    nobody, _, _ = table_of([])
    assert alpha(nobody).reason == "one_rater" and agreement.agreement([]).pairs == ()


def test_raters_and_pairs_are_counted_where_two_meet():
    ratings = [*given("ann", "rpi-"), *given("bob", "rpr-"), *given("cy", "---r"), *given("ann", "i--r", source="B")]
    found = agreement.agreement([*ratings, *given("dan", "ssss")])
    assert (found.alpha.n, found.alpha.raters) == (4, 4)
    named = {(one.first, one.second): one.coefficient for one in found.kappas}
    assert set(named) == {
        ("ann", "ann (B)"),
        ("ann", "bob"),
        ("ann", "cy"),
        ("ann (B)", "bob"),
        ("ann (B)", "cy"),
        ("bob", "cy"),
    }
    assert named["ann", "bob"].n == 3 and named["ann", "cy"].reason == "no_overlap"


def test_the_most_disputed_pair_comes_first():
    found = agreement.agreement([*given("ann", "rrri"), *given("bob", "rpii"), *given("cy", "--pi")]).pairs
    assert [(one.study_id, round(one.apart, 3)) for one in found] == [
        ("s2", 0.667),
        ("s1", 0.5),
        ("s0", 0.0),
        ("s3", 0.0),
    ]
    assert found[0].ratings == (("ann", "relevant"), ("bob", "irrelevant"), ("cy", "partly"))
