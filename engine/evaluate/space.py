"""`casebind evaluate space`: the shared space as a map, and how far modalities lie apart in it.

The map shows neighbourhoods, never distances; the figures beside it are of the space itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.evaluate.evaluation_sides import EvaluationSide, load_evaluation_sides
from engine.evaluate.plots import canvas, save, style
from engine.findings import vocabulary
from engine.map.layout import t_sne
from engine.metrics.quantise import centred
from engine.metrics.resampling import measured, weighted_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release
from engine.plain_text import csv_text

NEAREST = 10
NOTES = (
    "mixing: share of a study's ten nearest, of other patients, that are of another modality; chance is a well-mixed "
    "space. centred: after each modality's mean is removed, as the codes see it.",
    "The map shows neighbourhoods, not distances.",
)


def mixing(z: np.ndarray, kinds: np.ndarray, patients: np.ndarray, k: int = NEAREST) -> np.ndarray:
    """Share of each entry's k nearest, of other patients, that are of another kind: (n, f), (n,), (n,) → (n,)."""
    scores = np.where(patients[:, None] != patients[None], z @ z.T, -np.inf)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return (kinds[nearest] != kinds[:, None]).mean(1)


def _chance(kinds: np.ndarray, patients: np.ndarray) -> np.ndarray:
    allowed = patients[:, None] != patients[None]
    return ((kinds[:, None] != kinds[None]) & allowed).sum(1) / allowed.sum(1)


def _joined(here: dict[str, EvaluationSide], moved: bool) -> np.ndarray:
    return np.concatenate([centred(s.z, s.z.mean(0)) if moved else s.z for s in here.values()])


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return how modalities mix and where their studies lie on the map, a row per modality."""
    here = load_evaluation_sides(release, path, split, cache)
    kinds = np.concatenate([np.full(len(side.z), m) for m, side in here.items()])
    patients = np.concatenate([side.patients for side in here.values()])
    names, held = np.array(list(vocabulary())), np.concatenate([side.has_finding for side in here.values()])
    luck, rows = _chance(kinds, patients), []
    for method, moved in (("as embedded", False), ("centred", True)):
        z = _joined(here, moved)
        share, points = mixing(z, kinds, patients), np.round(t_sne(z), 3)
        for m in here:
            mine = kinds == m
            figure = measured(lambda w, v=share[mine]: weighted_mean(v, w), patients[mine])  # type: ignore[misc]
            more = {"points": points[mine].tolist(), "findings": [";".join(names[h]) for h in held[mine]]}
            chance = {"mixing": float(luck[mine].mean())}
            rows.append(ResultRow(m, method, {"mixing": figure}, distinct(patients[mine]), chance, more))
    return Measurement("space", release.name, split, rows, NOTES)


def _write_points(measurement: Measurement, file: Path) -> Path:
    rows = [
        (row.method, row.task, held, x, y)
        for row in measurement.rows
        for (x, y), held in zip(row.more["points"], row.more["findings"], strict=True)
    ]
    file.write_text(csv_text(("map", "modality", "findings", "x", "y"), rows), encoding="utf-8", newline="")
    return file


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Write the maps as a picture, a colour and a shape per modality, and as space.csv."""
    methods = list(dict.fromkeys(row.method for row in measurement.rows))
    drawing, panels = canvas(1, len(methods), (6.0, 5.6))
    for axes, method in zip(panels.flat, methods, strict=True):
        for number, row in enumerate(row for row in measurement.rows if row.method == method):
            x, y = np.array(row.more["points"]).T
            axes.scatter(x, y, s=14, alpha=0.6, linewidths=0, label=row.task, **style(number))
        axes.set_title(f"{method}, release {measurement.release}, {measurement.split}", fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.legend(fontsize=8)
    return [save(drawing, folder / "space.png"), _write_points(measurement, folder / "space.csv")]
