"""The codes of the workspace's tables as columns in memory: of one modality under one release, whole or in part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np

from engine.errors import WorkspaceError
from engine.index.code_columns import Columns, in_order
from engine.index.packed import packed
from engine.store.database import Database

WORDS = 4
PIECE = 10 * 122_880  # rows read at once: ten of the groups in which DuckDB stores them
SOURCE = "FROM codes WHERE release = ? AND modality = ?"
FACTS = "study_id, ordinal, patient, w0, w1, w2, w3"
SHARD = "ordinal % ?"  # a study's shard, out of so many
CHUNK = 244  # of DuckDB's vectors of 2,048 rows: half a million codes, about 30 MB, at a time
Key = tuple[str, str]  # release, modality
Table = dict[str, np.ndarray]  # column of FACTS → its values
# Whether a study id comes before the one stored ahead of it; DuckDB streams this without sorting.
UNORDERED = f"SELECT count(*) FROM (SELECT study_id < lag(study_id) OVER () AS late {SOURCE}) WHERE late"


def load_columns(cursor: duckdb.DuckDBPyConnection, release: str, modality: str) -> Columns:
    """Return the columns that the cursor's transaction sees, read piece by piece, so that only a piece is held twice.

    Rows come in the order in which they are stored, which mostly is that of the ids; sorting is for when it is not.
    """
    which = [release, modality]
    sizes = f"SELECT count(*), coalesce(max(rowid) + 1, 0) {SOURCE}"
    n, rows = cursor.execute(sizes, which).fetchone() or (0, 0)
    words = np.empty((WORDS, n), np.uint64)
    for word in range(WORDS):
        read = 0
        for piece in _read(cursor, f"w{word}", which, rows, n):
            words[word, read : read + piece.size] = piece
            read += piece.size
    ordinals, patients = (packed(_read(cursor, name, which, rows, n), n) for name in ("ordinal", "patient"))
    (late,) = cursor.execute(UNORDERED, which).fetchone() or (0,)
    if not late:
        return Columns(words, ordinals, patients)
    ordered = cursor.execute(f"SELECT ordinal {SOURCE} ORDER BY study_id", which).fetchnumpy()["ordinal"]
    return in_order(words, ordinals, patients, np.asarray(ordered))


def count(database: Database, release: str, modality: str) -> int:
    """Return how many codes of a modality a release has."""
    return int(database.read(f"SELECT count(*) {SOURCE}", [release, modality])[0][0])


def of_studies(database: Database, key: Key, study_ids: Sequence[str]) -> Table:
    """Return the codes of these studies in the order of the study ids, as columns."""
    sql = f"SELECT {FACTS} {SOURCE} AND study_id IN (SELECT unnest(?)) ORDER BY study_id"
    return database.columns(sql, [*key, list(study_ids)])


def by_ordinal(database: Database, key: Key, ordinals: Sequence[int]) -> dict[int, np.ndarray]:
    """Return ordinal → packed code (32,) uint8 of those studies that are there."""
    sql = f"SELECT ordinal, w0, w1, w2, w3 {SOURCE} AND ordinal IN (SELECT unnest(?))"
    found = database.read(sql, [*key, list(ordinals)])
    return {row[0]: np.array(row[1:], "<u8").view(np.uint8) for row in found}


def of_shard(cursor: duckdb.DuckDBPyConnection, key: Key, shard: int, shards: int) -> Iterator[Table]:
    """Yield the codes of one shard that the cursor's transaction sees, in the order of the study ids, by pieces."""
    cursor.execute(f"SELECT {FACTS} {SOURCE} AND {SHARD} = ? ORDER BY study_id", [*key, shards, shard])
    while len(chunk := cursor.fetch_df_chunk(CHUNK)):
        yield {name: chunk[name].to_numpy() for name in chunk.columns}


def shards_of_studies(database: Database, key: Key, study_ids: Sequence[str], shards: int) -> tuple[Table, np.ndarray]:
    """Return the codes of these studies as `of_studies` does, and the shard of each, (n,) int64."""
    sql = f"SELECT {FACTS}, ({SHARD})::BIGINT AS shard {SOURCE} AND study_id IN (SELECT unnest(?)) ORDER BY study_id"
    table = database.columns(sql, [shards, *key, list(study_ids)])
    where = np.asarray(table.pop("shard"))
    return {name: np.asarray(column) for name, column in table.items()}, where


def fingerprint(database: Database, key: Key, shard: int, shards: int) -> str:
    """Return what differs, but for one chance in 2⁶⁴, where the codes of a shard differ."""
    sql = f"SELECT count(*), coalesce(bit_xor(hash({FACTS})), 0) {SOURCE} AND {SHARD} = ?"
    ((n, mixed),) = database.read(sql, [*key, shards, shard])
    return f"{n}-{mixed:016x}"


def largest_release(database: Database) -> str | None:
    """Return the release with the most codes, or None while there are none."""
    found = database.read("SELECT release FROM codes GROUP BY release ORDER BY count(*) DESC, release LIMIT 1")
    return found[0][0] if found else None


def modalities(database: Database) -> list[str]:
    """Return the modalities that have codes."""
    return [name for (name,) in database.read("SELECT DISTINCT modality FROM codes ORDER BY 1")]


def count_all(database: Database) -> int:
    """Return how many codes there are, of all releases and modalities."""
    return int(database.read("SELECT count(*) FROM codes")[0][0])


def _read(cursor: duckdb.DuckDBPyConnection, name: str, which: list[str], rows: int, n: int) -> Iterator[np.ndarray]:
    """Yield one column's n values, of the table's first `rows` rows; row numbers hold through a transaction."""
    sql, read = f"SELECT {name} {SOURCE} AND rowid >= ? AND rowid < ?", 0
    for first in range(0, rows, PIECE):
        piece = cursor.execute(sql, [*which, first, first + PIECE]).fetchnumpy()[name]
        read += piece.size
        yield np.asarray(piece)
    if read != n:
        raise WorkspaceError("The codes changed while they were being loaded: open the workspace again.")
