"""`casebind evaluate pairs`: the simultaneous ECG window of a PPG, and back, beside chance and heart-rate matching.

`rows_of` takes arrays of one or more held-out folds, so that a run that trains a model per fold can pool them: each
fold is a gallery of its own, and queries are pooled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.evaluate.plots import intervals
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics.quantise import similarity
from engine.metrics.recall import KS, recall_in
from engine.metrics.resampling import measured, weighted_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.packing import LENGTHS, unpack
from engine.model.release import Release

DRAWS = 100  # galleries with one window per patient
NOTES = (
    "Pairs are PPG windows of 10 s and the ECG lead recorded beside them (BIDMC); queries and gallery are held out.",
    "Heart-rate matching ranks by |difference| of the rates from PPG peaks and from R peaks; ties count in part.",
    "One window per segment: all segments' windows at the same place in the minute, averaged over the six places.",
)


@dataclass(frozen=True)
class WindowPairs:
    """Held-out windows of one fold; entry i of every array is the same moment.

    ppg, ecg (n, f): embeddings, or bits as bool · patients, segments (n,) · rate_ppg, rate_ecg (n,): beats per minute,
    NaN where unknown
    """

    ppg: np.ndarray
    ecg: np.ndarray
    patients: np.ndarray
    segments: np.ndarray
    rate_ppg: np.ndarray
    rate_ecg: np.ndarray


Scorer = Callable[[WindowPairs], np.ndarray]  # (n, n) scores of PPG (rows) against ECG (columns)


def by_space(fold: WindowPairs) -> np.ndarray:
    """Cosine of embeddings, or agreement of bits: (n, n)."""
    return similarity(fold.ppg, fold.ecg) if fold.ppg.dtype == bool else fold.ppg @ fold.ecg.T


def by_rate(fold: WindowPairs) -> np.ndarray:
    """Minus the difference of heart rates, (n, n); an unknown rate is as far as can be."""
    return -np.nan_to_num(np.abs(fold.rate_ppg[:, None] - fold.rate_ecg[None]), nan=1e6)


def every(fold: WindowPairs) -> list[np.ndarray]:
    """One gallery: all windows."""
    return [np.arange(len(fold.patients))]


def one_per_segment(fold: WindowPairs) -> list[np.ndarray]:
    """Galleries of the first, second … windows of all segments."""
    place = np.zeros(len(fold.segments), int)
    for name in np.unique(fold.segments):
        mine = fold.segments == name
        place[mine] = np.arange(mine.sum())
    return [np.flatnonzero(place == number) for number in np.unique(place)]


def one_per_patient(fold: WindowPairs) -> list[np.ndarray]:
    """Galleries of one random window per patient."""
    rng = np.random.default_rng(0)
    each = [np.flatnonzero(fold.patients == name) for name in np.unique(fold.patients)]
    return [np.array([rng.choice(mine) for mine in each]) for _ in range(DRAWS)]


GALLERIES = {"all windows": every, "one window per segment": one_per_segment, "one window per patient": one_per_patient}


def _recalls(folds: Sequence[WindowPairs], score: Scorer, gallery: str, back: bool) -> dict[int, np.ndarray]:
    out = {}
    for k in KS:
        parts = []
        for fold in folds:
            scores = score(fold)
            same = np.eye(len(scores), dtype=bool)
            parts.append(recall_in(scores.T if back else scores, same, GALLERIES[gallery](fold), k))
        out[k] = np.concatenate(parts)
    return out


def row_of(
    folds: Sequence[WindowPairs], task: str, method: str, gallery: str, score: Scorer, *, back: bool = False
) -> ResultRow:
    """Return R@1/5/10 of one method over the pooled queries of all folds, with chance and how many times it."""
    patients = np.concatenate([fold.patients for fold in folds])
    figures, chance = {}, {}
    luck = _recalls(folds, lambda fold: np.zeros((len(fold.patients),) * 2), gallery, back)
    for k, values in _recalls(folds, score, gallery, back).items():
        kept = np.isfinite(values)
        mine = values[kept]
        figures[f"R@{k}"] = measured(lambda w, v=mine: weighted_mean(v, w), patients[kept])  # type: ignore[misc]
        chance[f"R@{k}"] = float(luck[k][kept].mean())
    times = {f"times_chance_R@{k}": round(figures[f"R@{k}"].value / chance[f"R@{k}"], 2) for k in KS}
    sizes = [len(chosen) for fold in folds for chosen in GALLERIES[gallery](fold)]
    return ResultRow(
        task, method, figures, distinct(patients), chance, {**times, "gallery": round(float(np.mean(sizes)), 1)}
    )


def rows_of(spaces: dict[str, Sequence[WindowPairs]]) -> list[ResultRow]:
    """Return rows of every method, direction and gallery; spaces: method → its folds, whose rates are the same."""
    rows = []
    some = next(iter(spaces.values()))
    for arrow, back in (("PPG→ECG", False), ("ECG→PPG", True)):
        for gallery in GALLERIES:
            task = f"{arrow}, {gallery}"
            rows += [row_of(folds, task, name, gallery, by_space, back=back) for name, folds in spaces.items()]
            rows.append(row_of(some, task, "heart-rate matching", gallery, by_rate, back=back))
    return rows


def window_pairs(
    ppg: EvaluationTable, ecg: EvaluationTable, ppg_values: np.ndarray, ecg_values: np.ndarray
) -> WindowPairs:
    """Line up simultaneous windows; one, other: what stands for each table's entries, embeddings or bits."""
    place = {moment: i for i, moment in enumerate(ecg.window_keys)}
    here = np.array([i for i, moment in enumerate(ppg.window_keys) if moment in place], int)
    there = np.array([place[ppg.window_keys[i]] for i in here], int)
    segments = np.array([ppg.recordings[i].encounter_id for i in here])
    rates = ppg.arrays["rate"][here], ecg.arrays["rate"][there]
    return WindowPairs(ppg_values[here], ecg_values[there], ppg.patients[here], segments, *rates)


def spaces_of(release: Release, ppg: EvaluationTable, ecg: EvaluationTable) -> dict[str, Sequence[WindowPairs]]:
    """Return one fold of our embeddings, of our codes at each length, and of an untrained twin's embeddings."""
    bits = unpack(release.codes(ppg.z, "ppg")), unpack(release.codes(ecg.z, "ecg"))
    out: dict[str, Sequence[WindowPairs]] = {"ours, float": [window_pairs(ppg, ecg, ppg.z, ecg.z)]}
    for length in reversed(LENGTHS):
        out[f"ours, {length} bits"] = [window_pairs(ppg, ecg, bits[0][:, :length], bits[1][:, :length])]
    out["untrained twin"] = [window_pairs(ppg, ecg, ppg.arrays["twin"], ecg.arrays["twin"])]
    return out


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return pair search of a release on one split's BIDMC windows."""
    ppg, ecg = (table(release, path, m, split, cache=cache).of("BIDMC") for m in ("ppg", "ecg"))
    rows = rows_of(spaces_of(release, ppg, ecg)) if len(ppg.recordings) else []
    return Measurement("pairs", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw R@1 and R@10."""
    return intervals(measurement, ("R@1", "R@10"), folder)
