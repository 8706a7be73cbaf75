"""Rows of a measurement: what was asked, of which method, its figures with intervals; as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.metrics.resampling import Estimate


@dataclass(frozen=True)
class ResultRow:
    """One line of a table.

    figures : metric → value with n and 95 % interval by patient     chance : metric → what no knowledge gives
    more    : further facts of the row, kept in the JSON (chosen strength, yes or no of a bar …)
    """

    task: str
    method: str
    figures: dict[str, Estimate]
    patients: int
    chance: dict[str, float] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the row for JSON; what is not a number is null."""
        return {
            "task": self.task,
            "method": self.method,
            "figures": {name: _plain(figure.as_dict()) for name, figure in self.figures.items()},
            "patients": self.patients,
            "chance": {name: round(float(value), 4) for name, value in self.chance.items()},
            **_plain(self.more),
        }


@dataclass(frozen=True)
class Measurement:
    """What one `casebind evaluate NAME` found: rows, and the notes without which they would mislead."""

    name: str
    release: str
    split: str
    rows: list[ResultRow]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the measurement for JSON."""
        return {
            "name": self.name,
            "release": self.release,
            "split": self.split,
            "notes": list(self.notes),
            "rows": [row.as_dict() for row in self.rows],
        }


def with_rows_of(measurement: Measurement, other: Measurement, name: str) -> Measurement:
    """Return a measurement with another release's rows after its own, their methods preceded by its name."""
    return replace(
        measurement, rows=[*measurement.rows, *(replace(row, method=f"{name}: {row.method}") for row in other.rows)]
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}


def distinct(patients: np.ndarray | Sequence[str]) -> int:
    """Number of different patients."""
    return len(set(np.asarray(patients).tolist()))


def _cell(row: ResultRow, metric: str) -> str:
    if metric not in row.figures:
        return ""
    figure = row.figures[metric]
    chance = f" [{row.chance[metric]:.3f}]" if metric in row.chance else ""
    return f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f}){chance}"


def _section(rows: list[ResultRow], metrics: list[str]) -> list[str]:
    task, method = max(len(row.task) for row in rows) + 2, max(len(row.method) for row in rows) + 2
    extra = list(dict.fromkeys(key for row in rows for key, value in row.more.items() if isinstance(value, str)))
    head = "".join(f"{metric:<32}" for metric in metrics)
    lines = [f"{'task':<{task}}{'method':<{method}}{head}{'n':>6}{'patients':>10}  {'  '.join(extra)}".rstrip()]
    for row in rows:
        cells = "".join(f"{_cell(row, metric):<32}" for metric in metrics)
        n = max(figure.n for figure in row.figures.values())
        said = "  ".join(str(row.more.get(key, "")) for key in extra)
        lines.append(f"{row.task:<{task}}{row.method:<{method}}{cells}{n:>6}{row.patients:>10}  {said}".rstrip())
    return lines


def as_table(measurement: Measurement) -> str:
    """Return a plain table: value (95 % interval by patient) [chance]; rows with the same metrics stand together."""
    sections: dict[tuple[str, ...], list[ResultRow]] = {}
    for row in measurement.rows:
        sections.setdefault(tuple(row.figures), []).append(row)
    lines = [
        f"{measurement.name}: release {measurement.release}, split {measurement.split};"
        " value (95 % interval by patient) [chance]"
    ]
    for metrics, rows in sections.items():
        lines += ["", *_section(rows, list(metrics))]
    return "\n".join([*lines, "", *(f"Note: {note}" for note in measurement.notes)]).rstrip()
