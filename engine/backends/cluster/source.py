"""The record's side of a shard: which rows are its own, read from DuckDB, and a fingerprint of them.

A study belongs to the shard that its ordinal names, modulo their number: the ordinal is the study's own as long as it
is in the workspace, whatever else comes and goes, and shards are of one size. (The MD5 of the id costs a second more
per million codes, which a site that returns would be waiting for.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np

from engine.backends.cluster.messages import CodeRows, Key, pack_ids
from engine.index.code_columns import Columns, downcast
from engine.store.codes import WORDS
from engine.store.database import Database

SHARD = "ordinal % ?"
FACTS = "study_id, ordinal, patient, w0, w1, w2, w3"
MINE = f"FROM codes WHERE release = ? AND modality = ? AND {SHARD} = ?"
CHUNK = 244  # of DuckDB's vectors of 2,048 rows: half a million codes, about 30 MB, at a time


def shard_codes(cursor: duckdb.DuckDBPyConnection, key: Key, shard: int, shards: int) -> Iterator[CodeRows]:
    """Yield the codes of one shard that the cursor's transaction sees, in the order of the study ids."""
    cursor.execute(f"SELECT {FACTS} {MINE} ORDER BY study_id", [*key, shards, shard])
    while True:
        chunk = cursor.fetch_df_chunk(CHUNK)
        if len(chunk) == 0:
            return
        yield _rows({name: chunk[name].to_numpy() for name in chunk.columns})


def added_codes(
    database: Database, keys: Sequence[Key], study_ids: Sequence[str], shards: int
) -> list[dict[Key, CodeRows]]:
    """Return, by shard, the codes of these studies under every key under which they have some."""
    found: list[dict[Key, CodeRows]] = [{} for _ in range(shards)]
    sql = (
        f"SELECT {FACTS}, ({SHARD})::BIGINT AS shard FROM codes"
        " WHERE release = ? AND modality = ? AND study_id IN (SELECT unnest(?)) ORDER BY study_id"
    )
    for key in keys:
        table = database.columns(sql, [shards, *key, list(study_ids)])
        where = np.asarray(table.pop("shard"))
        for shard in np.unique(where).tolist():
            found[shard][key] = _rows({name: np.asarray(column)[where == shard] for name, column in table.items()})
    return found


def fingerprint(database: Database, key: Key, shard: int, shards: int) -> str:
    """Return what differs, but for one chance in 2⁶⁴, where the codes of a shard differ."""
    sql = f"SELECT count(*), coalesce(bit_xor(hash({FACTS})), 0) {MINE}"
    ((n, mixed),) = database.read(sql, [*key, shards, shard])
    return f"{n}-{mixed:016x}"


def _rows(table: dict[str, np.ndarray]) -> CodeRows:
    words = np.stack([np.asarray(table[f"w{word}"], np.uint64) for word in range(WORDS)])
    ordinals, patients = (downcast(np.asarray(table[name], np.int64)) for name in ("ordinal", "patient"))
    return CodeRows(pack_ids(table["study_id"].tolist()), Columns(words, ordinals, patients))
