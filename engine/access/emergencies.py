"""Emergencies: who had access by breaking the glass, what they were shown, and what officers know of it.

All of it stands in the audit: the act itself, the rows of its session, the mails about it, and who has read about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from engine.access.sessions import EMERGENCY_S
from engine.store.acts import KINDS
from engine.store.audit_file import AuditFile

BEGUN, REPORTED, READ = "break-glass", "emergency reported", "emergency read"
ENDS = ("signed out", "sessions ended")
SHOWING = ("query", "access", "export")  # events by which somebody sees studies
LONGEST = timedelta(seconds=EMERGENCY_S)

Stage = Literal["begun", "ended"]  # what a mail is about


@dataclass(frozen=True)
class Emergency:
    """One emergency access.

    row     : the number of its row in the audit
    began   : UTC
    ended   : UTC; None while it may go on. It ends by itself an hour after it began
    studies : how many studies were shown, opened or exported in it, each counted once
    mailed  : stages of which a mail server has taken the mail
    failed  : stage → why its mail could not be sent, one sentence; of mails that still wait
    """

    row: int
    who: str
    session: str
    reason: str
    began: datetime
    ended: datetime | None
    studies: int
    mailed: tuple[Stage, ...]
    failed: Mapping[Stage, str]

    @property
    def due(self) -> Stage | None:
        """The stage of which a mail is due: the end takes the place of a beginning that was not mailed."""
        stage: Stage = "begun" if self.ended is None else "ended"
        return None if stage in self.mailed else stage


def unread(audit: AuditFile, now: datetime | None = None, *, most: int | None = None) -> list[Emergency]:
    """Return the emergencies that nobody has marked as read, the newest first.

    now : UTC; the present where it is None. most : how many at most
    """
    found = _unread_rows(audit)[::-1]
    return _looked_up(audit, found[:most], now)


def unmailed(audit: AuditFile, now: datetime | None = None) -> list[Emergency]:
    """Return the emergencies of which a mail may be due, the oldest first: not read, and their end not mailed."""
    over = {
        one["about"]["row"]
        for one in audit.rows("kind = ?", (REPORTED,))
        if one["outcome"] == "done" and one["about"]["stage"] == "ended"
    }
    return _looked_up(audit, [body for body in _unread_rows(audit) if body["n"] not in over], now)


def n_unread(audit: AuditFile) -> int:
    """Return how many emergencies nobody has marked as read."""
    return len(_unread_rows(audit))


def is_emergency(audit: AuditFile, row: int, who: str = "") -> bool:
    """Return whether a row is an emergency access, and one of this person where one is named."""
    return any(not who or one["who"] == who for one in audit.rows("kind = ? AND n = ?", (BEGUN, row)))


def is_read(audit: AuditFile, row: int) -> bool:
    """Return whether somebody has marked an emergency as read."""
    return any(one["about"]["row"] == row for one in audit.rows("kind = ?", (READ,)))


def _unread_rows(audit: AuditFile) -> list[Any]:
    begun = audit.rows("kind = ?", (BEGUN,))
    read = {one["about"]["row"] for one in audit.rows("kind = ?", (READ,))} if begun else set()
    return [body for body in begun if body["n"] not in read]


def _looked_up(audit: AuditFile, begun: Sequence[Mapping[str, Any]], now: datetime | None) -> list[Emergency]:
    reports = audit.rows("kind = ?", (REPORTED,)) if begun else []
    return [_emergency(audit, body, reports, now or datetime.now(UTC)) for body in begun]


def _emergency(
    audit: AuditFile, body: Mapping[str, Any], reports: Iterable[Mapping[str, Any]], now: datetime
) -> Emergency:
    began = datetime.fromisoformat(body["recorded"])
    session, own = str(body.get("session", "")), [one for one in reports if one["about"]["row"] == body["n"]]
    ended = _end(audit, session, began, now)
    last = (ended or now).isoformat(timespec="microseconds")
    rows = audit.rows("who = ? AND recorded >= ? AND recorded <= ?", (body["who"], body["recorded"], last))
    seen = {
        study_id
        for one in rows
        if one.get("session") == session and KINDS.get(one["kind"]) in SHOWING
        for study_id in one.get("returned", ())
    }
    mailed = tuple(one["about"]["stage"] for one in own if one["outcome"] == "done")
    failed = {one["about"]["stage"]: one["refused"] for one in own if one["outcome"] == "failed"}
    reason = str(body.get("about", {}).get("reason", ""))
    waiting = {stage: why for stage, why in failed.items() if stage not in mailed}
    return Emergency(
        body["n"], body["who"], session, reason, began, ended, studies=len(seen), mailed=mailed, failed=waiting
    )


def _end(audit: AuditFile, session: str, began: datetime, now: datetime) -> datetime | None:
    """Return when a session for an emergency ended: as it was noted, else an hour after it began; None before then."""
    last = began + LONGEST
    between = began.isoformat(timespec="microseconds"), last.isoformat(timespec="microseconds")
    marks = ", ".join("?" * len(ENDS))
    for one in audit.rows(f"kind IN ({marks}) AND recorded >= ? AND recorded <= ?", (*ENDS, *between)):
        if one.get("about", {}).get("session") == session or one.get("about", {}).get("all"):
            return datetime.fromisoformat(one["recorded"])
    return last if now >= last else None
