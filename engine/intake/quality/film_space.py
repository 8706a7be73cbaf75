"""How far a film lies from the training films in the frozen trunk's features.

The distance is that of probabilistic PCA (Tipping & Bishop 1999): a full covariance in the leading directions, one
shared variance in all others. Both halves of the features (class token, mean patch token) are brought to length 1
first. Each cohort weighs by the square root of its size, so that children and portable films count beside the many PA
films. A typical film has distance 1.

A set of films that the space has never seen lies nearly as far away as turned films of a known one, so that a distance
alone would refuse the one or accept the other. A logistic regression on the same features tells whole upright films
from turned, negative and cut ones, and does so for sets it has never seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.errors import ReleaseError
from engine.files import sha256_of, write_whole
from engine.intake.quality.verdict import FILM_SPACE
from engine.settings import film_space_path

PATH = FILM_SPACE
MANIFEST = "manifest.json"  # in the folder of the space: {"parts": {file name: SHA-256}}, as in a release
PENALTY = 100.0  # inverse strength; 10 lets one in six turned films of an unseen set pass
DIRECTIONS = 64  # leading directions kept; 32 to 256 separate about equally well on valid


PARTS = ("mean", "axes", "variances", "rest", "upright")


@dataclass(frozen=True, eq=False)
class FilmSpace:
    """mean (768,), axes (768, k) orthonormal, variances (k,) along them, rest: variance in every other direction.

    upright : (769,) weights and bias of whole upright films against turned, negative and cut ones; zeros: not fitted
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    rest: float
    upright: np.ndarray = field(default_factory=lambda: np.zeros(769))

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(n, 768) trunk features → (n,) root mean square of the standardised coordinates."""
        away = unit_halves(features) - self.mean
        inside = away @ self.axes
        outside = np.maximum((away**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0)
        return np.sqrt(((inside**2 / self.variances).sum(axis=1) + outside / self.rest) / self.mean.size)

    def uprightness(self, features: np.ndarray) -> np.ndarray:
        """(n, 768) trunk features → (n,) probability of a whole upright film, 0..1."""
        odds = unit_halves(features) @ self.upright[:-1] + self.upright[-1]
        return 1.0 / (1.0 + np.exp(-odds))


def unit_halves(features: np.ndarray) -> np.ndarray:
    """Bring each half of the features (class token, mean patch token) to length 1. (n, 768) → (n, 768) float64."""
    halves = np.asarray(features, dtype=np.float64).reshape(len(features), 2, -1)
    lengths = np.linalg.norm(halves, axis=2, keepdims=True)
    return (halves / np.maximum(lengths, np.finfo(float).tiny)).reshape(len(features), -1)


def fit_space(features: np.ndarray, cohorts: np.ndarray, spoilt: np.ndarray | None = None) -> FilmSpace:
    """Fit the space to training films. features : (n, 768); cohorts : (n,) names.

    spoilt : (m, 768) of films that were turned, cut or made negative, against which upright ones are told
    """
    x = unit_halves(features)
    _, which, sizes = np.unique(cohorts, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(sizes[which])
    weights /= weights.sum()
    mean = weights @ x
    values, vectors = np.linalg.eigh((x - mean).T @ ((x - mean) * weights[:, None]))
    values, vectors = values[::-1], vectors[:, ::-1]
    rest = float(values[DIRECTIONS:].mean())
    space = FilmSpace(mean, vectors[:, :DIRECTIONS], values[:DIRECTIONS] + rest, rest)
    return space if spoilt is None else replace(space, upright=fit_upright(features, spoilt))


def fit_upright(features: np.ndarray, spoilt: np.ndarray) -> np.ndarray:
    """Return (769,) weights and bias that tell films (n, 768) from spoilt ones (m, 768); both kinds weigh alike."""
    from sklearn.linear_model import LogisticRegression

    both = unit_halves(np.concatenate([features, spoilt]))
    model = LogisticRegression(C=PENALTY, max_iter=1000, class_weight="balanced")
    model.fit(both, np.repeat([True, False], [len(features), len(spoilt)]))
    return np.append(model.coef_[0], model.intercept_)


def save_space(space: FilmSpace, trunk: str, path: Path = PATH) -> None:
    """Write the space as safetensors, the trunk's name in its metadata, and its SHA-256 into the manifest beside it."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "mean": space.mean.astype(np.float32),
        "axes": np.ascontiguousarray(space.axes, dtype=np.float32),
        "variances": space.variances.astype(np.float32),
        "rest": np.array([space.rest], np.float32),
        "upright": space.upright.astype(np.float32),
    }
    save_file(tensors, path, metadata={"trunk": trunk})
    manifest = {"parts": {path.name: sha256_of(path)}}
    write_whole(path.with_name(MANIFEST), json.dumps(manifest, indent=1) + "\n")


def load_space() -> FilmSpace:
    """Return the space in use, read once: the shipped one, or the arrays that CASEBIND_FILM_SPACE names."""
    named = film_space_path()
    return read_space() if named is None else _of_arrays(named)


def space_arrays(space: FilmSpace) -> dict[str, np.ndarray]:
    """Return a space as float64 arrays by name, as `load_space` reads them from an .npz."""
    return {name: np.asarray(getattr(space, name), np.float64) for name in PARTS}


@lru_cache(maxsize=1)
def _of_arrays(file: Path) -> FilmSpace:
    try:
        with np.load(file) as arrays:
            return FilmSpace(**{name: arrays[name] for name in PARTS} | {"rest": float(arrays["rest"])})
    except (OSError, ValueError, KeyError) as error:
        raise ReleaseError(
            f"The gate's film space {file.name} is damaged or missing ({error}): CASEBIND_FILM_SPACE names another "
            "one, or nothing."
        ) from error


@lru_cache(maxsize=1)
def read_space(path: Path = PATH) -> FilmSpace:
    """Read the shipped space; ReleaseError where it is missing, not what the manifest names, or of another trunk."""
    from safetensors import safe_open

    from engine.model.film_tokens import TRUNK_NAME

    _check_digest(path)
    try:
        with safe_open(path, framework="numpy") as file:
            trunk = (file.metadata() or {}).get("trunk")
            parts = {name: file.get_tensor(name).astype(np.float64) for name in PARTS}
    except Exception as error:
        raise ReleaseError(
            f"The gate's film space {path.name} is damaged or missing ({error}): restore data/models/quality."
        ) from error
    if trunk != TRUNK_NAME:
        raise ReleaseError(f"The gate's film space belongs to trunk {trunk}, not {TRUNK_NAME}: refit the quality gate.")
    return FilmSpace(parts["mean"], parts["axes"], parts["variances"], float(parts["rest"][0]), parts["upright"])


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
