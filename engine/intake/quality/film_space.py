"""How far a film lies from the training films in the frozen trunk's features.

The distance is that of probabilistic PCA (Tipping & Bishop 1999): a full covariance in the leading directions, one
shared variance in all others. Both halves of the features (class token, mean patch token) are brought to length 1
first. Each cohort weighs by the square root of its size, so that children and portable films count beside the many PA
films. A typical film has distance 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.errors import ReleaseError
from engine.files import sha256_of, write_whole
from engine.intake.quality.verdict import FILM_SPACE

PATH = FILM_SPACE
MANIFEST = "manifest.json"  # in the folder of the space: {"parts": {file name: SHA-256}}, as in a release
DIRECTIONS = 64  # leading directions kept; 32 to 256 separate about equally well on valid


@dataclass(frozen=True, eq=False)
class FilmSpace:
    """mean (768,), axes (768, k) orthonormal, variances (k,) along them, rest: variance in every other direction."""

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    rest: float

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(n, 768) trunk features → (n,) root mean square of the standardised coordinates."""
        away = unit_halves(features) - self.mean
        inside = away @ self.axes
        outside = np.maximum((away**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0)
        return np.sqrt(((inside**2 / self.variances).sum(axis=1) + outside / self.rest) / self.mean.size)


def unit_halves(features: np.ndarray) -> np.ndarray:
    """Bring each half of the features (class token, mean patch token) to length 1. (n, 768) → (n, 768) float64."""
    halves = np.asarray(features, dtype=np.float64).reshape(len(features), 2, -1)
    lengths = np.linalg.norm(halves, axis=2, keepdims=True)
    return (halves / np.maximum(lengths, np.finfo(float).tiny)).reshape(len(features), -1)


def fit_space(features: np.ndarray, cohorts: np.ndarray) -> FilmSpace:
    """Fit the space to training films. features : (n, 768); cohorts : (n,) names."""
    x = unit_halves(features)
    _, which, sizes = np.unique(cohorts, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(sizes[which])
    weights /= weights.sum()
    mean = weights @ x
    values, vectors = np.linalg.eigh((x - mean).T @ ((x - mean) * weights[:, None]))
    values, vectors = values[::-1], vectors[:, ::-1]
    rest = float(values[DIRECTIONS:].mean())
    return FilmSpace(mean, vectors[:, :DIRECTIONS], values[:DIRECTIONS] + rest, rest)


def save_space(space: FilmSpace, trunk: str, path: Path = PATH) -> None:
    """Write the space as safetensors, the trunk's name in its metadata, and its SHA-256 into the manifest beside it."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "mean": space.mean.astype(np.float32),
        "axes": np.ascontiguousarray(space.axes, dtype=np.float32),
        "variances": space.variances.astype(np.float32),
        "rest": np.array([space.rest], np.float32),
    }
    save_file(tensors, path, metadata={"trunk": trunk})
    manifest = {"parts": {path.name: sha256_of(path)}}
    write_whole(path.with_name(MANIFEST), json.dumps(manifest, indent=1) + "\n")


@lru_cache(maxsize=1)
def load_space(path: Path = PATH) -> FilmSpace:
    """Read the shipped space; ReleaseError where it is missing, not what the manifest names, or of another trunk."""
    from safetensors import safe_open

    from engine.model.trunk import TRUNK_NAME

    _check_digest(path)
    try:
        with safe_open(path, framework="numpy") as file:
            trunk = (file.metadata() or {}).get("trunk")
            parts = {name: file.get_tensor(name).astype(np.float64) for name in ("mean", "axes", "variances", "rest")}
    except Exception as error:
        raise ReleaseError(
            f"The gate's film space {path.name} is damaged or missing ({error}): restore data/models/quality."
        ) from error
    if trunk != TRUNK_NAME:
        raise ReleaseError(f"The gate's film space belongs to trunk {trunk}, not {TRUNK_NAME}: refit the quality gate.")
    return FilmSpace(parts["mean"], parts["axes"], parts["variances"], float(parts["rest"][0]))


def _check_digest(path: Path) -> None:
    """Raise ReleaseError where the bytes of the space are not those that the manifest beside it names."""
    try:
        wanted = json.loads(path.with_name(MANIFEST).read_text("utf-8"))["parts"][path.name]
        same = sha256_of(path) == wanted
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(
            f"The gate's film space {path.name} or its manifest is damaged or missing: restore data/models/quality."
        ) from error
    if not same:
        raise ReleaseError(
            f"The gate's film space {path.name} is not the one that its manifest names: restore data/models/quality."
        )
