"""The SQL of one shard's table: filling it, following changes, and the nearest codes under a mask.

These statements are for PostgreSQL at a site; those for the workspace's own DuckDB file stand in engine/store.
Codes are bit strings of 64, 128 and 256 bits, so that a shorter code is compared without cutting the longer one. Names
of tables are hexadecimal digests made here; everything else is bound.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from engine.backends.cluster.mask import ShardMask
from engine.backends.cluster.messages import NO_ORDINALS, CodeRows, ShardQuery, ShardReply

PREPARE = """
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE IF NOT EXISTS casebind_tables (name text PRIMARY KEY, stamp text COLLATE "C" NOT NULL)
"""
ADVISORY_LOCK = (
    "SELECT pg_advisory_xact_lock(7270690842)"  # two sessions that prepare a server at once would trip each other
)
STAMP = "SELECT stamp FROM casebind_tables WHERE name = %s"
UPSERT_STAMP = "INSERT INTO casebind_tables VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET stamp = excluded.stamp"
LIMIT = "SET LOCAL statement_timeout = {ms}"
COLUMNS = (
    'ordinal bigint NOT NULL, patient bigint NOT NULL, study_id text COLLATE "C" NOT NULL,'
    " c64 bit(64) NOT NULL, c128 bit(128) NOT NULL, c256 bit(256) NOT NULL"
)
LENGTHS = (64, 128, 256)
HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
NUMBERS = struct.Struct(">hiqiqi")  # six fields: the ordinal, the patient, and the length of the id that follows
MAX_EF = 1000  # candidates of pgvector's HNSW scan


def fill(connection: Any, name: str, parts: Iterable[CodeRows]) -> None:
    """Copy codes into a new table beside the one of that name."""
    connection.execute(f"DROP TABLE IF EXISTS {name}_new")
    connection.execute(f"CREATE TABLE {name}_new ({COLUMNS})")
    for rows in parts:
        copy(connection, f"{name}_new", rows)


def replace(connection: Any, name: str) -> int:
    """Put the new table in the place of the one of that name; return how many codes it holds."""
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"ALTER TABLE {name}_new RENAME TO {name}")
    connection.execute(f"CREATE UNIQUE INDEX {name}_ordinal ON {name} (ordinal)")
    ((n,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    return int(n)


def finish(connection: Any, name: str, approximate: bool) -> None:
    """Build the indexes of the approximate search, where it is wanted, and let the planner know the table."""
    for bits in LENGTHS if approximate else ():
        connection.execute(f"CREATE INDEX {name}_{bits} ON {name} USING hnsw (c{bits} bit_hamming_ops)")
    connection.execute(f"ANALYZE {name}")


def change(connection: Any, name: str, added: CodeRows | None, removed: np.ndarray) -> None:
    """Delete the studies of these ordinals, (m,) int64, and put codes in, some in the place of others."""
    left = np.concatenate([removed, added.columns.ordinals if added else NO_ORDINALS]).astype(np.int64)
    if left.size:
        connection.execute(f"DELETE FROM {name} WHERE ordinal = ANY(%s)", [left.tolist()])
    if added is not None and added.n:
        copy(connection, name, added)


def drop(connection: Any, name: str) -> None:
    """Remove a table and its stamp."""
    connection.execute(f"DROP TABLE IF EXISTS {name}, {name}_new")
    connection.execute("DELETE FROM casebind_tables WHERE name = %s", [name])


def copy(connection: Any, name: str, rows: CodeRows) -> None:
    """Send codes by binary COPY."""
    with connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as stream:
        stream.write(HEAD)
        for block in _binary(rows):
            stream.write(block)
        stream.write(b"\xff\xff")


def _binary(rows: CodeRows, step: int = 4096) -> Iterator[bytes]:
    """Yield rows as COPY takes them, a block of rows at a time."""
    codes = np.ascontiguousarray(rows.columns.words.T).view(np.uint8)  # (n, 32)
    sized = [(bits // 8, struct.pack(">ii", 4 + bits // 8, bits)) for bits in LENGTHS]
    for start in range(0, rows.n, step):
        places = np.arange(start, min(start + step, rows.n))
        facts = zip(
            rows.columns.ordinals[places].tolist(),
            rows.columns.patients[places].tolist(),
            rows.ids.take(places),
            (code.tobytes() for code in codes[places]),
            strict=True,
        )
        block = []
        for ordinal, patient, study_id, code in facts:
            named = study_id.encode()
            block += [NUMBERS.pack(6, 8, ordinal, 8, patient, len(named)), named]
            block += [piece for size, head in sized for piece in (head, code[:size])]
        yield b"".join(block)


def nearest(connection: Any, name: str, query: ShardQuery, mask: ShardMask, approximate: bool) -> ShardReply:
    """Return the k nearest permitted codes of different patients, exact unless the search is approximate."""
    wanted = 4 * query.k
    while True:
        if approximate:
            connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            connection.execute(f"SET LOCAL hnsw.ef_search = {min(MAX_EF, max(40, wanted))}")
        sql, values = _statement(name, query, mask, wanted, approximate)
        found = connection.execute(sql, values).fetchall()
        if approximate:
            found.sort(key=lambda row: (row[3], row[2]))
        patients = np.array([row[1] for row in found], np.int64)
        firsts = np.sort(np.unique(patients, return_index=True)[1])[: query.k]
        if firsts.size == query.k or len(found) < wanted:
            return _reply([found[place] for place in firsts.tolist()])
        wanted *= 4


def _statement(name: str, query: ShardQuery, mask: ShardMask, wanted: int, approximate: bool) -> tuple[str, list[Any]]:
    """Return the statement for the nearest rows (ordinal, patient, study id, distance) and its values."""
    bits = query.bits
    code = np.unpackbits(np.ascontiguousarray(query.query).view(np.uint8)[: bits // 8])
    far = f"(c{bits} <~> %s::bit({bits}))"
    literal = "".join(map(str, code.tolist()))
    where, values = _permitted(mask)
    if query.denied.size:
        where, values = f"{where} AND ordinal <> ALL(%s)", [*values, query.denied.tolist()]
    if query.radius is not None:
        where, values = f"{where} AND {far} <= %s", [*values, literal, query.radius]
    order = "" if approximate else ", study_id"
    sql = f"SELECT ordinal, patient, study_id, {far}::int FROM {name} WHERE {where} ORDER BY {far}{order} LIMIT %s"
    return sql, [literal, *values, literal, wanted]


def _permitted(mask: ShardMask) -> tuple[str, list[Any]]:
    """Return the condition that a mask means, and its values."""
    named, values = "ordinal <= %s", [mask.max_ordinal]
    if mask.ordinals.listed:
        if mask.ordinals.packed.size == 0 and not mask.is_allowlist:
            return named, values
        test = "= ANY" if mask.is_allowlist else "<> ALL"
        return f"{named} AND ordinal {test}(%s)", [*values, mask.ordinals.packed.tolist()]
    first, bits = mask.ordinals.first, mask.ordinals.packed
    inside = "CASE WHEN ordinal BETWEEN %s AND %s THEN get_bit(%s::bytea, ordinal - %s) ELSE 0 END"
    span = [first, first + 8 * bits.size - 1, bits.tobytes(), first]
    return f"{named} AND {inside} = {int(mask.is_allowlist)}", [*values, *span]


def _reply(rows: list[tuple[int, int, str, int]]) -> ShardReply:
    ordinals, patients, distances = (np.array([row[place] for row in rows], np.int64) for place in (0, 1, 3))
    return ShardReply([row[2] for row in rows], ordinals, distances, patients)
