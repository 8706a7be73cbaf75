"""The codes of releases that answered before, kept so that one comes back with the very bits it had.

Made anew from the same embedding, a projection that lies on its threshold may fall to the other side on another
processor. A kept code counts only while the study has the embedding that it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb


def save(cursor: duckdb.DuckDBPyConnection) -> None:
    """Keep the codes of the serving release, which is about to be replaced, inside a transaction."""
    serving = "serving v JOIN releases r ON r.name = v.release"
    cursor.execute(f"DELETE FROM former_codes WHERE digest IN (SELECT r.digest FROM {serving})")
    cursor.execute(
        "INSERT INTO former_codes SELECT c.study_id, r.digest, hash(e.vector), c.w0, c.w1, c.w2, c.w3"
        f" FROM {serving} JOIN codes c ON c.release = r.name"
        " JOIN embeddings e ON e.study_id = c.study_id AND e.release = c.release"
    )


def restore(cursor: duckdb.DuckDBPyConnection, digest: str, serving: str) -> int:
    """Stage the kept codes of a release that still fit the serving one's embeddings, inside a transaction.

    Returns how many; what is staged already stays.
    """
    found = cursor.execute(
        "INSERT INTO staged SELECT f.study_id, f.digest, e.vector, m.step, m.bytes, f.w0, f.w1, f.w2, f.w3"
        " FROM former_codes f JOIN studies s USING (study_id)"
        " JOIN embeddings e ON e.study_id = f.study_id AND e.release = ?"
        " JOIN small_embeddings m ON m.ordinal = s.ordinal AND m.release = e.release"
        " WHERE f.digest = ? AND f.vector = hash(e.vector)"
        " AND f.study_id NOT IN (SELECT study_id FROM staged WHERE digest = ?)",
        [serving, digest, digest],
    ).fetchone()
    return int(found[0]) if found else 0


def delete(cursor: duckdb.DuckDBPyConnection, study_ids: Sequence[str]) -> None:
    """Forget the kept codes of studies that are gone, inside a transaction."""
    cursor.execute("DELETE FROM former_codes WHERE study_id IN (SELECT unnest(?))", [list(study_ids)])


def delete_releases(cursor: duckdb.DuckDBPyConnection, digests: Sequence[str]) -> None:
    """Forget the kept codes of releases that may not serve again, inside a transaction."""
    cursor.execute("DELETE FROM former_codes WHERE digest IN (SELECT unnest(?::VARCHAR[]))", [list(digests)])
