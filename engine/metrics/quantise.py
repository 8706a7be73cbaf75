"""The binary codes that ours are measured against: LSH, sign, PCA-sign and ITQ, fitted on `train` embeddings.

All take embeddings whose modality mean has been removed (`centred`), as the release's thresholds do for ours, and
return bits (n, bits) bool. Each is fitted per code length, which nested codes cannot be.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 50  # of ITQ (Gong & Lazebnik 2011, §3.2)
LSH_DRAWS = 5  # its figures are means over draws, so that none is lucky


def centred(z: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Remove a modality's mean (f,) from embeddings (n, f) and renormalise: (n, f)."""
    moved = z - mean
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def hyperplanes(width: int, bits: int, seed: int = 0) -> np.ndarray:
    """Random projections of LSH (Charikar 2002): (width, bits), one Gaussian hyperplane per bit."""
    return np.random.default_rng(seed).standard_normal((width, bits))


def axes(width: int, bits: int) -> np.ndarray:
    """The first `bits` coordinates as they are: (width, bits)."""
    return np.eye(width, bits)


def principal(train: np.ndarray, bits: int) -> np.ndarray:
    """The `bits` directions of greatest variance: (n, width) → (width, bits)."""
    values, vectors = np.linalg.eigh(np.cov(train, rowvar=False))
    return vectors[:, np.argsort(-values)[:bits]]


def itq(train: np.ndarray, bits: int, seed: int = 0) -> np.ndarray:
    """Iterative quantisation: principal directions, rotated so that signs lose least: (n, width) → (width, bits).

    Gong & Lazebnik 2011, eq. 2: alternate B = sign(VR) and the orthogonal Procrustes rotation R of V onto B.
    """
    directions = principal(train, bits)
    projected = train @ directions
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((bits, bits)))
    for _ in range(ROUNDS):
        signs = np.where(projected @ rotation > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(signs.T @ projected)
        rotation = (left @ right).T
    return directions @ rotation


def baselines(train: np.ndarray, bits: int) -> dict[str, list[np.ndarray]]:
    """Name → projections (width, bits) of every baseline at one code length; LSH is drawn several times."""
    width = train.shape[1]
    return {
        "ITQ": [itq(train, bits)],
        "LSH": [hyperplanes(width, bits, seed) for seed in range(LSH_DRAWS)],
        "sign": [axes(width, bits)],
        "PCA-sign": [principal(train, bits)],
    }


def similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 − 2 · Hamming / bits between bits: (n, bits), (m, bits) bool → (n, m) in −1 … 1."""
    x, y = (np.where(part, np.float32(1), np.float32(-1)) for part in (a, b))
    return x @ y.T / a.shape[1]
