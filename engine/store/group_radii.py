"""Radii by group that somebody switched on, one attribute for a pair of modalities, under the release that serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from engine.actor import Actor
from engine.files import utc_now
from engine.store import permission
from engine.store.acts import Act
from engine.store.database import Database

KIND = "radii by group"  # in the audit
COLUMNS = "asks, answers, source, by_fact, common, radii"


@dataclass(frozen=True)
class GroupRadii:
    """The radii of the groups of one attribute, for queries of one modality into another.

    query, target : modalities; source : the data set on which they were chosen
    by            : what makes the groups: age, sex or view
    common        : the radius of everybody else, bits of 256
    radii         : group → its radius, bits of 256
    """

    query: str
    target: str
    source: str
    by: str
    common: int
    radii: Mapping[str, int] = field(hash=False)


def in_use(database: Database, digest: str) -> list[GroupRadii]:
    """Return what is switched on under a release, by modalities."""
    found = database.read(f"SELECT {COLUMNS} FROM group_radii WHERE digest = ? ORDER BY asks, answers", [digest])
    return [
        GroupRadii(query, target, source, by, common, json.loads(radii))
        for query, target, source, by, common, radii in found
    ]


def switch_on(database: Database, digest: str, chosen: GroupRadii, *, actor: Actor) -> None:
    """Use these radii from the next search on, in the place of another attribute's of the same modalities."""
    permission.require(database, actor, "curate")
    values = [chosen.query, chosen.target, chosen.source, chosen.by, chosen.common, json.dumps(dict(chosen.radii))]
    with database.write(actor, _act(digest, chosen, on=True)) as cursor:
        _delete(cursor, digest, chosen)
        cursor.execute(
            "INSERT INTO group_radii VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [digest, *values, actor.name, utc_now()]
        )


def switch_off(database: Database, digest: str, chosen: GroupRadii, *, actor: Actor) -> None:
    """Use the common radius again from the next search on."""
    permission.require(database, actor, "curate")
    with database.write(actor, _act(digest, chosen, on=False)) as cursor:
        _delete(cursor, digest, chosen)


def _delete(cursor: duckdb.DuckDBPyConnection, digest: str, chosen: GroupRadii) -> None:
    cursor.execute(
        "DELETE FROM group_radii WHERE digest = ? AND asks = ? AND answers = ?", [digest, chosen.query, chosen.target]
    )


def _act(digest: str, chosen: GroupRadii, *, on: bool) -> Act:
    asks = {"from": chosen.query, "into": chosen.target, "source": chosen.source, "by": chosen.by}
    return Act(KIND, about={"switched": "on" if on else "off", "digest": digest, **asks, "radii": dict(chosen.radii)})
