"""R@k, RSUM and pair search against small matrices worked out by hand."""

import numpy as np
import pytest

from engine.evaluate.pairs import WindowPairs, by_rate, by_space, one_per_patient, one_per_segment, row_of
from engine.metrics.recall import KS, chance_recall, expected_recall, recall_in, rsum

# three queries whose right item is on the diagonal: first, second, third
SCORES = np.array([[0.9, 0.1, 0.2], [0.8, 0.5, 0.1], [0.7, 0.6, 0.3]])
SAME = np.eye(3, dtype=bool)


def test_recall_and_rsum_of_a_matrix():
    found = {k: expected_recall(SCORES, SAME, k) for k in (1, 2, 3)}
    assert found[1].tolist() == [1, 0, 0] and found[2].tolist() == [1, 1, 0] and found[3].tolist() == [1, 1, 1]
    # R@5 and R@10 of three items are 1, so RSUM is R@1 + 2
    assert rsum({k: expected_recall(SCORES, SAME, k) for k in KS}).tolist() == [3, 2, 2]


def test_ties_count_in_part():
    tied = np.array([[0.5, 0.5, 0.5, 0.9]])
    right = np.array([[True, False, False, False]])
    assert expected_recall(tied, right, 1)[0] == pytest.approx(0)
    assert expected_recall(tied, right, 2)[0] == pytest.approx(1 / 3)
    assert expected_recall(tied, right, 4)[0] == pytest.approx(1)


def test_identical_texts_are_all_right():
    right = np.array([[True, False, True, False]])
    assert expected_recall(np.array([[0.1, 0.8, 0.9, 0.2]]), right, 1)[0] == 1
    # two right of four at random: 1/2 for one place, 1 − C(2,2)/C(4,2) for two
    assert chance_recall(right, 1)[0] == pytest.approx(1 / 2)
    assert chance_recall(right, 2)[0] == pytest.approx(1 - 1 / 6)
    assert np.isnan(chance_recall(np.zeros((1, 4), bool), 1)[0])


def test_recall_in_subsets_averages_over_those_that_hold_the_query():
    found = recall_in(SCORES, SAME, [np.array([0, 1]), np.array([1, 2])], 1)
    # query 1 loses to item 0 and loses to none of {1, 2}; query 2 loses to item 1
    assert found.tolist() == [1, 0.5, 0]
    assert np.isnan(recall_in(SCORES, SAME, [np.array([0])], 1)[2])


def _moments(seed: int = 0, n: int = 24) -> WindowPairs:
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 8))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    rate = rng.uniform(60, 90, n)
    patients, segments = np.repeat(["a", "b", "c", "d"], n // 4), np.repeat([f"s{i}" for i in range(n // 3)], 3)
    return WindowPairs(z, z, patients, segments, rate, rate + rng.normal(0, 3, n))


def test_a_perfect_space_finds_every_moment_and_rates_find_some():
    folds = [_moments(0), _moments(1)]
    ours = row_of(folds, "PPG→ECG", "ours", "all windows", by_space)
    rates = row_of(folds, "PPG→ECG", "rates", "all windows", by_rate)
    assert ours.figures["R@1"].value == 1 and ours.figures["R@1"].n == 48 and ours.patients == 4
    assert ours.chance == pytest.approx({"R@1": 1 / 24, "R@5": 5 / 24, "R@10": 10 / 24})
    assert ours.chance["R@1"] < rates.figures["R@1"].value < 1


def test_unknown_rates_are_chance():
    fold = _moments()
    blind = WindowPairs(fold.ppg, fold.ecg, fold.patients, fold.segments, np.full(24, np.nan), fold.rate_ecg)
    row = row_of([blind], "PPG→ECG", "rates", "all windows", by_rate)
    assert row.figures["R@5"].value == pytest.approx(row.chance["R@5"])


def test_galleries_hold_one_window_of_each():
    fold = _moments()
    places = one_per_segment(fold)
    assert len(places) == 3 and all(sorted(fold.segments[p]) == sorted(set(fold.segments)) for p in places)
    assert all(sorted(fold.patients[p]) == ["a", "b", "c", "d"] for p in one_per_patient(fold))
    assert row_of([fold], "t", "ours", "one window per patient", by_space).chance["R@1"] == pytest.approx(1 / 4)


def test_bits_are_compared_as_bits():
    fold = _moments()
    bits = WindowPairs(fold.ppg > 0, fold.ecg > 0, fold.patients, fold.segments, fold.rate_ppg, fold.rate_ecg)
    assert by_space(bits)[0, 0] == 1 and (by_space(bits) <= 1).all()
