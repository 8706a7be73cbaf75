"""Simulated readers: the model of Roe and Metz (Academic Radiology 1997), and how often a study finds something.

The score of a reading is the sum of what the case truly is and of normal deviates of reader, case, both, and each of
them by arm. Scores of absent and present cases differ by a mean that gives the wanted area under the ROC curve; reader
effects are drawn for either kind of case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from engine.metrics.mrmc import ARMS, Covariances, auc_parts, covariance_of, obuchowski_rockette
from engine.metrics.resampling import wilson


@dataclass(frozen=True)
class Structure:
    """Variances of a simulated study: of readers and readers by arm (each), cases, cases by arm, readers by case, and
    what is left. All but the readers' add up to 1.
    """

    reader: float
    case: float
    case_by_arm: float
    reader_by_case: float
    left: float


# Roe and Metz's four: cases that agree much or little (first letter), readers who differ little or much (second), as
# for an area of 0.855.
STRUCTURES = {
    "HL": Structure(0.0055, 0.3, 0.3, 0.2, 0.2),
    "LL": Structure(0.0055, 0.1, 0.1, 0.2, 0.6),
    "HH": Structure(0.03, 0.3, 0.3, 0.2, 0.2),
    "LH": Structure(0.03, 0.1, 0.1, 0.2, 0.6),
}


@dataclass(frozen=True)
class SimulationPlan:
    """A study to simulate: size, share of cases in which the finding is present, area without neighbours, by how much
    the other arm's is larger, structure, number of studies, level, covariances, seed.
    """

    readers: int
    cases: int
    effect: float
    prevalence: float = 0.5
    auc: float = 0.85
    structure: str = "HL"
    studies: int = 1000
    alpha: float = 0.05
    covariances: Covariances = "jackknife"
    seed: int = 0


@dataclass(frozen=True)
class Power:
    """Share of simulated studies with p below the level, its 95 % Wilson interval, and the mean difference found."""

    plan: SimulationPlan
    share: float
    low: float
    high: float
    mean_effect: float
    covered: float


def mean_for(auc: float, structure: Structure) -> float:
    """Return how far present cases score above absent ones, so that readers on average have this area."""
    return float(stats.norm.ppf(auc) * np.sqrt(2 * (1 + 2 * structure.reader)))


def draw_ratings(plan: SimulationPlan, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, (2, readers, cases) float64, and truth, (cases,) bool, the present cases last."""
    variances = STRUCTURES[plan.structure]
    present = min(max(round(plan.cases * plan.prevalence), 2), plan.cases - 2)
    truth = np.arange(plan.cases) >= plan.cases - present
    scores = np.zeros((ARMS, plan.readers, plan.cases))

    def add(variance: float, *shape: int) -> None:
        nonlocal scores
        scores = scores + np.sqrt(variance) * rng.standard_normal(shape)

    for kind in (False, True):  # a reader leans one way on absent cases and another on present ones
        leaning = rng.standard_normal((1, plan.readers, 1)) + rng.standard_normal((ARMS, plan.readers, 1))
        scores[:, :, truth == kind] += np.sqrt(variances.reader) * leaning
    add(variances.case, 1, 1, plan.cases)
    add(variances.case_by_arm, ARMS, 1, plan.cases)
    add(variances.reader_by_case, 1, plan.readers, plan.cases)
    add(variances.left, ARMS, plan.readers, plan.cases)
    means = [mean_for(plan.auc, variances), mean_for(plan.auc + plan.effect, variances)]
    scores[:, :, truth] += np.asarray(means)[:, None, None]
    return scores, truth


def power(plan: SimulationPlan, on_progress: Callable[[int], None] = lambda done: None) -> Power:
    """Simulate studies and analyse each as a real one is; return how many find a difference."""
    rng = np.random.default_rng(plan.seed)
    found, effects, covered = 0, 0.0, 0
    for at in range(plan.studies):
        scores, truth = draw_ratings(plan, rng)
        parts = auc_parts(scores.reshape(ARMS * plan.readers, plan.cases), truth)
        covariance = covariance_of(parts, plan.cases, plan.covariances)
        result = obuchowski_rockette(parts.values.reshape(ARMS, plan.readers), covariance, plan.alpha).primary
        found += result.p < plan.alpha
        effects += result.value
        covered += result.low <= plan.effect <= result.high
        on_progress(at + 1)
    share = found / plan.studies
    low, high = wilson(found, plan.studies)
    return Power(plan, share, low, high, effects / plan.studies, covered / plan.studies)
