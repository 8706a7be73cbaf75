"""The promise of noise: against δ counted on the two distributions that a site's presence tells apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from engine.federation.privacy import epsilon


@pytest.mark.parametrize(("noise", "rounds"), [(1.0, 1), (1.0, 5), (0.5, 3), (4.0, 5)])
def test_epsilon_is_where_the_two_distributions_part(noise: float, rounds: int) -> None:
    found, delta = epsilon(noise, rounds, 1e-5), 1e-5
    # k looks at N(1, σ²) against N(0, σ²), as one look at their mean; δ is the integral of what exceeds e^ε times it
    at, step = np.linspace(-40, 40, 800_001, retstep=True)
    shift = math.sqrt(rounds) / noise
    counted = np.maximum(norm.pdf(at, shift) - math.exp(found) * norm.pdf(at, 0), 0).sum() * step
    assert counted == pytest.approx(delta, rel=0.01)


def test_more_noise_promises_more_and_more_rounds_less() -> None:
    assert epsilon(2.0, 5) < epsilon(1.0, 5) < epsilon(1.0, 10)


def test_without_noise_nothing_is_promised() -> None:
    assert epsilon(0.0, 5) == math.inf
