"""What patients have withdrawn: the latest decision by patient and scope counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from engine.store.database import Database


class Withdrawal(NamedTuple):
    """One scope that a patient has withdrawn: since when, and by whom it was recorded; studies: how many there are."""

    patient_id: str
    scope: str
    since: datetime
    who: str
    cohort: str
    studies: int


def withdrawals(database: Database, patient_ids: Sequence[str] | None = None) -> list[Withdrawal]:
    """Return what is withdrawn, of some patients or of all, by patient and scope."""
    found = database.read(
        "SELECT w.patient_id, w.scope, max(c.changed_at), arg_max(c.who, c.number), coalesce(any_value(p.cohort), ''),"
        " (SELECT count(*) FROM studies s WHERE s.patient_id = w.patient_id)"
        " FROM withdrawn w JOIN consent c USING (patient_id, scope) LEFT JOIN patients p USING (patient_id)"
        " WHERE ? IS NULL OR w.patient_id IN (SELECT unnest(?::VARCHAR[])) GROUP BY ALL ORDER BY 1, 2",
        [None if patient_ids is None else 1, list(patient_ids or ())],
    )
    return [Withdrawal(*row) for row in found]


def cohort_and_studies(database: Database, patient_id: str) -> tuple[str, int]:
    """Return the cohort of a patient and how many studies there are; "" and 0 for somebody who is not here."""
    sql = (
        "SELECT p.cohort, (SELECT count(*) FROM studies s WHERE s.patient_id = p.patient_id) FROM patients p"
        " WHERE p.patient_id = ?"
    )
    return next(((cohort, int(n)) for cohort, n in database.read(sql, [patient_id])), ("", 0))
