"""Studies of one patient that may be of the same visit: every candidate with its rule, from SQL alone.

A study carries a visit's number where its encounter is not its own id (engine.workspace.ingest makes it so).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from engine.actor import Actor
from engine.store import permission
from engine.store.database import Database

Rule = Literal["visit", "day", "window"]
RULES: tuple[Rule, ...] = ("visit", "day", "window")  # the first that holds makes the pair

SQL = """, known AS (
    SELECT s.study_id, s.modality, s.patient_id, s.encounter_id, s.encounter_id <> s.study_id AS numbered,
        TRY_CAST(s.acquired_at AS TIMESTAMP) AS moment, length(s.acquired_at) > 10 AS timed
    FROM permitted_studies s JOIN embeddings e ON e.study_id = s.study_id AND e.release = ?),
kinds AS (SELECT unnest(?::VARCHAR[]) AS a, unnest(?::VARCHAR[]) AS b, unnest(?::DOUBLE[]) AS hours),
near AS (
    SELECT a.study_id AS first, b.study_id AS second, a.modality AS a, b.modality AS b, a.patient_id AS patient,
        a.encounter_id = b.encounter_id AS same, a.numbered AND b.numbered AS numbered, k.hours AS allowed,
        CASE WHEN a.timed AND b.timed THEN abs(epoch(a.moment) - epoch(b.moment)) / 3600 END AS apart,
        a.moment::DATE = b.moment::DATE AS same_day
    FROM known a JOIN known b USING (patient_id) JOIN kinds k ON k.a = a.modality AND k.b = b.modality),
ruled AS (
    SELECT *, CASE WHEN same THEN 'visit' WHEN numbered THEN NULL
        WHEN apart <= ? OR (apart IS NULL AND same_day) THEN 'day' WHEN apart <= allowed THEN 'window' END AS rule
    FROM near)
SELECT first, second, a, b, patient, rule, apart FROM ruled WHERE rule IS NOT NULL
ORDER BY rule = 'window', rule = 'day', apart NULLS LAST, first, second"""


class PairCandidate(NamedTuple):
    """Two studies that a rule puts together. hours : between them, None where a time of day is not known"""

    first: str
    second: str
    a: str
    b: str
    patient_id: str
    rule: Rule
    hours: float | None


def candidates(
    database: Database, actor: Actor, release: str, windows: Mapping[tuple[str, str], float], day_hours: float
) -> list[PairCandidate]:
    """Return what may be paired among the permitted studies that a release has embedded; the surest first.

    windows   : (modality, modality) → hours that two studies without a common visit number may lie apart beyond a day
    day_hours : hours within which they are taken for one visit whatever the window (MEDBind §3.1: 24)
    Two studies that carry different visit numbers are never a pair.
    """
    a, b = ([pair[side] for pair in windows] for side in (0, 1))
    found = permission.read(database, actor, SQL, [release, a, b, list(windows.values()), day_hours])
    return [PairCandidate(*row) for row in found]
