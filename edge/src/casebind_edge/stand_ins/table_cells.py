"""Many cells of a table at once → numbers and seconds, in numpy and the standard library."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from engine.intake.table_numbers import NumberStyle, checked_words, normal
from engine.intake.table_rows import all_numbers

Cells = dict[int, Sequence[str] | np.ndarray]  # columns, as text where they are not all plain numbers
_WRITTEN = re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$|^[-+]?inf(?:inity)?$", re.IGNORECASE | re.ASCII)
_DAYS = re.compile(r"^(-?\d+) days ([+-]?\d+):(\d+):(\d+(?:\.\d*)?)$")
_DAY_S = 86400.0


def plain_cells(rows: Sequence[str], delimiter: str, width: int, used: Sequence[int]) -> Cells:
    """Return the columns `used` of plain numbers in rows without quotation marks, each `width` cells wide."""
    read = all_numbers(rows, delimiter, used)
    if read is not None:
        return dict(read)
    if delimiter == " ":
        cells = [row.split() for row in rows]
    else:
        cells = list(csv.reader(rows, delimiter=delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=True))
    return {i: [row[i].strip() if i < len(row) else "" for row in cells] for i in used}


def numbers(cells: Sequence[str], style: NumberStyle) -> np.ndarray:
    """Return cells as (n,) float64, NaN for an empty cell and for a word; IntakeError for what only looks like one."""
    found = {cell: normal(cell.strip(), style) for cell in set(cells)}
    values = {cell: float(word) if _WRITTEN.match(word) else np.nan for cell, word in found.items()}
    checked_words(word for cell, word in found.items() if np.isnan(values[cell]))
    return np.array([values[cell] for cell in cells])


def since_first(stamps: Sequence[str]) -> np.ndarray:
    """Return seconds since the first of stamps in ISO 8601, or of "0 days 00:00:01.5", (n,); NaN where one is none."""
    if " days " in stamps[0]:
        return np.array([_of_days(text) for text in stamps])
    try:
        read = [datetime.fromisoformat(text) for text in stamps]
    except ValueError:
        return np.full(2, np.nan)
    read = [one if one.tzinfo else one.replace(tzinfo=UTC) for one in read]
    return np.array([(one - read[0]).total_seconds() for one in read])


def _of_days(text: str) -> float:
    """Return seconds of "1 days 00:00:01.5", NaN where it is none."""
    found = _DAYS.match(text)
    if found is None:
        return float("nan")
    days, hours, minutes, seconds = (float(part) for part in found.groups())
    return _DAY_S * days + 3600 * hours + 60 * minutes + seconds
