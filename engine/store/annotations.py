"""Annotations: what people drew on studies and stored queries, changed and deleted by their authors alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from engine.annotation import Annotation
from engine.errors import NotPermittedError, UsageError
from engine.files import utc_now
from engine.measure import Measured
from engine.store.database import Database

COLUMNS = "annotation_id, study_id, author, kind, shape, points, words, lead_name, value, unit, made_at, changed_at"
MAX_OF_AUTHOR = 300  # on one study


def write_annotations(database: Database, given: Sequence[Annotation]) -> list[Annotation]:
    """Write annotations of one author on one study, all or none; return them with their moments, in their order.

    One with the id of an earlier one takes its place; the same again changes nothing. They are on disk when this
    returns. Raises NotPermittedError where an id is of somebody else, UsageError where there are too many.
    """
    with database.write() as cursor:
        present = {one.annotation_id: one for one in _with_ids(cursor, [one.annotation_id for one in given])}
        moments = [utc_now() + timedelta(microseconds=n) for n in range(len(given))]  # so that their order is known
        saved = {
            one.annotation_id: _follow(one, present.get(one.annotation_id), now)
            for one, now in zip(given, moments, strict=True)
        }
        changed = [one for one in saved.values() if one != present.get(one.annotation_id)]
        cursor.execute(
            "DELETE FROM annotations WHERE annotation_id IN (SELECT unnest(?::VARCHAR[]))",
            [[one.annotation_id for one in changed]],
        )
        for one in changed:
            cursor.execute(f"INSERT INTO annotations ({COLUMNS}) VALUES ({', '.join('?' * 12)})", _values(one))
        _check_number(cursor, changed)
    return [saved[one.annotation_id] for one in given]


def remove_annotations(
    database: Database, annotation_ids: Sequence[str], author: str, *, own_alone: bool = False
) -> list[Annotation]:
    """Delete annotations of one author, all or none; return those that were there.

    own_alone : leave somebody else's aside, as if they were not there; else they raise NotPermittedError
    """
    with database.write() as cursor:
        present = _with_ids(cursor, annotation_ids)
        if own_alone:
            present = [one for one in present if one.author == author]
        for one in present:
            _check_author(one, author)
        cursor.execute(
            "DELETE FROM annotations WHERE annotation_id IN (SELECT unnest(?::VARCHAR[]))",
            [[one.annotation_id for one in present]],
        )
    return present


def remove_annotations_on(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str]) -> None:
    """Delete everything that anybody drew on some studies, inside a transaction."""
    cursor.execute("DELETE FROM annotations WHERE study_id IN (SELECT unnest(?::VARCHAR[]))", [list(study_ids)])


def read_annotations(database: Database, study_ids: Sequence[str], author: str | None = None) -> list[Annotation]:
    """Return what was drawn on studies or stored queries, oldest first; of one author or of everybody.

    Whether they may be seen is asked by `engine.workspace.annotations`.
    """
    found = database.read(
        f"SELECT {COLUMNS} FROM annotations WHERE study_id IN (SELECT unnest(?::VARCHAR[]))"
        " AND (?::VARCHAR IS NULL OR author = ?) ORDER BY made_at, annotation_id",
        [list(study_ids), author, author],
    )
    return [_annotation(row) for row in found]


def _with_ids(cursor: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> list[Annotation]:
    found = cursor.execute(
        f"SELECT {COLUMNS} FROM annotations WHERE annotation_id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
    )
    return [_annotation(row) for row in found.fetchall()]


def _follow(given: Annotation, present: Annotation | None, now: datetime) -> Annotation:
    """Return an annotation with its moments, after the one of its id that is there."""
    if present is None:
        return replace(given, made_at=now, changed_at=now)
    _check_author(present, given.author)
    if present.study_id != given.study_id:
        raise UsageError("An annotation stays on its picture: draw a new one on the other.")
    if replace(given, made_at=present.made_at, changed_at=present.changed_at) == present:
        return present
    return replace(given, made_at=present.made_at, changed_at=now)


def _check_author(present: Annotation, author: str) -> None:
    if present.author != author:
        raise NotPermittedError("Somebody else drew this annotation: only its author changes or deletes it.")


def _check_number(cursor: duckdb.DuckDBPyConnection, changed: Sequence[Annotation]) -> None:
    for study_id, author in {(one.study_id, one.author) for one in changed}:
        (n,) = cursor.execute(
            "SELECT count(*) FROM annotations WHERE study_id = ? AND author = ?", [study_id, author]
        ).fetchone() or (0,)
        if n > MAX_OF_AUTHOR:
            raise UsageError(f"A picture holds {MAX_OF_AUTHOR} annotations of one person: delete some first.")


def _values(one: Annotation) -> list[Any]:
    """Return the values of COLUMNS."""
    measured = one.measured
    return [
        one.annotation_id,
        one.study_id,
        one.author,
        one.kind,
        one.shape,
        [list(point) for point in one.points],
        one.text,
        one.lead,
        None if measured is None else measured.value,
        None if measured is None else measured.unit,
        one.made_at,
        one.changed_at,
    ]


def _annotation(row: Sequence[Any]) -> Annotation:
    """Return the annotation that a row of COLUMNS holds."""
    annotation_id, study_id, author, kind, shape, points, words, lead, value, unit, made_at, changed_at = row
    return Annotation(
        annotation_id,
        study_id,
        author,
        kind,
        tuple((x, y) for x, y in points),
        shape,
        words,
        lead,
        None if unit is None else Measured(value, unit),
        made_at,
        changed_at,
    )
