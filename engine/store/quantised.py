"""Embeddings in 8 bits: 256 signed bytes and one step per vector.

A component is off by at most half a step, and a step is 1/127 of the vector's largest component m. So the cosine with
any unit vector is off by at most (m / 254) · ‖q‖₁ ≤ 16 m / 254 = 0.063 m, and by about m / 440 in the mean square where
errors are spread evenly: 0.0005 for m = 0.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from engine.store.database import Database

LEVELS = 127  # the largest signed byte
MIN_MAGNITUDE = 1e-12  # so that a vector of zeros has a step
WIDTH = 256


def quantised(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, 256) float → steps (n,) float32 and bytes (n, 256) int8."""
    steps = (np.maximum(np.abs(vectors).max(axis=1), MIN_MAGNITUDE) / LEVELS).astype(np.float32)
    return steps, np.rint(vectors / steps[:, None]).astype(np.int8)


def dequantised(steps: np.ndarray, int8_values: np.ndarray) -> np.ndarray:
    """Steps (n,) and bytes (n, 256) int8 → vectors (n, 256) float32."""
    return int8_values.astype(np.float32) * steps[:, None].astype(np.float32)


def insert(cursor: duckdb.DuckDBPyConnection, release: str, study_ids: Sequence[str], vectors: np.ndarray) -> None:
    """Store the small embeddings of present studies, inside a transaction; vectors: (n, 256) float32."""
    steps, small = quantised(vectors)
    cursor.execute(
        "INSERT INTO small_embeddings SELECT s.ordinal, ?, new.step, new.bytes"
        " FROM (SELECT unnest(?) AS study_id, unnest(?::FLOAT[]) AS step, unnest(?::BLOB[]) AS bytes) new"
        " JOIN studies s USING (study_id)",
        [release, list(study_ids), steps.tolist(), [row.tobytes() for row in small]],
    )


def delete(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str], release: str | None = None) -> None:
    """Delete what present studies have under a release, or under every one, inside a transaction."""
    cursor.execute(
        "DELETE FROM small_embeddings WHERE (? IS NULL OR release = ?)"
        " AND ordinal IN (SELECT ordinal FROM studies WHERE study_id IN (SELECT unnest(?)))",
        [release, release, list(study_ids)],
    )


def load(database: Database, release: str, ordinals: Sequence[int]) -> dict[int, np.ndarray]:
    """Return ordinal → vector (256,) float32 of those studies that have one."""
    sql = "SELECT ordinal, step, bytes FROM small_embeddings WHERE release = ? AND ordinal IN (SELECT unnest(?))"
    found = database.read(sql, [release, list(ordinals)])
    small = np.frombuffer(b"".join(row[2] for row in found), np.int8).reshape(-1, WIDTH)
    vectors = dequantised(np.array([row[1] for row in found], np.float32), small)
    return {row[0]: vector for row, vector in zip(found, vectors, strict=True)}
