"""Does a patient's film find the patient's own ECG, by a model that learnt what goes together on the other half?

Regularised canonical correlation (Vinod, J Econometrics 1976) between the leading principal components of the release's
film and ECG features: learnt on half of the patients, asked on the other half, and the other way round. With couplings
between the modalities it finds own studies; without them it cannot beyond what labels say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.metrics.resampling import measured_mean
from engine.synthetic.checks.group import Group
from engine.synthetic.checks.pointing import halves
from engine.synthetic.checks.retrieval import own_ranks

COMPONENTS = 24  # principal components of either side; more than the ratio of patients to unknowns bears is noise
SHARED = 10  # canonical directions that are compared
RIDGE = 0.3  # share of the mean variance that is added to every component
MIN_PATIENTS = 40  # in a half
FIRST = 10  # studies looked at


def own_patient(
    films: Group, ecgs: Group, film_space: str = "foundation", ecg_space: str = "release"
) -> dict[str, Any]:
    """Return per direction how well a patient's first study of the other kind is found; {} with too few patients."""
    both = _first_of_each(films, ecgs)
    if len(both) < 2 * MIN_PATIENTS:
        return {}
    film_rows, ecg_rows = (np.array(rows) for rows in zip(*both, strict=True))
    patients = films.patients[film_rows]
    film_features, ecg_features = (
        group.spaces[space][rows].astype(float)
        for group, space, rows in ((films, film_space, film_rows), (ecgs, ecg_space, ecg_rows))
    )
    first = halves(patients)
    asked = [(_scores(film_features, ecg_features, learnt), patients[~learnt]) for learnt in (first, ~first)]
    return {
        "cxr→ecg": _own([scores for scores, _ in asked], [names for _, names in asked]),
        "ecg→cxr": _own([scores.T for scores, _ in asked], [names for _, names in asked]),
    }


def _first_of_each(films: Group, ecgs: Group) -> list[tuple[int, int]]:
    """Return for each patient the rows of the first encounter's film and ECG."""
    rows = {encounter: row for row, encounter in reversed(list(enumerate(ecgs.encounters)))}
    seen: dict[str, tuple[int, int]] = {}
    for row in np.argsort(films.encounters, kind="stable"):
        if films.encounters[row] in rows:
            seen.setdefault(str(films.patients[row]), (int(row), rows[films.encounters[row]]))
    return [seen[name] for name in sorted(seen)]


def _scores(films: np.ndarray, ecgs: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Return (q, g) cosines of the films and ECGs not learnt from, in the directions that the others share.

    films (n, f), ecgs (n, g), learnt (n,) bool: row by row of one patient
    """
    (x, asked_x), (y, asked_y) = (_components(side, learnt) for side in (films, ecgs))
    left, strength, right = np.linalg.svd(x.T @ y / len(x))
    weight = np.sqrt(strength[:SHARED])
    a, b = (asked_x @ left[:, :SHARED]) * weight, (asked_y @ right[:SHARED].T) * weight
    a, b = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in (a, b))
    return np.asarray(a @ b.T, np.float32)


def _components(features: np.ndarray, learnt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled leading components of the rows learnt from, and those of the others: (n, COMPONENTS) each."""
    from sklearn.decomposition import PCA

    mean, deviation = features[learnt].mean(0), features[learnt].std(0)
    scaled = (features - mean) / np.where(deviation > 1e-9, deviation, 1.0)
    pca = PCA(COMPONENTS, random_state=0).fit(scaled[learnt])
    variance = pca.explained_variance_
    values = pca.transform(scaled) / np.sqrt(variance + RIDGE * variance.mean())
    return values[learnt], values[~learnt]


def _own(scores: Sequence[np.ndarray], patients: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return R@10 and rank of both halves together, patients as queries, and chance within each half."""
    ranks = [own_ranks(one, np.eye(len(one), dtype=bool)) for one in scores]
    names = np.concatenate(list(patients))
    within = np.concatenate([one <= FIRST for one in ranks]).astype(float)
    percentile = np.concatenate([(one - 1) / (len(one) - 1) for one in ranks])
    return {
        "r_at_10": measured_mean(within, names).as_dict(),
        "rank_percentile": measured_mean(percentile, names).as_dict(),
        "chance": float(np.mean([FIRST / len(one) for one in ranks])),
        "gallery": [len(one) for one in ranks],
    }
