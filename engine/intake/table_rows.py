"""Rows and cells of plain numbers → arrays, in numpy alone: most tables need no pandas, which is slow to import."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


def all_numbers(rows: Sequence[str], delimiter: str, used: Sequence[int]) -> dict[int, np.ndarray] | None:
    """Return the columns `used` as (n,) float64, or None where a cell of them is no number, or missing."""
    try:
        read = np.loadtxt(
            rows, comments=None, delimiter=None if delimiter == " " else delimiter, usecols=used, unpack=True, ndmin=2
        )
    except (ValueError, IndexError):
        return None
    return dict(zip(used, read, strict=True)) if read.shape[1] == len(rows) else None


def plain_numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Return cells as (n,) float64, or None where one is no number as programs write it."""
    stripped = [cell.strip() for cell in cells]
    return np.array(stripped, np.float64) if all(map(_PLAIN.fullmatch, stripped)) else None
