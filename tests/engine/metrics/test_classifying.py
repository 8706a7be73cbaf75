"""AUROC, balanced accuracy, calibration error and their intervals against values worked out by hand."""

import numpy as np
import pytest

from engine.metrics.classifying import auroc, balanced_accuracy, calibration_error, mean_auroc, reliability
from engine.metrics.resampling import draws, grouped_mean, measured, weighted_mean

SCORES = np.array([0.9, 0.8, 0.8, 0.1])
LABELS = np.array([True, False, True, False])


def test_auroc_counts_pairs_in_order_and_ties_half():
    # positives 0.9 and 0.8 against negatives 0.8 and 0.1: three in order and one tie of four
    assert auroc(SCORES, LABELS)[0] == pytest.approx(3.5 / 4)


def test_weights_of_auroc_are_repeated_entries():
    weights = np.array([[1.0, 2.0, 3.0, 1.0]])
    repeated = np.repeat(np.arange(4), [1, 2, 3, 1])
    assert auroc(SCORES, LABELS, weights)[0] == pytest.approx(auroc(SCORES[repeated], LABELS[repeated])[0])


def test_auroc_of_one_class_is_not_a_number():
    assert np.isnan(auroc(SCORES, np.ones(4, bool))[0])


def test_mean_auroc_leaves_unknown_labels_out():
    scores, labels = np.stack([SCORES, SCORES], 1), np.stack([LABELS, LABELS], 1)
    known = np.ones((4, 2), bool)
    known[2, 1] = False  # the tied positive: the second class is then perfect
    assert mean_auroc(scores, labels, np.ones((1, 4)), known)[0] == pytest.approx((3.5 / 4 + 1) / 2)


def test_balanced_accuracy_is_the_mean_of_recalls():
    right = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    truth = np.array([0, 0, 0, 0, 1, 1])
    assert balanced_accuracy(right, truth)[0] == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_calibration_error_is_the_mean_gap_by_share_of_pairs():
    probability = np.array([0.25, 0.25, 0.85, 0.85])
    happened = np.array([False, True, True, True])
    pairs, summed, outcome = reliability(probability, happened)
    assert pairs.tolist() == [0, 0, 2, 0, 0, 0, 0, 0, 2, 0]
    assert calibration_error(pairs, summed, outcome) == pytest.approx((2 * 0.25 + 2 * 0.15) / 4)


def test_grouped_mean_counts_a_rare_group_as_much_as_a_frequent_one():
    values = np.array([[1.0, 9.0], [1.0, 9.0], [1.0, 9.0], [9.0, 0.0]])
    groups = np.array([[True, False], [True, False], [True, False], [False, True]])
    assert grouped_mean(values, groups, np.ones((1, 4)))[0] == pytest.approx(0.5)
    # without the only member of the second group, the first is all there is
    assert grouped_mean(values, groups, np.array([[1.0, 1, 1, 0]]))[0] == pytest.approx(1.0)


def test_draws_keep_patients_whole_and_their_number():
    drawn = draws(["a", "a", "b", "c"], rounds=50)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, [0, 2, 3]].sum(1) == 3).all()


def test_measured_widens_with_fewer_patients_and_repeats():
    values = np.tile([0.0, 1.0], 30)
    few = measured(lambda w: weighted_mean(values, w), np.repeat(list("abcdef"), 10))
    alone = measured(lambda w: weighted_mean(np.repeat([0.0, 1.0], 30), w), np.repeat(list("abcdef"), 10))
    assert few.value == alone.value == 0.5 and few.n == 60
    assert few.high - few.low == pytest.approx(0) and alone.high - alone.low > 0.5
    assert alone == measured(lambda w: weighted_mean(np.repeat([0.0, 1.0], 30), w), np.repeat(list("abcdef"), 10))
