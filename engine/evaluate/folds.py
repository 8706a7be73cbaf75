"""`casebind evaluate folds`: linear probes in nested folds by patient over `train` and `valid`; `test` is never read.

Patients are dealt to five folds. The probe of a fold is taught by three others, its strength chosen on the fourth, and
scored on the fold itself. A figure is the mean over folds of the mean AUROC of labels, so scores of different probes
are never ranked together. What is not taught by these recordings, such as the frozen trunk, can be compared here as
often as one likes. A release's encoder has seen the labels of `train`, so patients of `valid` have rows of their own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.evaluate.plots import intervals
from engine.evaluate.probes import FILM_LABELS, NAMES, SUPERCLASSES, certain, film_labels, superclasses
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics import probe_fit
from engine.metrics.classifying import auroc
from engine.metrics.resampling import measured
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release

FOLDS = 5
ALL, UNTAUGHT = "all patients", "patients of valid"
NOTES = (
    "Five folds by patient over train and valid; each probe's strength is chosen on the next fold. Test is not read.",
    "Rows of ours over all patients are no estimate: the encoder has seen the labels of train. Of patients of valid it "
    "has not, but its epoch was chosen on them.",
)


def scored(x: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return scores (n, c) of probes that have not seen an entry's fold: x (n, f), labels (n, c) bool, fold (n,)."""
    scores = np.zeros(labels.shape)
    for number in range(FOLDS):
        test, valid = fold == number, fold == (number + 1) % FOLDS
        train = ~test & ~valid
        scores[test], _ = probe_fit.multi_label((x[train], x[valid], x[test]), (labels[train], labels[valid]))
    return scores


def fold_auroc(scores: np.ndarray, labels: np.ndarray, fold: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of AUROC over folds and labels: scores, labels (n, c), fold (n,), weights (rounds, n) → (rounds,).

    A label that one fold holds always or never is left out of that fold; NaN where nothing is left.
    """
    each = [
        auroc(scores[fold == number, column], labels[fold == number, column], weights[:, fold == number])
        for number in range(FOLDS)
        for column in range(labels.shape[1])
    ]
    known = np.isfinite(each)
    return np.where(known, each, 0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)


def rows(task: str, side: EvaluationTable, labels: np.ndarray, baseline: str) -> list[ResultRow]:
    """Return the AUROC of every view, and ours less the baseline, over all patients and over those of `valid`."""
    if distinct(side.patients) < FOLDS:
        return []
    fold = probe_fit.folds(side.patients, FOLDS)
    taught = [labels[(fold != number) & (fold != (number + 1) % FOLDS)] for number in range(FOLDS)]
    labels = labels[:, np.all([part.any(0) & ~part.all(0) for part in taught], axis=0)]
    if not labels.shape[1]:
        return []
    views = [name for name in ("z", "features", "trunk", "trunk_four", "twin") if name in side.arrays]
    found, made = {name: scored(side.arrays[name], labels, fold) for name in views}, []
    untaught = np.array([recording.split == "valid" for recording in side.recordings], bool)
    for who, kept in ((ALL, np.ones(len(fold), bool)), (UNTAUGHT, untaught)):
        if not kept.any():
            continue
        patients, held, dealt = side.patients[kept], labels[kept], fold[kept]
        spread = {
            name: lambda w, s=scores[kept], y=held, f=dealt: fold_auroc(s, y, f, w) for name, scores in found.items()
        }
        for name, figure in spread.items():
            got = {"AUROC": measured(figure, patients)}
            made.append(ResultRow(f"{task}, {who}", NAMES[name], got, distinct(patients), {"AUROC": 0.5}))
        gain = measured(lambda w, s=spread: s["z"](w) - s[baseline](w), patients)  # type: ignore[misc]
        less = f"ours − {NAMES[baseline]}"
        made.append(ResultRow(f"{task}, {who}", less, {"difference": gain}, distinct(patients)))
    return made


def both(release: Release, path: Path, modality: str, dataset: str, cache: Path) -> EvaluationTable:
    """Return one data set's entries of `train` and `valid`, one after the other."""
    sides = [table(release, path, modality, split, cache=cache).of(dataset) for split in ("train", "valid")]
    sides = [side for side in sides if len(side.recordings)] or sides[:1]
    arrays = {name: np.concatenate([side.arrays[name] for side in sides]) for name in sides[0].arrays}
    listed = [recording for side in sides for recording in side.recordings]
    return EvaluationTable(modality, listed, np.concatenate([side.window for side in sides]), arrays)


def evaluate(release: Release, path: Path, cache: Path) -> Measurement:
    """Return probes of NIH films' eight labels and of PTB-XL's five superclasses."""
    films = both(release, path, "cxr", "nih-cxr14", cache)
    ecgs, held = certain(both(release, path, "ecg", "PTB-XL", cache), superclasses(path))
    found = [
        *rows(f"film, {len(FILM_LABELS)} labels, NIH", films, film_labels(films), "trunk"),
        *rows(f"ECG, {len(SUPERCLASSES)} superclasses, PTB-XL", ecgs, held, "twin"),
    ]
    return Measurement("folds", release.name, "train and valid", found, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw every method's AUROC."""
    return intervals(measurement, ("AUROC",), folder)
