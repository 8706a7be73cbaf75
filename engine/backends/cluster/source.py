"""The record's side of a shard: which rows are its own, read from DuckDB (engine.store.codes).

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
from engine.store import codes
from engine.store.codes import WORDS
from engine.store.database import Database


def shard_codes(cursor: duckdb.DuckDBPyConnection, key: Key, shard: int, shards: int) -> Iterator[CodeRows]:
    """Return the codes of one shard that the cursor's transaction sees, in the order of the study ids."""
    return map(_rows, codes.of_shard(cursor, key, shard, shards))


def added_codes(
    database: Database, keys: Sequence[Key], study_ids: Sequence[str], shards: int
) -> list[dict[Key, CodeRows]]:
    """Return, by shard, the codes of these studies under every key under which they have some."""
    found: list[dict[Key, CodeRows]] = [{} for _ in range(shards)]
    for key in keys:
        table, where = codes.shards_of_studies(database, key, study_ids, shards)
        for shard in np.unique(where).tolist():
            found[shard][key] = _rows({name: column[where == shard] for name, column in table.items()})
    return found


def _rows(table: dict[str, np.ndarray]) -> CodeRows:
    words = np.stack([np.asarray(table[f"w{word}"], np.uint64) for word in range(WORDS)])
    ordinals, patients = (downcast(np.asarray(table[name], np.int64)) for name in ("ordinal", "patient"))
    return CodeRows(pack_ids(table["study_id"].tolist()), Columns(words, ordinals, patients))
