"""How many mV a z-scored lead is: exactly among the limb leads by Einthoven's law, by regression for the rest.

A z-scored recording keeps every lead's shape. I + III = II then fixes the ratio of the limb leads' gains, and what the
shapes, labels, age and sex say about voltage is learnt from the recordings in mV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PENALTY = 30.0  # of the ridge; 10 to 100 do as well on valid


def limb_ratio(scored: np.ndarray) -> float:
    """Return log(gain of I / gain of II) of z-scored limb leads (≥ 3, n): a I − b II + c III = 0, with a, b, c > 0."""
    rows = scored[:3] - scored[:3].mean(axis=1, keepdims=True)
    weights = np.abs(np.linalg.svd(rows @ rows.T)[2][-1])
    return float(np.log(weights[0] + 1e-6) - np.log(weights[1] + 1e-6))


@dataclass(frozen=True, eq=False)
class Gains:
    """Ridge regression of log deviations (8,) in mV on features, and the covariance of what it leaves."""

    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    residual_covariance: np.ndarray

    def draw(self, features: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of log gains (8,), I and II moved so that they have the given ratio."""
        row = np.append((features - self.centre) / self.scale, 1.0)
        log = row @ self.weights + rng.multivariate_normal(np.zeros(8), self.residual_covariance)
        middle = log[:2].mean()
        log[:2] = middle + np.array([0.5, -0.5]) * np.clip(ratio, -1.5, 1.5)
        return log


def fit_gains(features: np.ndarray, log_deviation: np.ndarray) -> Gains:
    """Fit on calibrated recordings: features (n, f) → log deviations (n, 8)."""
    centre, scale = features.mean(axis=0), features.std(axis=0) + 0.05
    rows = np.column_stack([(features - centre) / scale, np.ones(len(features))])
    penalty = PENALTY * np.eye(rows.shape[1])
    penalty[-1, -1] = 0.0
    inverse = np.linalg.inv(rows.T @ rows + penalty)
    weights = inverse @ rows.T @ log_deviation
    leverage = np.einsum("ij,jk,ik->i", rows, inverse, rows)
    left = (log_deviation - rows @ weights) / (1 - leverage)[:, None]
    return Gains(centre, scale, weights, np.cov(left.T))
