"""`casebind evaluate calibration`: are relevance probabilities true, and what do the operating points trade?

The tables were fitted on `valid`; here they meet another split. For every pair of modalities and code length: predicted
relevance in ten bins beside the share that was relevant, and for every radius the share of relevant pairs inside it and
how many inside are relevant.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.evaluation_sides import EvaluationSide, load_evaluation_sides, typed
from engine.evaluate.plots import COLOURS, MARKERS, canvas, save, style
from engine.findings import sharing
from engine.metrics.classifying import calibration_error, reliability
from engine.metrics.resampling import draws, measured
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.modalities import MODALITIES
from engine.model.packing import LENGTHS, distances
from engine.model.release import Release
from engine.training.hashing.calibration import POINTS

BINS = 10
DRAWN_PAIRS = 50  # a bin of fewer is in the JSON, but not drawn: its share says little
NOTES = (
    "Relevance is a shared finding; pairs are of different patients; one window per recording. ECE is the mean gap "
    "between predicted and observed relevance over ten bins, by share of pairs.",
    "A text that asks is a finding as somebody may type it, all findings alike often; intervals resample phrases.",
    "found: share of relevant pairs inside the radius; precision: share of those inside that are relevant; chance of "
    "precision is the share of all pairs that are relevant.",
    "Films and ECGs in these recordings share no patient: film–ECG figures rest on shared labels, not on patients.",
)


def trade_off(distance: np.ndarray, relevant: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n,), relevant (n,) bool → share found and precision within each radius 0 … bits, (bits + 1,) each.

    Precision is NaN where nothing lies inside.
    """
    inside = np.bincount(distance, minlength=bits + 1).cumsum()
    right = np.bincount(distance[relevant], minlength=bits + 1).cumsum()
    return right / max(1, right[-1]), np.divide(right, inside, out=np.full(bits + 1, np.nan), where=inside > 0)


def binned(predicted: np.ndarray, relevant: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Reliability of each query: (q, g) each → (3, q, bins) pairs, summed prediction, relevant pairs."""
    rows = [reliability(p[a], r[a], BINS) for p, r, a in zip(predicted, relevant, allowed, strict=True)]
    return np.moveaxis(np.array(rows), 0, 1)


def row_of(release: Release, a: EvaluationSide, b: EvaluationSide, bits: int) -> ResultRow:
    """Return calibration error, and found and precision at each operating point, of one pair and length."""
    distance = distances(release.codes(a.z, a.modality), release.codes(b.z, b.modality), bits)
    relevant = sharing(a.has_finding, b.has_finding)
    allowed, d = a.patients[:, None] != b.patients[None], np.arange(bits + 1)
    curve = np.array([release.relevance(a.modality, b.modality, bits, int(i)) for i in d])
    parts, drawn = binned(curve[distance], relevant, allowed), draws(a.patients)
    figures = {"ECE": measured(lambda w: calibration_error(*(w @ part for part in parts)), a.patients, drawn)}
    for at in POINTS:
        inside = (distance <= release.radius(a.modality, b.modality, bits, at)) & allowed
        hits, all_inside, all_right = (part.sum(1) for part in (inside & relevant, inside, relevant & allowed))
        for name, of in (("found", all_right), ("precision", all_inside)):
            figures[f"{name}, {at}"] = measured(
                lambda w, of=of, hits=hits: _share(w @ hits, w @ of),  # type: ignore[misc]
                a.patients,
                drawn,
            )
    share = float(relevant[allowed].mean())
    luck = {f"precision, {at}": share for at in POINTS}
    found, precision = trade_off(distance[allowed], relevant[allowed], bits)
    pairs, summed, happened = parts.sum(1)
    more: dict[str, Any] = {
        "bits": bits,
        "radius": {at: release.radius(a.modality, b.modality, bits, at) for at in POINTS},
        "bins": {"pairs": pairs.tolist(), "predicted": _listed(summed, pairs), "observed": _listed(happened, pairs)},
        "curve": {"found": _rounded(found), "precision": _rounded(precision)},
    }
    return ResultRow(f"{a.modality}→{b.modality}", f"ours {bits}", figures, distinct(a.patients), luck, more)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _rounded(values: np.ndarray) -> list[float | None]:
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]


def _listed(summed: np.ndarray, pairs: np.ndarray) -> list[float | None]:
    return _rounded(_share(summed, pairs))


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return calibration and operating points of a release on one split, a row per pair of modalities and length."""
    here = load_evaluation_sides(release, path, split, cache)
    asking = {**here, "text": typed(release, cache)}
    rows = [row_of(release, asking[a], here[b], bits) for a, b in product(MODALITIES, repeat=2) for bits in LENGTHS]
    return Measurement("calibration", release.name, split, rows, NOTES)


def _panels(measurement: Measurement, name: str, folder: Path) -> Path:
    drawing, panels = canvas(4, 4, (3.2, 2.8))
    tasks = list(dict.fromkeys(row.task for row in measurement.rows))
    for task, axes in zip(tasks, panels.flat, strict=True):
        for number, row in enumerate(row for row in measurement.rows if row.task == task):
            (_reliability if name == "reliability" else _trade)(axes, row, number)
        axes.set_title(task, fontsize=9)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    panels[0, 0].legend(fontsize=6)
    true = name == "reliability"
    drawing.supxlabel("predicted relevance" if true else "share of relevant pairs found")
    drawing.supylabel("observed" if true else "precision")
    return save(drawing, folder / f"calibration-{name}.png")


def _reliability(axes: Any, row: ResultRow, number: int) -> None:
    bins = row.more["bins"]
    listed = zip(bins["pairs"], bins["predicted"], bins["observed"], strict=True)
    kept = [(predicted, observed) for pairs, predicted, observed in listed if pairs >= DRAWN_PAIRS]
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    axes.plot(*np.array(kept).reshape(-1, 2).T, label=f"{row.more['bits']} bits", markersize=4, **style(number))


def _trade(axes: Any, row: ResultRow, number: int) -> None:
    curve = row.more["curve"]
    kept = [(f, p) for f, p in zip(curve["found"], curve["precision"], strict=True) if p is not None]
    axes.plot(*np.array(kept).reshape(-1, 2).T, label=f"{row.more['bits']} bits", color=COLOURS[number], linewidth=1)
    for at, marker in zip(POINTS, MARKERS, strict=False):
        point = row.figures[f"found, {at}"].value, row.figures[f"precision, {at}"].value
        label = at if number == 0 else None
        axes.plot(*point, marker=marker, color=COLOURS[number], markersize=5, linestyle="", label=label)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw reliability, and the trade-off of the radius with the operating points marked, a panel per pair."""
    return [_panels(measurement, "reliability", folder), _panels(measurement, "operating-points", folder)]
