"""`casebind evaluate curve`: what linear probes read from the embeddings when fewer patients teach them.

Where the curve still rises at all patients, more of them would help; where it is flat, the embedding is the limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.evaluate import probes
from engine.evaluate.plots import canvas, save, style
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics.rows import Measurement, ResultRow
from engine.model.release import Release

SHARES = (0.1, 0.25, 0.5, 1.0)
NOTES = (
    "Only the probe sees fewer patients; the encoders were trained on all of train. Its strength is chosen on valid "
    "at every share.",
)


def fewer(side: EvaluationTable, share: float, seed: int = 0) -> EvaluationTable:
    """Keep the entries of a share of the patients, at least one; smaller shares are parts of larger ones."""
    names = np.unique(side.patients)
    kept = np.random.default_rng(seed).permutation(names)[: max(1, round(share * len(names)))]
    return side.take(np.isin(side.patients, kept))


def curves(
    sides: dict[str, list[EvaluationTable]], known_superclasses: dict[str, frozenset[str]]
) -> Iterator[ResultRow]:
    """Yield each task's figure at every share: films of NIH, ECGs of PTB-XL, heart rates of BIDMC."""
    for share in SHARES:
        part = {name: [fewer(train, share), *others] for name, (train, *others) in sides.items()}
        labels = [probes.film_labels(side) for side in part["film"]]
        rows = probes.multi_label_rows("film, 8 labels, NIH", part["film"], labels, probes.FILM_LABELS, ())
        rows += probes.ecg_rows("ECG, 5 superclasses, PTB-XL", part["ecg"], known_superclasses, ())
        rows += [row for row in probes.rate_rows(part["ppg"], ("z",)) if row.method == probes.NAMES["z"]]
        for row in rows:
            method = f"{100 * share:g} % of train patients"
            yield ResultRow(row.task, method, row.figures, row.patients, row.chance, {**row.more, "share": share})


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return the learning curves of the probes of a release on one split."""
    order = ("train", "valid", split)
    films, ppg, ecg = ([table(release, path, m, s, cache=cache) for s in order] for m in ("cxr", "ppg", "ecg"))
    sides = {
        "film": [side.of("nih-cxr14") for side in films],
        "ecg": [side.of("PTB-XL") for side in ecg],
        "ppg": [probes.with_reference(p, e) for p, e in zip(ppg, ecg, strict=True)],
    }
    rows = list(curves(sides, probes.superclasses(path)))
    return Measurement("curve", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw every task's figure, with its interval, against the share of patients."""
    tasks = list(dict.fromkeys(row.task for row in measurement.rows))
    drawing, panels = canvas(1, max(1, len(tasks)), (3.4, 3.0))
    for number, (task, axes) in enumerate(zip(tasks, panels.flat, strict=False)):
        rows = [row for row in measurement.rows if row.task == task]
        figures = [next(iter(row.figures.values())) for row in rows]
        shares = [row.more["share"] for row in rows]
        value, low, high = (np.array([getattr(f, part) for f in figures]) for part in ("value", "low", "high"))
        axes.errorbar(shares, value, np.clip([value - low, high - value], 0, None), capsize=3, **style(number))
        axes.set_title(task, fontsize=9)
        axes.set_xscale("log")
        axes.set_ylabel(next(iter(rows[0].figures)))
    drawing.supxlabel("share of train patients")
    return [save(drawing, folder / "curve.png")]
