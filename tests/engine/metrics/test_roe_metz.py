"""Simulated readers: areas as asked for, about one false finding in twenty, and an effect that is there is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from engine.metrics.mrmc import auc_parts
from engine.metrics.roe_metz import STRUCTURES, SimulationPlan, draw_ratings, power

PLAN = SimulationPlan(readers=5, cases=80, effect=0.0, studies=400, seed=4)


def test_readers_have_the_area_that_was_asked_for() -> None:
    rng = np.random.default_rng(1)
    for name in STRUCTURES:
        plan = replace(PLAN, cases=400, effect=0.05, auc=0.8, structure=name)
        found = []
        for _ in range(30):
            scores, truth = draw_ratings(plan, rng)
            found.append(auc_parts(scores.reshape(10, -1), truth).values.reshape(2, 5).mean(axis=1))
        assert np.mean(found, axis=0) == pytest.approx([0.8, 0.85], abs=0.015), name


def test_as_many_cases_have_the_finding_as_were_asked_for() -> None:
    _, truth = draw_ratings(replace(PLAN, prevalence=0.25), np.random.default_rng(0))
    assert truth.sum() == 20


@pytest.mark.parametrize("covariances", ["jackknife", "delong"])
def test_where_there_is_no_effect_one_study_in_twenty_finds_one(covariances) -> None:
    found = power(replace(PLAN, covariances=covariances))
    assert stats.binomtest(round(found.share * PLAN.studies), PLAN.studies, 0.05).pvalue > 0.001
    assert found.low <= found.share <= found.high
    assert abs(found.mean_effect) < 0.01


def test_an_effect_that_is_there_is_found_and_more_readers_and_cases_find_it_more_often() -> None:
    small = power(replace(PLAN, effect=0.08, studies=120))
    large = power(replace(PLAN, effect=0.08, studies=120, readers=10, cases=240))
    assert 0.2 < small.share < large.share and large.share > 0.9
    assert large.mean_effect == pytest.approx(0.08, abs=0.01)
    assert large.covered > 0.85


def test_the_same_seed_draws_the_same_studies_and_says_how_far_it_is() -> None:
    done: list[int] = []
    plan = replace(PLAN, studies=20)
    assert power(plan, done.append) == power(plan)
    assert done == list(range(1, 21))
