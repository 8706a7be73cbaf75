"""Where a report belongs: the visits of studies by accession, visit, or patient and day; earlier texts of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.store.database import Database

ACCESSION, REPORT, STATUS = "accession", "report", "report_status"  # keys of a study's further facts
DAYS = 1  # between two dates of one visit; MEDBind pairs within 24 hours


class Visit(NamedTuple):
    """One visit of one patient, by their pseudonyms."""

    encounter_id: str
    patient_id: str


class Version(NamedTuple):
    """A text that came of a report before: its study and patient, what its sender said of it, its fingerprint."""

    study_id: str
    patient_id: str
    status: str
    fingerprint: str


def by_accession(database: Database, accessions: Sequence[str]) -> list[Visit]:
    """Return the visits of studies under one of the hashed accession numbers."""
    return _visits(database, "json_extract_string(extra, '$.accession') IN (SELECT unnest(?))", [list(accessions)])


def by_encounter(database: Database, encounters: Sequence[str]) -> list[Visit]:
    """Return the visits of these pseudonyms of which a study is there."""
    return _visits(database, "encounter_id IN (SELECT unnest(?))", [list(encounters)])


def by_day(database: Database, patients: Sequence[str], day: str) -> list[Visit]:
    """Return the visits of patients with a study within a day of a shifted date, YYYY-MM-DD."""
    near = "abs(date_diff('day', TRY_CAST(left(acquired_at::VARCHAR, 10) AS DATE), ?::DATE)) <= ?"
    return _visits(database, f"patient_id IN (SELECT unnest(?)) AND {near}", [list(patients), day, DAYS])


def versions(database: Database, report: str) -> list[Version]:
    """Return the texts of a report, by its hashed number."""
    sql = (
        "SELECT study_id, patient_id, json_extract_string(extra, '$.report_status'), fingerprint FROM studies"
        " WHERE json_extract_string(extra, '$.report') = ? ORDER BY study_id"
    )
    return [Version(*row) for row in database.read(sql, [report])]


def _visits(database: Database, met: str, values: list[object]) -> list[Visit]:
    sql = f"SELECT DISTINCT encounter_id, patient_id FROM studies WHERE modality <> 'text' AND {met} ORDER BY 1"
    return [Visit(*row) for row in database.read(sql, values)]
