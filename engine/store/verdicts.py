"""Which quality gate judged the studies of a workspace, and which of them it sets aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.store.database import Database


class Judged(NamedTuple):
    """The verdict on one study: refused is why, "" where it is accepted."""

    study_id: str
    score: float
    refused: str


def judged_by_another(database: Database, gate: str) -> list[str]:
    """Return the ids of the studies whose verdict is not that of the gate of this digest, in order."""
    found = database.read("SELECT study_id FROM studies WHERE gate <> ? ORDER BY study_id", [gate])
    return [study_id for (study_id,) in found]


def n_set_aside(database: Database) -> int:
    """Return how many studies are set aside."""
    return int(database.read("SELECT count(*) FROM studies WHERE refused <> ''")[0][0])


def record(database: Database, gate: str, judged: Sequence[Judged]) -> None:
    """Write verdicts of a gate in one transaction; a study that is gone meanwhile is left out."""
    ids, scores, refused = (list(column) for column in zip(*judged, strict=True))
    with database.write() as cursor:
        cursor.execute(
            "UPDATE studies SET gate = ?, quality_score = new.score, refused = new.refused"
            " FROM (SELECT unnest(?) AS study_id, unnest(?::DOUBLE[]) AS score, unnest(?::VARCHAR[]) AS refused) new"
            " WHERE studies.study_id = new.study_id",
            [gate, ids, scores, refused],
        )
