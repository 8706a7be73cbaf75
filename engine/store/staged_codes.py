"""The codes of the next release: kept apart until every study has one, then put in the old ones' place at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np

from engine.files import utc_now
from engine.index.hamming import words_of
from engine.store import previous_codes, quantised
from engine.store.database import Database

PRESENT = "FROM staged t JOIN studies s USING (study_id) JOIN patients p USING (patient_id) WHERE t.digest = ?"


def serving(database: Database) -> tuple[str, str] | None:
    """Return name and digest of the release whose codes answer, or None while there are none."""
    found = database.read("SELECT r.name, r.digest FROM serving v JOIN releases r ON r.name = v.release")
    return found[0] if found else None


def unstaged_studies(database: Database, digest: str) -> list[tuple[str, str]]:
    """Return (study id, modality) of the studies without a staged code of a release, by id."""
    return database.read(
        "SELECT study_id, modality FROM studies"
        " WHERE study_id NOT IN (SELECT study_id FROM staged WHERE digest = ?) ORDER BY study_id",
        [digest],
    )


def stage(
    cursor: duckdb.DuckDBPyConnection,
    digest: str,
    study_ids: Sequence[str],
    vectors: np.ndarray,
    codes: np.ndarray,
    *,
    source: str = "",
) -> None:
    """Keep embeddings (n, 256) float32 and packed codes (n, 32) uint8 of a release, inside a transaction.

    source : the release whose stored embeddings these are; what has been replaced there since is left out
    """
    unstage(cursor, study_ids)
    steps, bytes_ = quantised.quantised(vectors)
    cursor.execute(
        "INSERT INTO staged SELECT unnest(?), ?, unnest(?::FLOAT[256][]), unnest(?::FLOAT[]), unnest(?::BLOB[]),"
        " unnest(?::UBIGINT[]), unnest(?::UBIGINT[]), unnest(?::UBIGINT[]), unnest(?::UBIGINT[])",
        [
            list(study_ids),
            digest,
            vectors.astype(float).tolist(),
            steps.tolist(),
            [row.tobytes() for row in bytes_],
            *words_of(codes).T.tolist(),
        ],
    )
    if source:
        cursor.execute(
            "DELETE FROM staged WHERE digest = ? AND study_id IN (SELECT unnest(?)) AND NOT EXISTS"
            " (SELECT * FROM embeddings e WHERE e.study_id = staged.study_id AND e.release = ?"
            " AND e.vector = staged.vector)",
            [digest, list(study_ids), source],
        )


def unstage(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str]) -> None:
    """Forget the staged codes of studies that are gone or have changed, inside a transaction."""
    cursor.execute("DELETE FROM staged WHERE study_id IN (SELECT unnest(?))", [list(study_ids)])


def keep_only(cursor: duckdb.DuckDBPyConnection, digest: str) -> None:
    """Forget what is staged of other releases, inside a transaction."""
    cursor.execute("DELETE FROM staged WHERE digest <> ?", [digest])


def serve_if_none(cursor: duckdb.DuckDBPyConnection, release: str) -> None:
    """Let a release answer where none does yet, inside a transaction."""
    cursor.execute("INSERT INTO serving SELECT ? WHERE NOT EXISTS (SELECT * FROM serving)", [release])


def switch(cursor: duckdb.DuckDBPyConnection, release: str, digest: str) -> bool:
    """Put what is staged in the place of all codes and embeddings, and keep the old codes, inside a transaction.

    Changes nothing and returns False while a study has no staged code.
    """
    left = "SELECT count(*) FROM studies WHERE study_id NOT IN (SELECT study_id FROM staged WHERE digest = ?)"
    (missing,) = cursor.execute(left, [digest]).fetchone() or (0,)
    if missing:
        return False
    previous_codes.save(cursor)
    for table in ("codes", "embeddings", "small_embeddings", "releases", "serving"):
        cursor.execute(f"DELETE FROM {table}")
    cursor.execute("INSERT INTO releases (name, digest, first_used) VALUES (?, ?, ?)", [release, digest, utc_now()])
    cursor.execute("INSERT INTO serving VALUES (?)", [release])
    cursor.execute("DELETE FROM group_radii WHERE digest <> ?", [digest])  # they were chosen with other codes
    cursor.execute(f"INSERT INTO embeddings SELECT t.study_id, ?, t.vector {PRESENT}", [release, digest])
    cursor.execute(
        "INSERT INTO codes (study_id, release, modality, w0, w1, w2, w3, ordinal, patient)"
        f" SELECT t.study_id, ?, s.modality, t.w0, t.w1, t.w2, t.w3, s.ordinal, p.number {PRESENT} ORDER BY t.study_id",
        [release, digest],
    )
    cursor.execute(f"INSERT INTO small_embeddings SELECT s.ordinal, ?, t.step, t.bytes {PRESENT}", [release, digest])
    cursor.execute("DELETE FROM staged")
    return True


def record_encoders(cursor: duckdb.DuckDBPyConnection, digest: str, encoders: Mapping[str, str]) -> None:
    """Note what decides the embeddings of a release, modality → digest, inside a transaction."""
    for modality, encoder in encoders.items():
        cursor.execute("INSERT INTO encoders VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [digest, modality, encoder])


def encoders(database: Database, digest: str) -> dict[str, str]:
    """Return what was noted of a release: modality → digest; empty where it is not known."""
    return dict(database.read("SELECT modality, encoder FROM encoders WHERE digest = ?", [digest]))
