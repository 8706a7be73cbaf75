"""Studies whose codes small changes move unusually far, marked as they were taken in (engine.workspace.steadiness)."""

from __future__ import annotations

from typing import NamedTuple

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database

UNSTEADY = "unsteady"  # among the further columns of a study: how far its projections turn
MOST = 100  # listed


class UnsteadyStudy(NamedTuple):
    """One of them; turn: 1 − cosine of the projections of study and slightly changed copy."""

    study_id: str
    modality: str
    cohort: str
    turn: float


def unsteady(database: Database, actor: Actor) -> tuple[list[UnsteadyStudy], int]:
    """Return those that the actor may see, which move furthest first, at most MOST; and how many there are."""
    turn = f"try_cast(json_extract_string(extra, '$.{UNSTEADY}') AS DOUBLE)"
    found = permission.read(
        database,
        actor,
        f"SELECT study_id, modality, cohort, {turn} FROM permitted_studies WHERE {turn} IS NOT NULL"
        f" ORDER BY {turn} DESC, study_id",
    )
    return [UnsteadyStudy(*row) for row in found[:MOST]], len(found)
