"""Attempts to sign in that failed or are under way, in `people.db`: who has to wait, decided and noted in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.store.people import People


class Attempt(NamedTuple):
    """What became of a wish to try: the seconds to wait, or 0 and the rows that count as failures until it succeeds."""

    wait_s: float
    rows: tuple[int, ...] = ()


def reserve(people: People, limits: Mapping[str, int], now: float, *, window_s: float, wait_s: float) -> Attempt:
    """Count an attempt as failed for each subject, unless one of them has to wait; a refused one counts for nothing.

    limits   : subject → failures within window_s after which each further attempt waits wait_s from the last one
    window_s : older failures are deleted
    """
    with people.writing() as run:
        run("DELETE FROM failures WHERE failed_at < ?", (now - window_s,))
        waits = [0.0]
        for subject, free in limits.items():
            sql = "SELECT count(*), max(failed_at) FROM failures WHERE subject = ?"
            failed, latest = run(sql, (subject,)).fetchone()
            waits += [latest + wait_s - now] if failed >= free else []
        if (wait := max(waits)) > 0:
            return Attempt(wait)
        sql = "INSERT INTO failures VALUES (?, ?)"
        return Attempt(0.0, tuple(run(sql, (subject, now)).lastrowid for subject in limits))


def forget(people: People, attempt: Attempt, subjects: Iterable[str]) -> None:
    """Take an attempt back that succeeded, and all failures of some subjects with it."""
    with people.writing() as run:
        for row in attempt.rows:
            run("DELETE FROM failures WHERE rowid = ?", (row,))
        for subject in subjects:
            run("DELETE FROM failures WHERE subject = ?", (subject,))
