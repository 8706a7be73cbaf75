"""Features reduced before a head learns: findings come forward on studies nobody saw, and hospitals do not."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from engine.training.binding.reduction import Reduction, reduction_of

WIDTH, SEEN = 400, 300


def _films(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, f) in which a finding stands out by little among much else, and the finding (n, 2), one of two."""
    ways = np.random.default_rng(0).normal(size=(WIDTH, WIDTH))
    rng = np.random.default_rng(seed)
    finding = rng.random(n) < 0.4
    hidden = rng.normal(size=(n, WIDTH)) * np.linspace(4, 0.2, WIDTH)
    hidden[:, 60:66] += 4 * finding[:, None]
    return hidden @ ways, np.stack([finding, ~finding], 1)


def _agreement(x: np.ndarray, finding: np.ndarray) -> float:
    """Return how often the nearest other study has the same finding."""
    x = x - x.mean(0)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    near = x @ x.T
    np.fill_diagonal(near, -2)
    return float((finding[near.argmax(1), 0] == finding[:, 0]).mean())


def test_neighbours_that_nobody_saw_share_findings_more_often() -> None:
    x, finding = _films(1, SEEN)
    reduction = reduction_of(x, finding, np.zeros(SEEN))
    other, held = _films(2, 200)
    reduced = reduction(torch.from_numpy(other).float()).numpy()
    assert reduced.shape == (200, 256)
    assert _agreement(reduced, held) > _agreement(other, held) + 0.05


def test_a_head_on_reduced_features_and_the_one_it_becomes_agree() -> None:
    x, finding = _films(1, SEEN)
    reduction, head = reduction_of(x, finding, np.zeros(SEEN)), nn.Linear(256, 256)
    seen = torch.from_numpy(x).float()
    joined = reduction.join(head)
    assert joined.weight.shape == (256, WIDTH)
    assert torch.allclose(joined(seen), head(reduction(seen)), atol=1e-3)


def test_what_only_tells_a_data_set_is_not_read_as_a_finding() -> None:
    x, _ = _films(1, SEEN)
    dataset = np.arange(SEEN) % 2
    alone = np.stack([dataset == 0, dataset == 1], 1)  # each finding is of one data set
    nothing = np.zeros((SEEN, 2), bool)
    one, other = (reduction_of(x, held, dataset).matrix for held in (alone, nothing))
    assert torch.equal(one, other)


def test_a_few_studies_are_reduced_too() -> None:
    x, finding = _films(1, 7)
    reduction = reduction_of(x, finding, np.zeros(7))
    assert isinstance(reduction, Reduction) and torch.isfinite(reduction.matrix).all()
    assert reduction(torch.from_numpy(x).float()).shape == (7, 256)
