"""Filters that a person typed: what no study can meet is refused in one sentence instead of finding nothing."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from datetime import date

from engine.actor import Actor
from engine.errors import UsageError
from engine.store.filters import Filters
from engine.store.records import SCOPES
from engine.workspace.workspace import Workspace

MAX_AGE = 150.0  # years
SHOWN = 6  # known values named in a refusal
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def check_filters(filters: Filters, workspace: Workspace, *, actor: Actor) -> None:
    """Raise UsageError for an age, date, quality or scope that cannot be, and for names that the workspace lacks."""
    _ages(filters.age_min, filters.age_max)
    _dates(filters.acquired_from, filters.acquired_to)
    if filters.quality_min is not None and not 0 <= filters.quality_min <= 1:
        raise UsageError(f"The quality {filters.quality_min:g} cannot be: give a number from 0 to 1.")
    if filters.consent:
        _check_exists("consent scope", [filters.consent], SCOPES)
    if filters.sex:
        _check_exists("sex", [filters.sex], ("F", "M"))
    if filters.view:
        _check_exists("film view", [filters.view], workspace.views(actor=actor))
    if filters.cohorts:
        _check_exists("cohort", filters.cohorts, [cohort.name for cohort in workspace.cohorts(actor=actor)])
    if filters.labels:
        _check_exists("label", filters.labels, workspace.labels(actor=actor))
    for patient in filters.without_patients:
        if not workspace.of_patient(patient, actor=actor):
            raise UsageError(f"There is no patient {patient} in the workspace: take an id from a search result.")


def _ages(low: float | None, high: float | None) -> None:
    for age in (low, high):
        if age is not None and not (math.isfinite(age) and 0 <= age <= MAX_AGE):
            raise UsageError(f"The age {age:g} cannot be: give years from 0 to {MAX_AGE:g}.")
    if low is not None and high is not None and low > high:
        raise UsageError(f"Nobody is at least {low:g} and at most {high:g} years old: exchange the two ages.")


def _dates(first: str | None, last: str | None) -> None:
    for one in (first, last):
        if one is not None and not _is_date(one):
            raise UsageError(f"'{one}' is no date: write 2019, 2019-06 or 2019-06-30.")
    if first and last and first[: len(last)] > last:
        raise UsageError(f"No day is both from {first} on and until {last}: exchange the two dates.")


def _is_date(text: str) -> bool:
    """Say whether a text is a day that there is, or the year or month of one."""
    if not DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError:
        return False
    return True


def _check_exists(what: str, wanted: Iterable[str], existing: Iterable[str]) -> None:
    """Refuse what is not known, with what may have been meant."""
    there = list(existing)
    for one in wanted:
        if one in there:
            continue
        near = difflib.get_close_matches(one.lower(), [name.lower() for name in there], 1, 0.6)
        meant = [name for name in there if name.lower() in near] or there[:SHOWN]
        more = ", …" if len(there) > SHOWN and not near else ""
        use = f"use {', '.join(meant)}{more}" if meant else "the workspace has none"
        raise UsageError(f"There is no {what} '{one}': {use}.")
