"""Does a drawn film show what it was drawn for? Fainter than on most real films, and it is drawn again.

One logistic regression a finding on what the frozen half of the trunk sees, learnt on the films that the generator
learnt from. A draw is refused where a finding it was asked for scores below what FAINTEST of the real films with that
finding score, each read by a regression that has not seen its patient (rejection sampling by a classifier, as in Azadi
et al., ICLR 2019). The checks of the cohort read with other features, of blocks that this reader does not use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

STRENGTH = 1e-3  # scikit-learn's C, the same for all findings
FAINTEST = 0.2  # share of the real films with a finding that a drawn one must surpass
FOLDS = 5  # of the patients, for the scores of real films
MIN_FILMS = 2 * FOLDS  # real films with a finding
MIN_AUROC = 0.75  # under the ROC curve, of patients unseen: a finding that is read worse is not judged at all


@dataclass(frozen=True, eq=False)
class FilmReader:
    """Regressions of several findings: score = ((x − mean) / deviation) · weights + start."""

    findings: tuple[str, ...]
    mean: np.ndarray  # (f,)
    deviation: np.ndarray  # (f,)
    weights: np.ndarray  # (f, findings)
    start: np.ndarray  # (findings,)
    faintest: np.ndarray  # (findings,) lowest score of a film that shows it

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Features (n, f) → scores (n, findings)."""
        return np.asarray(((x - self.mean) / self.deviation) @ self.weights + self.start)

    def too_faint(self, pixels: np.ndarray, intended: Iterable[str]) -> str:
        """Return "" or which asked finding a film (224, 224) uint8 shows less than real ones do."""
        from engine.model.trunk import film_features

        scores = self.scores(film_features(pixels[None].astype(np.float32) / 255))[0]
        faint = [
            name
            for name, score, least in zip(self.findings, scores, self.faintest, strict=True)
            if name in set(intended) and score < least
        ]
        return f"Shows less of {', '.join(faint)} than real films do." if faint else ""

    def save(self, file: Path) -> None:
        """Write all arrays to an .npz file."""
        arrays = {name: np.asarray(value) for name, value in self.__dict__.items()}
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_reader(file: Path) -> FilmReader:
    """Read what save wrote."""
    with np.load(file) as arrays:
        known = {name: arrays[name] for name in arrays.files}
    return FilmReader(tuple(str(name) for name in known.pop("findings")), **known)


def learn(x: np.ndarray, label_matrix: pd.DataFrame, patients: np.ndarray) -> FilmReader:
    """Fit a reader on features x (n, f), findings held (n, findings) and patients (n,).

    Findings with few films, or that are read badly on unseen patients, are left out.
    """
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    scaled = (x - mean) / deviation
    fitted = {
        str(name): _fit_finding(scaled, label_matrix[name].to_numpy(), patients)
        for name in label_matrix.columns
        if label_matrix[name].sum() >= MIN_FILMS
    }
    kept = {name: one for name, one in fitted.items() if one is not None}
    weights = np.array([one[0] for one in kept.values()]).reshape(len(kept), x.shape[1]).T
    start, faintest = (np.array([one[i] for one in kept.values()]) for i in (1, 2))
    return FilmReader(tuple(kept), mean, deviation, weights, start, faintest)


def _fit_finding(
    x: np.ndarray, has_finding: np.ndarray, patients: np.ndarray
) -> tuple[np.ndarray, float, float] | None:
    """Return weights (f,), start, and the score at FAINTEST of the films with the finding, patients held apart.

    None where films of unseen patients are read worse than LEAST_AREA.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
    unseen = cross_val_predict(model, x, has_finding, groups=patients, cv=GroupKFold(FOLDS), method="decision_function")
    if roc_auc_score(has_finding, unseen) < MIN_AUROC:
        return None
    model.fit(x, has_finding)
    return model.coef_[0], float(model.intercept_[0]), float(np.quantile(unseen[has_finding], FAINTEST))
