"""Plots of measurements as PNG files: Agg, the Okabe–Ito colours, and a marker of its own for every colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.metrics.rows import Measurement, ResultRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

# Okabe & Ito 2008: told apart with every common colour vision
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DPI = 130


def canvas(rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.0, 4.0)) -> tuple[Drawing, np.ndarray]:
    """Return a drawing that needs no display, and its axes (rows, columns); size in inches per axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing, np.asarray(drawing.subplots(rows, columns, squeeze=False))


def style(number: int) -> dict[str, Any]:
    """Return colour and marker of the n-th series."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def save(drawing: Drawing, file: Path) -> Path:
    """Write a drawing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(file, dpi=DPI)
    return file


def _dots(axes: Axes, rows: Sequence[ResultRow], metric: str, methods: list[str]) -> None:
    tasks = list(dict.fromkeys(row.task for row in rows))
    for row in rows:
        figure, number = row.figures[metric], methods.index(row.method)
        y = tasks.index(row.task) + 0.7 * (number / max(1, len(methods) - 1) - 0.5)
        reach = [[max(0.0, figure.value - figure.low)], [max(0.0, figure.high - figure.value)]]
        axes.errorbar(figure.value, y, xerr=np.nan_to_num(reach), linestyle="", markersize=5, **style(number))
        if metric in row.chance:
            axes.plot(row.chance[metric], y, "|", color="#777777")
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.set_xlabel(f"{metric} (95 % interval by patient; grey bar: chance)")
    axes.grid(axis="x", alpha=0.3)


def intervals(measurement: Measurement, metrics: Sequence[str], folder: Path) -> list[Path]:
    """Draw each metric that some rows have to NAME-METRIC.png: a line per task, a colour and marker per method."""
    return [
        _intervals(measurement, [row for row in measurement.rows if metric in row.figures], metric, folder)
        for metric in metrics
        if any(metric in row.figures for row in measurement.rows)
    ]


def _intervals(measurement: Measurement, rows: list[ResultRow], metric: str, folder: Path) -> Path:
    from matplotlib.lines import Line2D

    methods = list(dict.fromkeys(row.method for row in rows))
    tall = max(3.0, 0.16 * len({row.task for row in rows}) * len(methods) + 1.5)
    drawing, axes = canvas(size=(10.0, tall))
    _dots(axes[0, 0], rows, metric, methods)
    keys = [Line2D([], [], linestyle="", label=name, **style(i)) for i, name in enumerate(methods)]
    axes[0, 0].legend(handles=keys, fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes[0, 0].set_title(f"{measurement.name}, release {measurement.release}, {measurement.split}", fontsize=10)
    return save(drawing, folder / f"{measurement.name}-{metric.lower().replace('@', '-at-').replace(' ', '-')}.png")
