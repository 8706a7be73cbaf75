"""Ratings: what people thought of a neighbour, why, and with what in mind; history is kept, nothing is counted twice.

The latest row of a person on a pair that is not undone counts. A skip is kept like a mark, but it is no judgement. Rows
that came from another site stand beside those given here: they are other people, whatever their names.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb

from engine.actor import Actor
from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store import bulk, permission, queries
from engine.store.database import Database
from engine.store.records import ALL_MARKS, REASONS, SKIP, Rating

COLUMNS = (
    "rating_id, query_id, study_id, mark, who, release, bits, operating_point, created_at, why, comment, finding,"
    " strategy, random_share, uid, source, undone_at, guideline"
)
NAMES = tuple(COLUMNS.replace(" ", "").split(","))
COUNTS = (  # rows from another site are in the order of their moments there, however the files came
    "QUALIFY row_number() OVER (PARTITION BY query_id, study_id, who, source"
    " ORDER BY CASE WHEN source = '' THEN NULL ELSE created_at END DESC NULLS LAST, rating_id DESC) = 1"
)
OWN = "query_id = ? AND study_id = ? AND who = ? AND source = '' AND undone_at IS NULL"
TYPES = {
    "bits": "INTEGER",
    "created_at": "TIMESTAMP",
    "undone_at": "TIMESTAMP",
    "why": "VARCHAR[]",
    "random_share": "BOOLEAN",
    "guideline": "INTEGER",
}
MAX_COMMENT, MAX_NAME = 500, 60  # characters
CONTENT = ("mark", "why", "comment", "finding", "release", "guideline")  # what makes a rating another one


def rate(database: Database, given: Rating) -> Rating:
    """Append a rating, or return the one that counts where it says the same; it is on disk when this returns.

    given : as the rater gave it, without number and moment; it notes the version of the guidelines in force. With a uid
            it was given elsewhere, and one of that uid is returned where it is here already
    Raises UsageError where a word in it, the query or the study is unknown.
    """
    given = checked(given)
    with database.write() as cursor:
        check_pair_exists(cursor, given.query_id, given.study_id)
        given = replace(given, guideline=guideline_in_force(cursor))
        if (known := _of_uid(cursor, given.uid)) is not None:
            return known
        counts = _counting(cursor, given.query_id, given.study_id, given.who)
        if counts is not None and all(getattr(counts, name) == getattr(given, name) for name in CONTENT):
            return counts
        return insert(cursor, replace(given, uid=given.uid or uuid.uuid4().hex, created_at=utc_now()))


def insert(cursor: duckdb.DuckDBPyConnection, given: Rating) -> Rating:
    """Append a checked rating with its uid and moment, inside a transaction; return it with its number."""
    values = _values(given)
    row = cursor.execute(
        f"INSERT INTO ratings ({COLUMNS}) VALUES (nextval('event_number'){', ?' * len(values)}) RETURNING {COLUMNS}",
        values,
    ).fetchone()
    return rating_of(row)  # type: ignore[arg-type]


def insert_all(cursor: duckdb.DuckDBPyConnection, given: Sequence[Rating]) -> None:
    """Append many as `insert` does, in their order; UsageError where a query or study is not there any more."""
    if not _known(cursor, given):
        for one in given:
            check_pair_exists(cursor, *one.pair)
    types = {name: TYPES.get(name, "VARCHAR") for name in NAMES[1:]}
    rows = [_values(one) for one in given]
    bulk.insert(cursor, "ratings", types, rows, {"rating_id": "nextval('event_number')"})


def all_ratings(database: Database, query_id: str | None, skips: bool = False) -> list[Rating]:
    """Return everyone's ratings that count, oldest first; of one query or all.

    skips : also what was skipped; without, only judgements
    """
    found = database.read(
        f"SELECT * FROM (SELECT {COLUMNS} FROM ratings WHERE undone_at IS NULL AND (? IS NULL OR query_id = ?)"
        f" {COUNTS}) WHERE ? OR mark <> ? ORDER BY rating_id",
        [query_id, query_id, skips, SKIP],
    )
    return [rating_of(row) for row in found]


def has_ratings(database: Database) -> bool:
    """Say whether anything was ever rated, what was undone as well."""
    return bool(database.read("SELECT 1 FROM ratings LIMIT 1"))


def _known(cursor: duckdb.DuckDBPyConnection, given: Sequence[Rating]) -> bool:
    """Say whether every query and study of some ratings is there."""
    sql = (
        "SELECT count(*) FROM (SELECT unnest(?::VARCHAR[]) AS q, unnest(?::VARCHAR[]) AS s) WHERE s NOT IN"
        " (SELECT study_id FROM studies) OR q NOT IN (SELECT study_id FROM studies UNION SELECT query_id FROM queries)"
    )
    row = cursor.execute(sql, [[one.query_id for one in given], [one.study_id for one in given]]).fetchone()
    return row is not None and row[0] == 0


def _values(given: Rating) -> list[Any]:
    """Return the values of COLUMNS but the first."""
    values = [getattr(given, name) for name in NAMES[1:]]
    values[NAMES.index("why") - 1] = list(given.why)
    return values


def own_ratings(database: Database, query_id: str | None, who: str, skips: bool = False) -> list[Rating]:
    """Return the ratings of one person of this site that count, oldest first, as `all_ratings` does everyone's.

    They are read with every mark, so by a statement that is planned fast.
    """
    which = "" if query_id is None else " AND query_id = ?"
    found = database.read(
        f"SELECT {COLUMNS} FROM ratings WHERE who = ? AND source = '' AND undone_at IS NULL{which} ORDER BY rating_id",
        [who] if query_id is None else [who, query_id],
    )
    latest = {one.pair: one for one in map(rating_of, found)}
    return sorted((one for one in latest.values() if skips or one.mark != SKIP), key=lambda one: one.rating_id)


def history(database: Database, query_id: str, study_id: str, who: str) -> list[Rating]:
    """Return everything that a person ever said about a pair, oldest first, what was undone as well."""
    found = database.read(
        f"SELECT {COLUMNS} FROM ratings WHERE query_id = ? AND study_id = ? AND who = ? AND source = ''"
        " ORDER BY rating_id",
        [query_id, study_id, who],
    )
    return [rating_of(row) for row in found]


def undo(database: Database, query_id: str, study_id: str, who: str) -> Rating | None:
    """Mark the latest rating as undone; return the one that counts now, or None."""
    with database.write() as cursor:
        cursor.execute(
            f"UPDATE ratings SET undone_at = ? WHERE rating_id = (SELECT max(rating_id) FROM ratings WHERE {OWN})",
            [utc_now(), query_id, study_id, who],
        )
        return _counting(cursor, query_id, study_id, who)


def unrate(database: Database, query_id: str, study_id: str, who: str) -> None:
    """Mark every rating of a person on one neighbour as undone."""
    with database.write() as cursor:
        cursor.execute(f"UPDATE ratings SET undone_at = ? WHERE {OWN}", [utc_now(), query_id, study_id, who])


def checked(given: Rating) -> Rating:
    """Return a rating with its words in order; UsageError names the first that cannot stand."""
    if given.mark not in ALL_MARKS:
        raise UsageError(f"There is no mark '{brief(given.mark)}': use {_either(ALL_MARKS)}.")
    for tag in given.why:
        if tag not in REASONS:
            raise UsageError(f"There is no reason '{brief(tag)}': use {_either(REASONS)}.")
    why = tuple(tag for tag in REASONS if tag in given.why)
    comment, finding = _comment(given.comment), _finding(given.finding)
    return replace(given, why=why, comment=comment, finding=finding, who=rater_name(given.who))


def rater_name(words: str) -> str:
    """Return a rater's name on one line; UsageError where it is empty, too long or holds control characters."""
    line = " ".join(words.split())
    if not line:
        raise UsageError("The rater has no name: give one, so that marks can be told apart.")
    if len(line) > MAX_NAME:
        raise UsageError(f"The rater's name has {len(line)} characters and {MAX_NAME} fit: shorten it.")
    if line != printable(line):
        raise UsageError("The rater's name holds control characters: type it anew.")
    return line


def printable(words: str) -> str:
    """Return words without control, surrogate and unassigned characters; line breaks and tabs become spaces."""
    spaced = "".join(" " if one in "\t\n\r\v\f" else one for one in words)
    return "".join(one for one in spaced if unicodedata.category(one) not in ("Cc", "Cs", "Cn", "Co", "Cf")).strip()


def check_open(database: Database, actor: Actor, query_id: str, study_id: str) -> None:
    """Raise UsageError where an account may not open the query or see the study, as if they were not there."""
    if not actor.signed_in:
        return
    if queries.closed_to(database, actor, query_id):
        raise UsageError(no_query(query_id))
    if not permission.permitted_ids(database, actor, [study_id]):
        raise UsageError(no_study(study_id))


def check_pair_exists(cursor: duckdb.DuckDBPyConnection, query_id: str, study_id: str) -> None:
    """Refuse a rating that refers to nothing; a study of the workspace may itself be the query."""
    sql = (
        "SELECT EXISTS (FROM queries WHERE query_id = $query) OR EXISTS (FROM studies WHERE study_id = $query),"
        " EXISTS (FROM studies WHERE study_id = $study)"
    )
    asked, rated = cursor.execute(sql, {"query": query_id, "study": study_id}).fetchone() or (False, False)
    if not asked:
        raise UsageError(no_query(query_id))
    if not rated:
        raise UsageError(no_study(study_id))


def no_query(query_id: str) -> str:
    """Return the sentence about a query that is not there, or not open to whoever asks."""
    return f"There is no query {brief(query_id)} in the workspace: take the query_id that a search printed."


def no_study(study_id: str) -> str:
    """Return the sentence about a study that is not there, or not to be seen by whoever asks."""
    return f"There is no study {brief(study_id)} in the workspace: take an id from a search result."


def guideline_in_force(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return the version of the guidelines that a rating of this moment notes; 0 is the shipped text."""
    row = cursor.execute("SELECT coalesce(max(version), 0) FROM guidelines").fetchone()
    return int(row[0]) if row else 0


def rating_of(row: Sequence[Any]) -> Rating:
    """Return the rating that a row of COLUMNS holds."""
    record = dict(zip(NAMES, row, strict=True))
    record["why"] = tuple(record["why"] or ())
    return Rating(**record)


def _counting(cursor: duckdb.DuckDBPyConnection, query_id: str, study_id: str, who: str) -> Rating | None:
    """Return the rating of a person on a pair that counts, a skip as well."""
    row = cursor.execute(
        f"SELECT {COLUMNS} FROM ratings WHERE {OWN} ORDER BY rating_id DESC LIMIT 1", [query_id, study_id, who]
    ).fetchone()
    return rating_of(row) if row else None


def _of_uid(cursor: duckdb.DuckDBPyConnection, uid: str) -> Rating | None:
    """Return the rating of a uid, or None for none and for no uid."""
    row = cursor.execute(f"SELECT {COLUMNS} FROM ratings WHERE uid = ? AND uid <> ''", [uid]).fetchone()
    return None if row is None else rating_of(row)


def _comment(words: str) -> str:
    words = printable(words)
    if len(words) > MAX_COMMENT:
        raise UsageError(
            f"The comment has {len(words)} characters and {MAX_COMMENT} fit: shorten it, nothing was changed."
        )
    return words


def _finding(word: str) -> str:
    """Return a finding of the vocabulary, or "" for none."""
    from engine.findings import vocabulary

    if word and word not in vocabulary():
        raise UsageError(f"There is no finding '{brief(word)}': use one of {', '.join(vocabulary())}.")
    return word


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
