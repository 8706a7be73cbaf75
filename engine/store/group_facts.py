"""What the record knows of the people behind studies: facts by which groups are told apart, and who was refused."""

from __future__ import annotations

from typing import NamedTuple

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database
from engine.store.filters import CONSENT_SQL

DEVICE_SQL = "coalesce(json_extract_string(s.extra, '$.device'), '')"
COLUMNS = (
    "s.study_id, s.modality, s.labels, s.patient_id, s.cohort, coalesce(s.sex, ''), s.age, coalesce(s.view, ''),"
    f" {DEVICE_SQL}, s.synthetic"
)


class StudyFacts(NamedTuple):
    """What is known of one study and of whose it is; "" and None where it is not known. age : years"""

    study_id: str
    modality: str
    labels: tuple[str, ...]
    patient_id: str
    cohort: str
    sex: str
    age: float | None
    view: str
    device: str
    synthetic: bool


def facts(database: Database, actor: Actor) -> list[StudyFacts]:
    """Return the facts of the studies that an actor may see, by id."""
    found = permission.read(database, actor, f"SELECT {COLUMNS} FROM permitted_studies s ORDER BY s.study_id")
    return [_facts(row) for row in found]


def judged(database: Database) -> list[tuple[StudyFacts, bool]]:
    """Return the facts of every study whose patient consents, and whether the quality gate refuses it, by id.

    It is counted, as the process itself counts; who is refused is shown to nobody by name.
    """
    sql = f"SELECT {COLUMNS}, s.refused <> '' FROM studies s WHERE {CONSENT_SQL} ORDER BY s.study_id"
    return [(_facts(row[:-1]), bool(row[-1])) for row in database.read(sql)]


def _facts(row: tuple) -> StudyFacts:
    study_id, modality, labels, *rest = row
    return StudyFacts(study_id, modality, tuple(labels), *rest)
