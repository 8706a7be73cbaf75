"""Concept erasure in closed form: no linear map reads from what is left what must not be read.

LEACE, Belrose et al. 2023 (arXiv:2306.03819, theorem 4.3): of all affine maps after which a concept has no covariance
with any number of a representation, the one that moves the representation least.
"""

from __future__ import annotations

import numpy as np

RIDGE = 1e-4  # share of the mean variance that is added to every variance, so that whitening is defined
SMALLEST = 1e-6  # correlation of a whitened direction with a concept from which it counts


def leace(x: np.ndarray, concepts: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Return the matrix P (f, f) by which x − (x − mean) P' has no covariance with a concept; nor has x − x P'.

    x        : (n, f) representations          concepts : (n, k), each a number, such as a class as 0 or 1
    groups   : (n,) of any kind; what differs between groups, such as data sets, is no concept and stays
    """
    x, z = within(np.asarray(x, float), groups), within(np.asarray(concepts, float), groups)
    covariance = x.T @ x / len(x)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    whiten, colour = (vectors * values**power @ vectors.T for power in (-0.5, 0.5))
    deviation = z.std(0)
    z = z[:, deviation > 0] / deviation[deviation > 0]
    left, size, _ = np.linalg.svd(whiten @ (x.T @ z / len(x)), full_matrices=False)
    left = left[:, size > SMALLEST]
    return np.asarray(colour @ left @ left.T @ whiten)


def within(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return values (n, k) less the mean of their group."""
    _, number = np.unique(np.zeros(len(values)) if groups is None else groups, return_inverse=True)
    means = np.stack([values[number == one].mean(0) for one in range(int(number.max()) + 1)])
    return np.asarray(values - means[number])
