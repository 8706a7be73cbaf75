"""A path integral is exact where it can be worked out by hand, and refinement keeps what was done."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.map_checks import completeness_gap

from engine.explain.path_integral import PathIntegral

X = torch.tensor([1.0, -2.0, 3.0])
BASELINE = torch.tensor([0.5, 0.0, -1.0])


def test_a_linear_score_is_shared_out_exactly() -> None:
    weights = torch.tensor([2.0, -1.0, 0.25])
    path = PathIntegral(lambda x: x @ weights + 7, X, BASELINE)
    path.start(nodes=2)
    assert path.values == pytest.approx([2 * 0.5, -1 * -2.0, 0.25 * 4.0])
    assert path.ends == pytest.approx((7 + 1 - 0.25, 7 + 2 + 2 + 0.75))
    assert path.miss == pytest.approx(0, abs=1e-5)


def test_a_product_is_shared_out_as_the_integral_says() -> None:
    """f = a·b from (0, 0) to (2, 3): each factor's gradient is the other, so each receives half of 6."""
    path = PathIntegral(lambda x: x[:, 0] * x[:, 1], torch.tensor([2.0, 3.0]), torch.zeros(2))
    path.start(nodes=3)
    assert path.values == pytest.approx([3.0, 3.0])


def kinked(x: torch.Tensor) -> torch.Tensor:
    """A steep step along the first coordinate that few nodes cannot integrate."""
    return torch.sigmoid(60 * (x[:, 0] - 0.8)) + 0.2 * torch.sin(x.sum(1))


def test_refinement_closes_the_gap_where_the_path_is_steep() -> None:
    path = PathIntegral(kinked, X, torch.zeros(3))
    path.start(nodes=4)
    rough = abs(path.miss / path.rise)
    for _ in range(8):
        path.refine(nodes=4, most=1)
    assert rough > 0.2
    assert abs(path.miss / path.rise) < 0.01
    assert path.steps == 4 + 8 * 8
    low, high = path.ends
    assert completeness_gap(path.values, high, low) == pytest.approx(abs(path.miss / path.rise), abs=1e-4)


def test_refinement_splits_only_the_piece_that_misses_most() -> None:
    path = PathIntegral(kinked, X, torch.zeros(3))
    path.start(nodes=3, pieces=4)
    worst = max(path.pieces, key=lambda piece: abs(piece.miss))
    others = [piece for piece in path.pieces if piece is not worst]
    path.refine(nodes=3, most=1)
    assert all(any(kept is piece for kept in path.pieces) for piece in others)
    assert [(p.start, p.end) for p in path.pieces] == sorted((p.start, p.end) for p in path.pieces)
    assert np.isclose(sum(p.end - p.start for p in path.pieces), 1)


def test_the_batch_size_changes_nothing() -> None:
    maps = []
    for batch in (1, 3, 64):
        path = PathIntegral(kinked, X, torch.zeros(3), batch=batch)
        path.start(nodes=5, pieces=2)
        maps.append(path.values)
    assert maps[1] == pytest.approx(maps[0], abs=1e-6)
    assert maps[2] == pytest.approx(maps[0], abs=1e-6)
