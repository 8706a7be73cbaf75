"""`casebind evaluate probes`: what linear probes read from the frozen embeddings, beside trunk and untrained twin."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.evaluate.plots import intervals
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics import probe_fit
from engine.metrics.classifying import auroc, mean_auroc
from engine.metrics.resampling import Estimate, measured, weighted_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release

FILM_LABELS = (
    "No Finding",
    "Cardiomegaly",
    "Pleural Effusion",
    "Edema",
    "Atelectasis",
    "Lung Opacity",
    "Lung Lesion",
    "Pneumonia",
)
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")  # Wagner et al. 2020
STAGES = ("Stage 1 hypertension", "Stage 2 hypertension")
WITHIN_PER_MIN, AGREE_PER_MIN = 5.0, 10.0  # a right heart rate; a reference that the monitor's value supports
FOLDS = 10
PEAKS = "the PPG's own peaks (neurokit2), no model"
NAMES = {
    "z": "ours (256)",
    "features": "ours, features under the head",
    "trunk": "frozen trunk, class token",
    "trunk_four": "frozen trunk, four class tokens ‖ patches",
    "twin": "untrained twin (256)",
}
NOTES = (
    "Probes are fitted on train, their strength chosen on valid. Film labels are text-mined and positive-only.",
    "Rows marked 'all patients' deal all patients of the set to ten folds; the release itself has seen its train "
    "patients, with their labels, so only the rows by split are free of that.",
)
Sides = Sequence[EvaluationTable]  # train, valid, and the split that is reported


def multi_label_rows(
    task: str, sides: Sides, labels: Sequence[np.ndarray], names: Sequence[str], baselines: Sequence[str]
) -> list[ResultRow]:
    """Return mean AUROC over labels (n, c) bool for each view, and ours less each baseline, paired.

    Labels that train or the reported split hold always or never are left out; no row where none is left.
    """
    both = np.all([part.any(0) & ~part.all(0) for part in (labels[0], labels[2])], axis=0)
    if not both.any() or not len(labels[1]):
        return []
    labels, names = [part[:, both] for part in labels], [name for name, kept in zip(names, both, strict=True) if kept]
    patients, scored, rows = sides[2].patients, {}, []
    views = [view for view in ("z", *baselines) if view in sides[2].arrays]
    for view in views:
        parts = (sides[0].arrays[view], sides[1].arrays[view], sides[2].arrays[view])
        scored[view], strength = probe_fit.multi_label(parts, (labels[0], labels[1]))
        figure = measured(lambda w, s=scored[view]: mean_auroc(s, labels[2], w), patients)  # type: ignore[misc]
        each = {f"AUROC {n}": float(auroc(scored[view][:, i], labels[2][:, i])[0]) for i, n in enumerate(names)}
        rows.append(
            ResultRow(task, NAMES[view], {"AUROC": figure}, distinct(patients), {"AUROC": 0.5}, {"C": strength, **each})
        )
    for view in views[1:]:
        gain = measured(
            lambda w, s=scored[view]: mean_auroc(scored["z"], labels[2], w) - mean_auroc(s, labels[2], w),  # type: ignore[misc]
            patients,
        )
        rows.append(ResultRow(task, f"ours − {NAMES[view]}", {"difference": gain}, distinct(patients)))
    return rows


def film_labels(side: EvaluationTable, names: Sequence[str] = FILM_LABELS) -> np.ndarray:
    """Return which films hold which published labels: (n, names) bool."""
    return np.array([[name in r.labels for name in names] for r in side.recordings], bool).reshape(-1, len(names))


def film_rows(sides: Sides) -> list[ResultRow]:
    """Mean AUROC over eight labels of the NIH films."""
    nih = [side.of("nih-cxr14") for side in sides]
    labels = [film_labels(side) for side in nih]
    baselines = ("features", "trunk", "trunk_four", "twin")
    return multi_label_rows("film, 8 labels, NIH", nih, labels, FILM_LABELS, baselines)


def superclasses(path: Path) -> dict[str, frozenset[str]]:
    """Return PTB-XL's superclasses by record; a blank one means "not certain" and is left out."""
    with (path / "ecg" / "ecg.csv").open(newline="", encoding="utf-8") as handle:
        rows = [(row["record_id"], row["superclass"]) for row in csv.DictReader(handle) if row["dataset"] == "PTB-XL"]
    return {record: frozenset(held.split(";")) for record, held in rows if held}


def certain(side: EvaluationTable, known_superclasses: dict[str, frozenset[str]]) -> tuple[EvaluationTable, np.ndarray]:
    """Keep ECGs whose superclasses are certain: table, labels (n, 5) bool."""
    kept = side.take(np.array([r.study_id in known_superclasses for r in side.recordings], bool))
    labels = [[c in known_superclasses[r.study_id] for c in SUPERCLASSES] for r in kept.recordings]
    return kept, np.array(labels, bool).reshape(-1, len(SUPERCLASSES))


def ecg_rows(
    task: str,
    sides: Sides,
    known_superclasses: dict[str, frozenset[str]],
    baselines: Sequence[str] = ("features", "twin"),
) -> list[ResultRow]:
    """Macro AUROC of PTB-XL's five superclasses."""
    kept, labels = zip(*(certain(side, known_superclasses) for side in sides), strict=True)
    return multi_label_rows(task, kept, labels, SUPERCLASSES, baselines)


def with_reference(ppg: EvaluationTable, ecg: EvaluationTable) -> EvaluationTable:
    """Keep BIDMC windows whose simultaneous ECG gives a rate that the monitor's supports, and put it in place.

    The rate of the PPG's own peaks is kept as `peaks`.
    """
    rates = dict(zip(ecg.window_keys, ecg.arrays["rate"], strict=True))
    reference = np.array([rates.get(moment, np.nan) for moment in ppg.window_keys])
    monitor = np.array([r.heart_rate if r.heart_rate is not None else np.nan for r in ppg.recordings])
    kept = np.abs(reference - monitor) <= AGREE_PER_MIN
    found = ppg.take(kept)
    return EvaluationTable(
        found.modality,
        found.recordings,
        found.window,
        {**found.arrays, "peaks": found.arrays["rate"], "rate": reference[kept]},
    )


def _hits(predicted: np.ndarray, reference: np.ndarray, patients: np.ndarray) -> dict[str, Estimate]:
    right = (np.abs(predicted - reference) <= WITHIN_PER_MIN).astype(float)
    return {"within 5 bpm": measured(lambda w: weighted_mean(right, w), patients)}


def rate_rows(sides: Sides, views: Sequence[str] = ("z", "features", "twin")) -> list[ResultRow]:
    """Share of BIDMC windows whose rate a ridge probe gives within 5 bpm, beside PPG peaks and train's median."""
    task, reference, rows = "PPG, heart rate, by split", [side.arrays["rate"] for side in sides], []
    if not all(len(part) for part in reference):
        return []
    for view in views:
        parts = (sides[0].arrays[view], sides[1].arrays[view], sides[2].arrays[view])
        predicted, alpha = probe_fit.chosen_ridge(parts, (reference[0], reference[1]), WITHIN_PER_MIN)
        figures = _hits(predicted, reference[2], sides[2].patients)
        rows.append(ResultRow(task, NAMES[view], figures, distinct(sides[2].patients), {}, {"alpha": alpha}))
    constant = np.full(len(reference[2]), np.median(reference[0]))
    for name, found in ((PEAKS, sides[2].arrays["peaks"]), ("median rate of train", constant)):
        rows.append(ResultRow(task, name, _hits(found, reference[2], sides[2].patients), distinct(sides[2].patients)))
    return rows


def joined(sides: Sides) -> EvaluationTable:
    """Return train, valid and test as one table."""
    arrays = {name: np.concatenate([side.arrays[name] for side in sides]) for name in sides[0].arrays}
    listed = [recording for side in sides for recording in side.recordings]
    return EvaluationTable(sides[0].modality, listed, np.concatenate([side.window for side in sides]), arrays)


def rate_rows_in_folds(whole: EvaluationTable) -> list[ResultRow]:
    """The same over all patients in ten folds; each fold's alpha is chosen on the next fold."""
    fold, rate, rows = probe_fit.folds(whole.patients, FOLDS), whole.arrays["rate"], []
    if distinct(whole.patients) < FOLDS:
        return []
    for view in ("z", "features", "twin"):
        predicted = np.zeros(len(rate))
        for number in range(FOLDS):
            test, valid = fold == number, fold == (number + 1) % FOLDS
            train, x = ~test & ~valid, whole.arrays[view]
            predicted[test], _ = probe_fit.chosen_ridge(
                (x[train], x[valid], x[test]), (rate[train], rate[valid]), WITHIN_PER_MIN
            )
        figures = _hits(predicted, rate, whole.patients)
        rows.append(ResultRow("PPG, heart rate, all patients", NAMES[view], figures, distinct(whole.patients)))
    figures = _hits(whole.arrays["peaks"], rate, whole.patients)
    return [*rows, ResultRow("PPG, heart rate, all patients", PEAKS, figures, distinct(whole.patients))]


def staged(side: EvaluationTable) -> tuple[EvaluationTable, np.ndarray]:
    """Keep PPG-BP's segments of normal pressure or stage ≥ 1 hypertension: table, hypertension (n,) bool."""
    high = np.array([any(stage in r.labels for stage in STAGES) for r in side.recordings], bool)
    normal = np.array(["Normal blood pressure" in r.labels for r in side.recordings], bool)
    return side.take(high | normal), high[high | normal]


def pressure_rows(sides: Sides) -> list[ResultRow]:
    """AUROC of stage ≥ 1 hypertension against normal pressure, by segment, by split."""
    kept, labels = zip(*(staged(side.of("PPG-BP")) for side in sides), strict=True)
    held = tuple(column[:, None] for column in labels)
    return multi_label_rows("PPG, hypertension, by split", kept, held, ("hypertension",), ("features", "twin"))


def pressure_rows_in_folds(whole: EvaluationTable) -> list[ResultRow]:
    """The same over all patients in ten folds, by segment and by patient (mean score); C chosen on the next fold."""
    kept, high = staged(whole.of("PPG-BP"))
    fold, names, rows = probe_fit.folds(kept.patients, FOLDS), np.unique(kept.patients), []
    if len(names) < FOLDS or high.all() or not high.any():
        return []
    ill = np.array([high[kept.patients == name].any() for name in names])
    for view in ("z", "features", "twin"):
        scores = np.zeros(len(high))
        for number in range(FOLDS):
            test, valid = fold == number, fold == (number + 1) % FOLDS
            train, x = ~test & ~valid, kept.arrays[view]
            found, _ = probe_fit.multi_label(
                (x[train], x[valid], x[test]), (high[train][:, None], high[valid][:, None])
            )
            scores[test] = found[:, 0]
        mean = np.array([scores[kept.patients == name].mean() for name in names])
        for unit, s, y, who in (("segment", scores, high, kept.patients), ("patient", mean, ill, names)):
            figure = measured(lambda w, s=s, y=y: auroc(s, y, w), who)  # type: ignore[misc]
            task = f"PPG, hypertension, all patients, by {unit}"
            rows.append(ResultRow(task, NAMES[view], {"AUROC": figure}, len(names), {"AUROC": 0.5}))
    return rows


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return every probe of a release on one split."""
    order = ("train", "valid", split)
    films, ppg, ecg = ([table(release, path, m, s, cache=cache) for s in order] for m in ("cxr", "ppg", "ecg"))
    second = [table(release, path, "ecg", s, lead="II", dataset="PTB-XL", cache=cache) for s in order]
    timed, known = [with_reference(p, e) for p, e in zip(ppg, ecg, strict=True)], superclasses(path)
    rows = [
        *film_rows(films),
        *ecg_rows("ECG, 5 superclasses, PTB-XL", ecg, known),
        *ecg_rows("ECG, lead II alone, PTB-XL", second, known),
        *rate_rows(timed),
        *pressure_rows(ppg),
    ]
    if split == "test":  # all patients include those of test
        rows += [*rate_rows_in_folds(joined(timed)), *pressure_rows_in_folds(joined(ppg))]
    return Measurement("probes", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw every method's AUROC and its share of heart rates within 5 bpm."""
    return intervals(measurement, ("AUROC", "within 5 bpm"), folder)
