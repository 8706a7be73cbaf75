"""The closest ten pairs of each modality, drawn side by side. They hold real recordings: never into the repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Draw = Callable[[Axes, np.ndarray], Any]

CLOSEST = 10
NOTICE = "contains real recordings: keep out of the repository"


def closest(distances: np.ndarray, count: int = CLOSEST) -> np.ndarray:
    """Return the numbers of the smallest distances, nearest first."""
    return np.argsort(distances, kind="stable")[:count]


def film(axes: Axes, pixels: np.ndarray) -> None:
    """Draw a film (h, w) uint8."""
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)


def lines(axes: Axes, samples: np.ndarray) -> None:
    """Draw leads (leads, n) one above the other, each scaled to the same height."""
    scale = np.maximum(np.percentile(np.abs(samples), 99, axis=1, keepdims=True), 1e-9)
    axes.plot((samples / scale / 2 - np.arange(len(samples))[:, None]).T, color="black", linewidth=0.5)


def save(
    file: Path, title: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]], names: Sequence[tuple[str, str]], draw: Draw
) -> None:
    """Write pairs of (synthetic, nearest training recording) with their names, one pair a row, two rows abreast."""
    from matplotlib.figure import Figure

    rows = (len(pairs) + 1) // 2
    sheet = Figure(figsize=(16, 0.6 + 4.2 * max(rows, 1)))
    sheet.suptitle(f"{title}: synthetic | nearest training recording ({NOTICE})", fontsize=9)
    grid = sheet.subplots(max(rows, 1), 4, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for i, (pair, name) in enumerate(zip(pairs, names, strict=True)):
        for side in (0, 1):
            axes = grid[i // 2][2 * (i % 2) + side]
            draw(axes, pair[side])
            axes.set_title(name[side], fontsize=7)
    sheet.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.95, wspace=0.03, hspace=0.08)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(file, dpi=80)
