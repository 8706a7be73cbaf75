"""What happened to rows of a manifest, as lines for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5  # rows on the screen; all are in a file


def remarks_title(remarks: Sequence[tuple[int, str, str]]) -> str:
    """Return how many rows have cells that were read freely or left out."""
    rows = len({number for number, _, _ in remarks})
    return f"{rows} row{'s have a cell' if rows > 1 else ' has a cell'} that was read freely or left out"


def listed(lines: Sequence[tuple[int, str, str]]) -> list[str]:
    """Return (row number, study id, sentence) as lines: the first of them, and how many there are beyond."""
    shown = [f"  row {number} {study_id}: {sentence}" for number, study_id, sentence in lines[:SHOWN]]
    return shown + ([f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])
