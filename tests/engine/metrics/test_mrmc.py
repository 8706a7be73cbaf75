"""Multi-reader multi-case analysis: published results to the last printed digit, and oracles that are written out."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from helpers import van_dyke
from scipy import stats

from engine.metrics.mrmc import (
    auc_parts,
    crossed_difference,
    delong_covariance,
    jackknife_covariance,
    obuchowski_rockette,
    sensitivity_parts,
    specificity_parts,
)


def auc(ratings: np.ndarray, truth: np.ndarray) -> float:
    """Return the area by its definition: pairs in which the present case is rated higher."""
    pairs = [float(one > other) + 0.5 * float(one == other) for one in ratings[truth] for other in ratings[~truth]]
    return float(np.mean(pairs))


def drawn(rng: np.random.Generator, figures: int = 4, cases: int = 24) -> tuple[np.ndarray, np.ndarray]:
    truth = np.arange(cases) % 3 == 0
    return np.round(rng.normal(size=(figures, cases)) + truth + rng.normal(size=cases)), truth


def test_van_dykes_readers_give_what_is_published() -> None:
    ratings, truth = van_dyke.ratings()
    parts = auc_parts(ratings.reshape(10, -1), truth)
    assert parts.values.reshape(2, 5) == pytest.approx(np.array(van_dyke.AUCS), abs=1e-8)
    found = obuchowski_rockette(parts.values.reshape(2, 5), jackknife_covariance(parts, len(truth)))
    assert asdict(found.components) == pytest.approx(van_dyke.COMPONENTS, abs=1e-10)
    assert found.random_readers is not None
    assert asdict(found.random_readers) == pytest.approx(van_dyke.DIFFERENCE, abs=1e-6)
    for arm, published in zip(found.arms, van_dyke.ARMS, strict=True):
        assert asdict(arm) == pytest.approx(published, abs=1e-6)


def test_the_jackknife_leaves_out_each_case_in_turn() -> None:
    ratings, truth = drawn(np.random.default_rng(3))
    n = len(truth)
    left = np.array([[auc(np.delete(one, k), np.delete(truth, k)) for k in range(n)] for one in ratings])
    centred = left - left.mean(axis=1, keepdims=True)
    expected = (n - 1) / n * centred @ centred.T
    assert jackknife_covariance(auc_parts(ratings, truth), n) == pytest.approx(expected, abs=1e-12)
    decided = ratings > 0
    shares = np.array([[np.delete(one, k)[np.delete(truth, k)].mean() for k in range(n)] for one in decided])
    centred = shares - shares.mean(axis=1, keepdims=True)
    found = jackknife_covariance(sensitivity_parts(decided, truth), n)
    assert found == pytest.approx((n - 1) / n * centred @ centred.T, abs=1e-12)


def test_delong_agrees_with_drawing_cases_again() -> None:
    rng = np.random.default_rng(5)
    ratings, truth = drawn(rng, figures=2, cases=150)
    present, absent = np.flatnonzero(truth), np.flatnonzero(~truth)
    again = []
    for _ in range(1500):
        kept = np.concatenate([rng.choice(present, len(present)), rng.choice(absent, len(absent))])
        again.append(auc_parts(ratings[:, kept], truth[kept]).values)
    assert delong_covariance(auc_parts(ratings, truth)) == pytest.approx(np.cov(np.transpose(again)), rel=0.2)


def test_shares_are_those_of_the_cases_they_are_of() -> None:
    truth = np.array([True, True, True, False, False])
    decided = np.array([[True, True, False, False, True]])
    assert sensitivity_parts(decided, truth).values == pytest.approx([2 / 3])
    assert specificity_parts(decided, truth).values == pytest.approx([1 / 2])


def test_one_reader_is_compared_over_cases_alone() -> None:
    ratings, truth = drawn(np.random.default_rng(7), figures=2)
    parts = auc_parts(ratings, truth)
    covariance = delong_covariance(parts)
    found = obuchowski_rockette(parts.values.reshape(2, 1), covariance)
    expected = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.random_readers is None and found.arms == ()
    assert found.primary.se == pytest.approx(expected)
    assert found.primary.p == pytest.approx(2 * stats.norm.sf(abs(found.primary.value) / expected))


def test_equal_arms_differ_by_nothing_and_are_no_finding() -> None:
    ratings, truth = drawn(np.random.default_rng(9), figures=3)
    both = np.concatenate([ratings, ratings])
    parts = auc_parts(both, truth)
    found = obuchowski_rockette(parts.values.reshape(2, 3), jackknife_covariance(parts, len(truth))).primary
    assert found.value == 0 and found.p == 1


def test_paired_differences_of_one_reader_are_a_t_test() -> None:
    differences = np.random.default_rng(11).normal(0.3, 1, (1, 40))
    found = crossed_difference(differences)
    assert found.p == pytest.approx(stats.ttest_1samp(differences[0], 0).pvalue)


def test_paired_differences_allow_for_readers_and_cases_that_differ() -> None:
    """Where nothing is there, about one in twenty finds something; a t-test of all readings would find it in most."""
    rng = np.random.default_rng(13)
    found, naive, tries = 0, 0, 400
    for _ in range(tries):
        differences = rng.normal(size=(6, 1)) + rng.normal(size=(1, 40)) * 0.5 + rng.normal(size=(6, 40))
        found += crossed_difference(differences).p < 0.05
        naive += stats.ttest_1samp(differences.ravel(), 0).pvalue < 0.05
    assert stats.binomtest(found, tries, 0.05).pvalue > 0.001
    assert naive > tries / 2
