"""Classes of studies: one number for each combination of the attributes on which policies decide.

A study's attributes stand in its manifest (`department`, `project`, `agreement_ends`, `sensitive`), else in the latest
agreement on its cohort. Consent is none of them: it is joined to every mask beside the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date

import duckdb

from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store.database import Database

MOST = 4096  # a decision of each is made for each actor
COLUMNS = ("department", "project", "agreement_ends", "sensitive")  # in a manifest too
YES = ("yes", "true", "1")
OPEN_CLASS = 0
LATEST = "SELECT * FROM agreements QUALIFY row_number() OVER (PARTITION BY cohort ORDER BY made_at DESC) = 1"
STATED = "json_extract_string(s.extra, '$.{0}')"
EFFECTIVE = f"""
    SELECT s.study_id,
        coalesce({STATED.format("department")}, a.department, '') AS department,
        coalesce({STATED.format("project")}, a.project, '') AS project,
        coalesce({STATED.format("agreement_ends")}, a.agreement_ends, '') AS agreement_ends,
        coalesce(lower({STATED.format("sensitive")}) IN {YES}, a.sensitive, false) AS sensitive
    FROM studies s LEFT JOIN ({LATEST}) a ON a.cohort = s.cohort"""


@dataclass(frozen=True)
class Attributes:
    """What policies know of a study; "" and False for what is not stated.

    agreement_ends : the last day of the cohort's agreement, ISO 8601
    """

    department: str = ""
    project: str = ""
    agreement_ends: str = ""
    sensitive: bool = False


def read_classes(database: Database) -> dict[int, Attributes]:
    """Return class id → attributes, all that were ever used."""
    rows = database.read(f"SELECT class_id, {', '.join(COLUMNS)} FROM study_classes ORDER BY class_id")
    return {class_id: Attributes(*row) for class_id, *row in rows}


def counted(database: Database) -> dict[int, int]:
    """Return class id → number of studies, of the classes that have some."""
    return dict(database.read("SELECT class_id, count(*) FROM studies GROUP BY class_id ORDER BY class_id"))


def class_of(database: Database, study_id: str) -> int | None:
    """Return the class of a study; None where there is no such study."""
    found = database.read("SELECT class_id FROM studies WHERE study_id = ?", [study_id])
    return int(found[0][0]) if found else None


def class_of_cohort(database: Database, cohort: str) -> int | None:
    """Return the class of a study for which a cohort's agreement alone counts; None where no study had it yet."""
    names = ", ".join(f"coalesce(a.{name}, o.{name}) AS {name}" for name in COLUMNS)
    sql = (
        f"SELECT c.class_id FROM (SELECT {names} FROM study_classes o LEFT JOIN"
        f" (SELECT * FROM ({LATEST}) WHERE cohort = ?) a ON true WHERE o.class_id = {OPEN_CLASS}) e"
        f" JOIN study_classes c USING ({', '.join(COLUMNS)})"
    )
    found = database.read(sql, [cohort])
    return int(found[0][0]) if found else None


def agree(database: Database, cohort: str, attributes: Attributes, who: str) -> int:
    """Store the agreement on a cohort and class its studies anew; return how many there are.

    Raises UsageError where there is no such cohort, a day is none, or there would be too many classes.
    """
    check_day(attributes.agreement_ends)
    with database.write() as cursor:
        if cursor.execute("SELECT 1 FROM cohorts WHERE name = ?", [cohort]).fetchone() is None:
            raise UsageError(f"There is no cohort {brief(cohort)} in the workspace: check its name.")
        cursor.execute(
            "INSERT INTO agreements VALUES (?, ?, ?, ?, ?, ?, ?)", [cohort, *astuple(attributes), who, utc_now()]
        )
        ids = [one for (one,) in cursor.execute("SELECT study_id FROM studies WHERE cohort = ?", [cohort]).fetchall()]
        assign(cursor, ids)
    return len(ids)


def check_day(words: str) -> None:
    """Raise UsageError where words are no day such as 2027-12-31; none at all are fine."""
    try:
        if words and date.fromisoformat(words).isoformat() != words:
            raise ValueError
    except ValueError:
        raise UsageError(f"{brief(words)!r} is no day: write it as 2027-12-31.") from None


def assign(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str]) -> None:
    """Give studies the classes of their attributes, inside a transaction; UsageError where there are too many."""
    ids = [list(study_ids)]
    rows = f"{EFFECTIVE} WHERE s.study_id IN (SELECT unnest(?::VARCHAR[]))"
    names = ", ".join(COLUMNS)
    for (day,) in cursor.execute(f"SELECT DISTINCT agreement_ends FROM ({rows})", ids).fetchall():
        check_day(day)
    new = f"SELECT DISTINCT {names} FROM ({rows}) EXCEPT SELECT {names} FROM study_classes"
    cursor.execute(
        "INSERT INTO study_classes SELECT (SELECT max(class_id) FROM study_classes)"
        f" + row_number() OVER (ORDER BY {names}), {names} FROM ({new})",
        ids,
    )
    _check_number(cursor)
    cursor.execute(
        f"UPDATE studies SET class_id = found.class_id FROM ("
        f" SELECT e.study_id, c.class_id FROM ({rows}) e JOIN study_classes c USING ({names})) found"
        " WHERE studies.study_id = found.study_id AND studies.class_id <> found.class_id",
        ids,
    )


def states_any(extra: object) -> bool:
    """Return whether the further columns of a manifest state an attribute."""
    return isinstance(extra, dict) and not set(COLUMNS).isdisjoint(extra)


def is_agreed(cursor: duckdb.DuckDBPyConnection, cohort: str) -> bool:
    """Return whether there is an agreement on a cohort."""
    return cursor.execute("SELECT 1 FROM agreements WHERE cohort = ? LIMIT 1", [cohort]).fetchone() is not None


def _check_number(cursor: duckdb.DuckDBPyConnection) -> None:
    counts = ", ".join(f"count(DISTINCT {name})" for name in COLUMNS)
    row = cursor.execute(f"SELECT count(*), {counts} FROM study_classes").fetchone() or (0,)
    if row[0] > MOST:
        most = max(zip(row[1:], COLUMNS, strict=True))[1]
        raise UsageError(
            f"Attributes of studies make {row[0]} classes and {MOST} are decided on: {most} differs most, use fewer."
        )
