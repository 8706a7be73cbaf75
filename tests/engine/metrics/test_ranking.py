"""Retrieval figures against rankings worked out by hand."""

import numpy as np
import pytest

from engine.metrics.ranking import average_precision_at, chance, precision_at, ranked_relevance
from engine.metrics.resampling import measured_mean

SCORES = np.array([[0.9, 0.8, 0.7, 0.6]])
RELEVANT = np.array([[False, True, False, True]])


def test_ranking_skips_what_is_not_allowed():
    allowed = np.array([[False, True, True, True]])
    found = ranked_relevance(SCORES, RELEVANT, allowed, 4)
    assert found[0, :3].tolist() == [1, 0, 1] and np.isnan(found[0, 3])


def test_ties_go_to_the_smallest_number():
    found = ranked_relevance(np.zeros((1, 3)), np.array([[False, True, True]]), np.ones((1, 3), bool), 2)
    assert found.tolist() == [[0, 1]]


def test_precision_and_average_precision():
    found = ranked_relevance(SCORES, RELEVANT, np.ones((1, 4), bool), 4)
    assert precision_at(found, 2)[0] == 0.5
    assert average_precision_at(found, 4)[0] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert chance(RELEVANT, np.ones((1, 4), bool))[0] == 0.5


def test_bootstrap_by_patient_is_wider_than_by_query_and_repeatable():
    values = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0], 20)
    few = measured_mean(values, np.repeat(list("abcdef"), 20))
    many = measured_mean(values, [str(i) for i in range(len(values))])
    assert few.value == many.value == 0.5 and few.n == 120
    assert few.high - few.low > many.high - many.low
    assert few == measured_mean(values, np.repeat(list("abcdef"), 20))
