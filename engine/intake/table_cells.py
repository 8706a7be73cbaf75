"""Many cells of a table at once → numbers and seconds, by pandas.

What reads tables takes them from here alone, so that a device without pandas can put others in their place
(`edge/src/casebind_edge/stand_ins/table_cells.py`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from engine.intake.table_numbers import GROUPING, NumberStyle, checked_words, normal
from engine.intake.table_rows import all_numbers, plain_numbers

Cells = dict[int, Sequence[str] | np.ndarray]  # columns, as text where they are not all plain numbers
FEW_ROWS = 100_000  # up to which numbers are read faster than pandas is imported


def plain_cells(rows: Sequence[str], delimiter: str, width: int, used: Sequence[int]) -> Cells:
    """Return the columns `used` of plain numbers in rows without quotation marks, each `width` cells wide."""
    read = all_numbers(rows, delimiter, used) if len(rows) <= FEW_ROWS else None
    if read is not None:
        return dict(read)
    import pandas as pd

    frame = pd.read_csv(
        io.StringIO("\n".join(rows)),
        sep=r"\s+" if delimiter == " " else delimiter,
        header=None,
        names=range(width),
        usecols=sorted(used),
        index_col=False,
        quoting=csv.QUOTE_NONE,
        skipinitialspace=True,
        skip_blank_lines=False,
        low_memory=False,
    )
    return {
        i: frame[i].to_numpy(dtype=np.float64)
        if frame[i].dtype.kind in "fiu"
        else frame[i].astype(object).where(frame[i].notna(), "").astype(str).to_list()
        for i in used
    }


def numbers(cells: Sequence[str], style: NumberStyle) -> np.ndarray:
    """Return cells as (n,) float64, NaN for an empty cell and for a word; IntakeError for what only looks like one."""
    plain = plain_numbers(cells) if style.plain and not style.grouping and len(cells) <= FEW_ROWS else None
    if plain is not None:
        return plain
    import pandas as pd

    texts = pd.Series(cells, dtype="string").fillna("").str.strip()
    if style.grouping or not style.plain or texts.str.contains(f"[{GROUPING}]", regex=True).any():
        texts = texts.map({text: normal(text, style) for text in texts.unique()}).astype("string")
    values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    checked_words(texts[np.isnan(values)].unique())
    return np.asarray(values)


def since_first(stamps: Sequence[str]) -> np.ndarray:
    """Return seconds since the first of stamps with a date, or of "0 days 00:00:01.5", (n,); NaN where one is none."""
    import pandas as pd

    texts = pd.Series(stamps, dtype=object)
    if " days " in stamps[0]:
        return pd.to_timedelta(texts, errors="coerce").dt.total_seconds().to_numpy(dtype=np.float64)
    for form in ("ISO8601", "mixed"):
        read = pd.to_datetime(texts, errors="coerce", format=form, utc=True)
        if read.notna().all():
            return (read - read.iloc[0]).dt.total_seconds().to_numpy(dtype=np.float64)
    return np.full(2, np.nan)
