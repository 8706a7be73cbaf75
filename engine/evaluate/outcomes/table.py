"""Table 4: balanced accuracy and AUROC of every row on `test`, with intervals by patient, and what rows differ by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.evaluate.outcomes.cohort import TaskTable
from engine.evaluate.outcomes.run import SHUFFLED, OutcomeRun, predictions
from engine.evaluate.plots import intervals
from engine.metrics.classifying import auroc, balanced_accuracy
from engine.metrics.probe_fit import STRENGTHS, logistic_scores, standardised
from engine.metrics.resampling import Estimate, draws, measured
from engine.metrics.rows import Measurement, ResultRow, distinct

ACCURACY, AREA = "balanced accuracy", "AUROC"
CHANCE = {ACCURACY: 0.5, AREA: 0.5}
DIFFERENCES = (("bound", "text"), ("text", SHUFFLED), ("bound", "reports"), ("bound", "normal"), ("bound", "zoo"))
NOTES = (
    "A measurement of embeddings, never a prediction about a patient: nothing here may be used for care.",
    "Rows of a language model are the mean of its seeds' figures; the interval draws patients, for all seeds alike.",
    "Counted as the outcome is whoever's odds are above those of `train`. Shuffled: the model of the release's row, "
    "with another patient's film and ECG.",
    "Readings are published labels of film and ECG; vitals are age, sex, urgency and what triage measured.",
)


def evaluate(run: OutcomeRun) -> Measurement:
    """Return the rows of a run that is trained, its logistic regressions, and differences with their intervals."""
    found = predictions(run)
    titles = {arm.name: arm.title for arm in run.arms} | {SHUFFLED: "text and embeddings of another patient (shuffled)"}
    rows: list[ResultRow] = []
    for task, table in run.tables.items():
        rows += [_row(table, name, titles[name], each) for name, each in found[task].items()]
        rows += [
            _row(table, name, f"logistic regression, {title}", one[None]) for name, title, one in logistic(run, table)
        ]
        pairs = [pair for pair in DIFFERENCES if set(pair) <= set(found[task])]
        rows += [_difference(table, titles, found[task], pair) for pair in pairs]
    bound = next((arm.readers["cxr"].release.name for arm in run.arms if arm.readers), "none")
    return Measurement("outcomes", bound, "test", rows, (*NOTES, _counted(run)))


def logistic(run: OutcomeRun, table: TaskTable) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, title and log-odds on `test`, above those of `train`, of one logistic regression each: (n,).

    Standardised by `train`, strength chosen on `valid`; what was not measured is the mean of `train`.
    """
    bound = next((arm for arm in run.arms if arm.name == "bound"), None)
    vitals = _filled(table.vitals, table)
    yield "vitals", "vitals", _fitted(vitals, table)
    yield "readings", "vitals and readings", _fitted(np.concatenate([vitals, _filled(table.readings, table)], 1), table)
    if bound is not None:
        vectors = [one.values for one in run.embedded(bound, table).values()]
        yield "embeddings", "vitals and embeddings", _fitted(np.concatenate([vitals, *vectors], 1), table)


def _fitted(features: np.ndarray, table: TaskTable) -> np.ndarray:
    train, valid, test = (table.of(name) for name in ("train", "valid", "test"))
    parts = standardised(features[train], features[valid], features[test])
    tried = {}
    for strength in STRENGTHS:
        on_valid, on_test = logistic_scores(parts[0], table.truth[train], strength, *parts[1:])
        ranked = auroc(on_valid, table.truth[valid])[0] if len(valid) else np.nan
        tried[strength] = (float(np.nan_to_num(ranked, nan=0.0)), on_test)
    best = max(tried, key=lambda strength: tried[strength][0])
    share = table.prevalence
    return np.asarray(tried[best][1] - np.log(share / (1 - share)))


def _filled(values: np.ndarray, table: TaskTable) -> np.ndarray:
    """Return values (n, f) with the mean of `train` where nothing was measured, and a column of whether it was."""
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)[table.of("train")]
    mean = known.sum(0) / np.maximum((~missing)[table.of("train")].sum(0), 1)
    return np.concatenate([np.where(missing, mean, values), missing.astype(float)], 1)


def _figures(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return each metric averaged over seeds: scores (s, n), truth (n,), weights (rounds, n) → (rounds,)."""
    accuracy = [balanced_accuracy(((one > 0) == truth).astype(float), truth, weights) for one in scores]
    return {ACCURACY: np.mean(accuracy, axis=0), AREA: np.mean([auroc(one, truth, weights) for one in scores], axis=0)}


def _row(table: TaskTable, name: str, title: str, scores: np.ndarray) -> ResultRow:
    test = table.of("test")
    truth, patients = table.truth[test], table.patients[test]
    drawn = draws(patients)
    figures = {
        metric: measured(lambda weights, metric=metric: _figures(scores, truth, weights)[metric], patients, drawn)  # type: ignore[misc]
        for metric in (ACCURACY, AREA)
    }
    more = {"arm": name, "seeds": len(scores), "with the outcome": int(truth.sum())}
    return ResultRow(table.task, title, figures, distinct(patients), CHANCE, more)


def _difference(
    table: TaskTable, titles: dict[str, str], found: dict[str, np.ndarray], pair: tuple[str, str]
) -> ResultRow:
    """Return by how much one row is above another, on the same draws of patients."""
    test = table.of("test")
    truth, patients = table.truth[test], table.patients[test]
    drawn = draws(patients)

    def gain(weights: np.ndarray, metric: str) -> np.ndarray:
        one, other = (_figures(found[name], truth, weights)[metric] for name in pair)
        return one - other

    figures: dict[str, Estimate] = {
        f"difference in {metric}": measured(lambda weights, metric=metric: gain(weights, metric), patients, drawn)  # type: ignore[misc]
        for metric in (ACCURACY, AREA)
    }
    return ResultRow(table.task, f"{titles[pair[0]]} − {titles[pair[1]]}", figures, distinct(patients))


def _counted(run: OutcomeRun) -> str:
    """Return how many admissions of each split are asked, and how many of them have a film and an ECG."""
    said = []
    for task, table in run.tables.items():
        asked = ", ".join(f"{len(table.of(name)):,} {name}" for name in ("train", "valid", "test"))
        films, ecgs = (sum(one is not None for one in held) for held in (table.films, table.ecgs))
        said.append(f"{task}: {asked}; {films:,} with a film, {ecgs:,} with an ECG")
    return f"Language model {run.language().name}. Admissions: {'. '.join(said)}."


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw balanced accuracy and AUROC of every row."""
    return intervals(measurement, (ACCURACY, AREA), folder)


def marked(measurement: Measurement, words: str) -> Measurement:
    """Return a measurement that begins by saying where its admissions are from."""
    return replace(measurement, notes=(words, *measurement.notes))
