"""What is asked of the audit: by time, person, patient, kind and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.store.acts import KINDS, Event
from engine.store.audit_file import AuditFile


@dataclass(frozen=True)
class AuditQuestion:
    """Which rows are wanted; what is left out does not narrow.

    since, until : when the row was recorded, UTC; until is not included
    patient      : among those of the row
    study        : among those that were returned
    events       : of engine.store.acts
    kinds        : of acts
    refused      : only what was refused or failed
    """

    since: datetime | None = None
    until: datetime | None = None
    who: str = ""
    patient: str = ""
    study: str = ""
    events: tuple[Event, ...] = ()
    kinds: tuple[str, ...] = ()
    refused: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what narrows, as plain facts for the row on reading the audit."""
        plain = {"who": self.who, "patient": self.patient, "study": self.study, "kinds": list(self.kinds)}
        times = {name: _iso(when) for name in ("since", "until") if (when := getattr(self, name)) is not None}
        found = {**plain, **times, "events": list(self.events), "refused": self.refused}
        return {name: value for name, value in found.items() if value}


def asked(audit: AuditFile, question: AuditQuestion, newest: int | None = None) -> list[dict[str, Any]]:
    """Return the bodies of the rows that are asked for: oldest first, or so many newest first."""
    conditions: list[str] = ["1"]
    values: list[Any] = []
    for column, sign, value in (
        ("recorded", ">=", question.since and _iso(question.since)),
        ("recorded", "<", question.until and _iso(question.until)),
        ("who", "=", question.who),
    ):
        if value:
            conditions.append(f"{column} {sign} ?")
            values.append(value)
    kinds = [*question.kinds, *(kind for kind, event in KINDS.items() if event in question.events)]
    if kinds:
        conditions.append(f"kind IN ({', '.join('?' * len(kinds))})")
        values += kinds
    for word in (question.patient, question.study):
        if word:
            conditions.append("instr(body, ?) > 0")
            values.append(f'"{word}"'.encode())
    if question.refused:
        conditions.append("(instr(body, ?) > 0 OR instr(body, ?) > 0)")
        values += [b'"outcome":"refused"', b'"outcome":"failed"']
    found = audit.rows(" AND ".join(conditions), values, newest=None if _is_checked(question) else newest)
    rows = [body for body in found if _fits(body, question)]
    return rows if newest is None or not _is_checked(question) else rows[::-1][:newest]


def _is_checked(question: AuditQuestion) -> bool:
    """Say whether a word in the body may stand for something else, so that rows are looked at one by one."""
    return bool(question.patient or question.study or question.refused)


def _fits(body: dict[str, Any], question: AuditQuestion) -> bool:
    return (
        (not question.patient or question.patient in body.get("patients", ()))
        and (not question.study or question.study in body.get("returned", ()))
        and (not question.refused or body.get("outcome") in ("refused", "failed"))
    )


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")
