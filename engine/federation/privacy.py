"""What noise on the updates of sites promises: (ε, δ) for a whole site.

Every site takes part in every exchange, so nothing is gained by sampling, and k rounds of Gaussian noise together are
one with μ = √k ÷ noise (Dong, Roth and Su 2022, corollary 3.3). Its δ at an ε is theirs (corollary 2.13).
"""

from __future__ import annotations

import math

DELTA = 1e-5
MOST = 1e6  # an ε beyond is no promise


def epsilon(noise: float, rounds: int, delta: float = DELTA) -> float:
    """Return the ε of Gaussian noise of `noise` × what one site can change, over rounds; infinite without noise."""
    from scipy.optimize import brentq

    if noise <= 0:
        return math.inf
    mu = math.sqrt(rounds) / noise
    if delta_of(MOST, mu) > delta:
        return math.inf
    if delta_of(0.0, mu) <= delta:
        return 0.0
    return float(brentq(lambda guess: delta_of(guess, mu) - delta, 0.0, MOST, xtol=1e-9))


def delta_of(epsilon_: float, mu: float) -> float:
    """Return the δ that holds at an ε of a mechanism that is μ-Gaussian."""
    from scipy.special import log_ndtr

    first, second = log_ndtr(-epsilon_ / mu + mu / 2), epsilon_ + log_ndtr(-epsilon_ / mu - mu / 2)
    return float(math.exp(first) - math.exp(second)) if second < first else 0.0
