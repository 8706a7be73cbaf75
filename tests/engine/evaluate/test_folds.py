"""Probes in folds: what carries over to other patients is found, and what only names a patient is not."""

from __future__ import annotations

import numpy as np

from engine.evaluate.folds import FOLDS, fold_auroc, scored
from engine.metrics.probe_fit import folds

PATIENTS, EACH = 60, 3


def _cohort() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients with several films each, and a label per patient: names, fold, labels (n, 1)."""
    names = np.repeat([f"p{i}" for i in range(PATIENTS)], EACH)
    label = np.repeat(np.random.default_rng(1).permutation(PATIENTS) % 2 == 0, EACH)
    return names, folds(names, FOLDS), label[:, None]


def _auroc(x: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> float:
    return float(fold_auroc(scored(x, labels, fold), labels, fold, np.ones((1, len(x))))[0])


def test_what_names_a_patient_is_worth_nothing_for_others() -> None:
    names, fold, labels = _cohort()
    who = (names[:, None] == np.unique(names)[None]).astype(float)
    assert abs(_auroc(who, labels, fold) - 0.5) < 0.1


def test_what_carries_over_is_found() -> None:
    _, fold, labels = _cohort()
    noise = np.random.default_rng(0).normal(size=(len(fold), 4))
    noise[:, :1] += 3 * labels
    assert _auroc(noise, labels, fold) > 0.9


def test_scores_of_different_probes_are_not_ranked_together() -> None:
    fold = np.repeat(np.arange(FOLDS), 4)
    labels = np.tile([False, False, True, True], FOLDS)[:, None]
    scores = labels + 10.0 * fold[:, None]  # in order within every fold, and shifted between them
    assert fold_auroc(scores, labels, fold, np.ones((1, len(fold)))).tolist() == [1.0]


def test_a_fold_without_both_kinds_is_left_out() -> None:
    fold, labels = np.repeat(np.arange(FOLDS), 2), np.zeros((2 * FOLDS, 1), bool)
    labels[1] = True
    every = np.ones((1, len(fold)))
    assert fold_auroc(labels.astype(float), labels, fold, every).tolist() == [1.0]
    assert np.isnan(fold_auroc(np.zeros(labels.shape), np.zeros_like(labels), fold, every)).all()
