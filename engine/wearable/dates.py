"""When a window was recorded, as the workspace keeps it: moved by whole weeks, as it is, or the year alone.

All of one person is moved by the same number of weeks, so intervals, weekdays and hours of the day stay true, and the
date itself is not the one on which they were recorded. The number follows from the workspace's secret and the patient;
it is stored nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from engine.intake.pseudonyms import pseudonym

Dates = Literal["shift", "keep", "year"]
DATES: tuple[Dates, ...] = ("shift", "keep", "year")
WEEKS = 104  # earlier at most; at least one


def acquired_at(key: bytes, patient_id: str, moment: datetime, dates: Dates) -> str:
    """Return what stands for a moment as ISO 8601, to the second; a year for "year"."""
    if dates == "year":
        return f"{moment.year}"
    if dates == "shift":
        moment -= timedelta(weeks=weeks_earlier(key, patient_id))
    return moment.isoformat(timespec="seconds")


def weeks_earlier(key: bytes, patient_id: str) -> int:
    """Return by how many weeks everything of a patient is moved into the past, 1 to WEEKS."""
    return 1 + int((pseudonym(key, f"weeks\n{patient_id}") or "0")[:8], 16) % WEEKS
