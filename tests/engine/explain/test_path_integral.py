"""A path integral is exact where it can be worked out by hand, and refinement keeps what was done."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.map_checks import completeness_gap

from engine.explain.path_integral import PathIntegral

X = torch.tensor([1.0, -2.0, 3.0])
BASELINE = torch.tensor([0.5, 0.0, -1.0])
POWERS = (1.0, 2.0)


@pytest.mark.parametrize("power", POWERS)
def test_a_linear_score_is_shared_out_exactly(power: float) -> None:
    weights = torch.tensor([2.0, -1.0, 0.25])
    path = PathIntegral(lambda x: x @ weights + 7, X, BASELINE, power=power)
    path.start(3)
    assert path.values == pytest.approx([2 * 0.5, -1 * -2.0, 0.25 * 4.0])
    assert path.ends == pytest.approx((7 + 1 - 0.25, 7 + 2 + 2 + 0.75))
    assert path.misses == pytest.approx(np.zeros(3), abs=1e-5)


@pytest.mark.parametrize("power", POWERS)
def test_a_product_is_shared_out_as_the_integral_says(power: float) -> None:
    """f = a·b from (0, 0) to (2, 3): each factor's gradient is the other, so each receives half of 6."""
    path = PathIntegral(lambda x: x[:, 0] * x[:, 1], torch.tensor([2.0, 3.0]), torch.zeros(2), power=power)
    path.start(4)
    assert path.values == pytest.approx([3.0, 3.0])


def kinked(x: torch.Tensor) -> torch.Tensor:
    """A steep step along the first coordinate that few nodes cannot integrate."""
    return torch.sigmoid(60 * (x[:, 0] - 0.8)) + 0.2 * torch.sin(x.sum(1))


@pytest.mark.parametrize("power", POWERS)
def test_refinement_closes_the_gap_where_the_path_is_steep(power: float) -> None:
    path = PathIntegral(kinked, X, torch.zeros(3), power=power)
    path.start(4)
    rough, begun = abs(path.miss / path.rise), path.steps
    for _ in range(12):
        path.refine()
    assert begun == (5 if power == 1 else 4)  # at the baseline itself a power needs no gradient
    assert path.steps == begun + 12
    assert rough > 0.05
    assert abs(path.miss / path.rise) < 0.01
    low, high = path.ends
    assert completeness_gap(path.values, high, low) == pytest.approx(abs(path.miss / path.rise), abs=1e-4)


@pytest.mark.parametrize("power", POWERS)
def test_a_gradient_that_is_known_is_taken_as_it_is(power: float) -> None:
    at = X.clone().requires_grad_(True)
    height = kinked(at[None])[0]
    (gradient,) = torch.autograd.grad(height, at)
    passes: list[int] = []

    def counted(x: torch.Tensor) -> torch.Tensor:
        passes.append(len(x))
        return kinked(x)

    own, given = (PathIntegral(counted, X, torch.zeros(3), power=power, low=0.0) for _ in range(2))
    given.top = (float(height.detach()), gradient)
    for path in (own, given):
        passes.clear()
        path.start(4)
    assert given.values == pytest.approx(own.values, abs=1e-6)
    assert (given.ends, given.steps) == (pytest.approx(own.ends), own.steps)
    assert sum(passes) == own.steps - 1


def test_refinement_goes_where_slope_and_change_differ_most_and_keeps_every_gradient() -> None:
    path = PathIntegral(kinked, X, torch.zeros(3))
    path.start(4)
    before, worst = list(path.nodes), int(np.argmax(np.abs(path.misses)))
    path.refine()
    (new,) = [node for node in path.nodes if all(node is not one for one in before)]
    assert new.s == (before[worst].s + before[worst + 1].s) / 2
    assert len(path.nodes) == len(before) + 1 and [n.s for n in path.nodes] == sorted(n.s for n in path.nodes)


def test_the_batch_size_changes_nothing() -> None:
    maps = []
    for batch in (1, 3, 64):
        path = PathIntegral(kinked, X, torch.zeros(3), batch=batch)
        path.start(8)
        maps.append(path.values)
    assert maps[1] == pytest.approx(maps[0], abs=1e-6)
    assert maps[2] == pytest.approx(maps[0], abs=1e-6)


def test_whoever_listens_hears_of_every_batch_and_can_end_the_work() -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        if path.steps >= 4:
            raise StopError

    path = PathIntegral(kinked, X, torch.zeros(3), batch=2, on_batch=stop)
    with pytest.raises(StopError):
        path.start(8)
    assert path.steps == 4
