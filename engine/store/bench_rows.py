"""What benchmarks write and read at once: studies without content, copies of studies, and what a workspace holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from engine.store.database import Database
from engine.store.received import FILE as LEDGER

COPIED = (
    "acquired_at, age, sex, view, labels, label_source, report, synthetic, licence, attribution, recognised,"
    " quality_score, patient_key, window_start_s, window_end_s, extra, created_at, modality, cohort, class_id"
)
COPIES = (
    "INSERT INTO patients (patient_id, cohort, created_at, number)"
    " SELECT patient_id || $mark, cohort, created_at, nextval('patient_number') FROM patients"
    " WHERE patient_id IN (SELECT patient_id FROM studies WHERE study_id IN (SELECT unnest($ids)))",
    "INSERT INTO encounters SELECT encounter_id || $mark, patient_id || $mark FROM encounters"
    " WHERE encounter_id IN (SELECT encounter_id FROM studies WHERE study_id IN (SELECT unnest($ids)))",
    f"INSERT INTO studies (ordinal, row_key, study_id, patient_id, encounter_id, fingerprint, file, {COPIED})"
    " SELECT nextval('study_ordinal'), row_key || $mark, study_id || $mark, patient_id || $mark,"
    f" encounter_id || $mark, fingerprint || $mark, regexp_replace(file, '(\\.\\w+)$', $mark || '\\1'), {COPIED}"
    " FROM studies WHERE study_id IN (SELECT unnest($ids))",
)


def insert_films(cursor: duckdb.DuckDBPyConnection, release: str, drawn: Any) -> None:
    """Append films with codes but without content, inside a transaction.

    drawn : pandas frame of id, patient (a number), age and w0..w3
    """
    cursor.register("drawn", drawn)
    cursor.execute("INSERT INTO cohorts VALUES ('bench', '', '', true, '', 'keep')")
    cursor.execute("INSERT INTO releases VALUES (?, ?, now()::TIMESTAMP)", [release, "b" * 64])
    cursor.execute("INSERT INTO patients SELECT DISTINCT 'p' || patient, 'bench', now()::TIMESTAMP, patient FROM drawn")
    cursor.execute(
        "INSERT INTO studies SELECT printf('film-%08d', id), 1 + id, 'key-' || id, 'p' || patient, 'e' || patient,"
        " 'bench', 'cxr', '2020-01-01', age, 'F', 'PA', [], '', NULL, true, '', '', '', 1.0, '', NULL, NULL, NULL,"
        " 'none', '{}', now()::TIMESTAMP, '', '', 0 FROM drawn"
    )
    cursor.execute(
        "INSERT INTO codes SELECT printf('film-%08d', id), ?, 'cxr', w0, w1, w2, w3, 1 + id, patient FROM drawn"
        " ORDER BY id",
        [release],
    )
    cursor.unregister("drawn")


def spread_classes(cursor: duckdb.DuckDBPyConnection, n: int) -> None:
    """Give the studies n classes in turn, departments of which the last is sensitive, inside a transaction."""
    cursor.execute(
        "INSERT INTO study_classes SELECT range, 'd' || range, '', '', range = $n - 1 FROM range(1, $n)", {"n": n}
    )
    cursor.execute("UPDATE studies SET class_id = ordinal % ?", [n])


def copy_studies(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str], mark: str) -> None:
    """Append copies of studies, of patients and encounters of their own, inside a transaction.

    mark : what the ids of the copies end in, and the names of their files
    """
    for sql in COPIES:
        cursor.execute(sql, {"ids": list(study_ids), "mark": mark})


def insert_arrivals(cursor: duckdb.DuckDBPyConnection, keys: Sequence[str], study_ids: Sequence[str]) -> None:
    """Append the four states of objects that became studies, inside a transaction.

    keys : of the objects, in the order of the studies; also taken as digests
    """
    cursor.execute(
        "INSERT INTO arrivals (number, object, digest, state, why, kind, sender, study_id, patient_id, reached_at)"
        " SELECT nextval('arrival_number'), key, key, state, '', '', 'S1', study_id, NULL, now()::TIMESTAMP FROM"
        " (SELECT unnest($keys) AS key, unnest($studies) AS study_id),"
        " (SELECT unnest(['received', 'de-identified', 'judged', 'stored']) AS state, unnest(range(4)) AS place)"
        " ORDER BY key, place",
        {"keys": list(keys), "studies": list(study_ids)},
    )


def insert_received(folder: Path, keys: Sequence[str]) -> None:
    """Put objects into the ledger of an inbox in one transaction; keys are also taken as digests."""
    with sqlite3.connect(folder / LEDGER) as ledger:
        rows = [(key, key, "", "S1", "Archive", "2025-01-01T00:00:00+00:00") for key in keys]
        ledger.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)", rows)
    ledger.close()


def patient_ids(database: Database, limit: int | None = None) -> list[str]:
    """Return the ids of all patients or of the first ones, in order."""
    found = database.read("SELECT patient_id FROM patients ORDER BY patient_id LIMIT ?", [limit])
    return [patient_id for (patient_id,) in found]


def study_ids(database: Database, limit: int) -> list[str]:
    """Return the ids of the first studies, in order."""
    found = database.read("SELECT study_id FROM studies ORDER BY study_id LIMIT ?", [limit])
    return [study_id for (study_id,) in found]


def stored_codes(database: Database, release: str) -> list[tuple[Any, ...]]:
    """Return (study id, w0..w3, file) of every study with an embedding; words are None where it has no code."""
    return database.read(
        "SELECT s.study_id, c.w0, c.w1, c.w2, c.w3, s.file FROM studies s"
        " LEFT JOIN codes c ON c.study_id = s.study_id AND c.release = ?"
        " JOIN embeddings e ON e.study_id = s.study_id AND e.release = ?",
        [release, release],
    )


def consents(database: Database) -> dict[str, bool]:
    """Return patient id → the last decision on consent, of those who decided."""
    return dict(database.read("SELECT patient_id, arg_max(granted, number) FROM consent GROUP BY patient_id"))


def audit_numbers(database: Database, who: str) -> set[int]:
    """Return the numbers of a person's audit rows."""
    return {body["n"] for body in database.audit.rows("who = ?", (who,))}
