"""Few-shot probes against scikit-learn's, and on data that can and cannot be told apart."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from engine.evaluate.few_shot import dual_logistic, few_shot_right, support_sets


def _clouds(n: int, apart: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2 == 0
    return rng.standard_normal((n, 8)) + apart * np.where(labels, 1, -1)[:, None] / 2, labels


@pytest.mark.parametrize("apart", [0.3, 6.0])  # overlapping, and perfectly separable
def test_dual_logistic_is_the_penalised_logistic_regression(apart):
    x, y = _clouds(12, apart, 0)
    weights = dual_logistic((x @ x.T + 1)[None], y)[0]
    with_constant = np.hstack([x, np.ones((12, 1))])
    known = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=5000).fit(with_constant, y)
    assert (x @ x.T + 1) @ weights == pytest.approx(known.decision_function(with_constant), abs=1e-4)


def test_support_sets_are_balanced_and_without_repeats():
    labels = np.arange(10) < 4
    chosen = support_sets(labels, 3, sets=20)
    assert chosen.shape == (20, 6) and labels[chosen[:, :3]].all() and not labels[chosen[:, 3:]].any()
    assert all(len(set(row)) == 6 for row in chosen.tolist())
    assert len({tuple(sorted(row)) for row in chosen.tolist()}) > 1


def test_separable_data_needs_one_shot_and_noise_stays_at_chance():
    train, test = _clouds(60, 8.0, 1), _clouds(100, 8.0, 2)
    assert few_shot_right(*train, *test, shots=1, sets=50).mean() > 0.99
    rng = np.random.default_rng(0)
    noise = few_shot_right(train[0], rng.permutation(train[1]), test[0], rng.permutation(test[1]), shots=8, sets=50)
    assert abs(noise.mean() - 0.5) < 0.1


def test_more_shots_help_where_classes_overlap():
    train, test = _clouds(400, 0.8, 3), _clouds(400, 0.8, 4)
    accuracy = [few_shot_right(*train, *test, shots=k, sets=50).mean() for k in (1, 4, 16)]
    assert accuracy[0] < accuracy[1] < accuracy[2]
