"""The audit, read by somebody: questions that auditors ask, a check, a file. Each is a row of the audit itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from engine.access import emergencies
from engine.access.emergencies import Emergency
from engine.actor import Actor
from engine.audit.checkpoint import Checkpoint, last_checkpoint
from engine.audit.export import exported
from engine.audit.verify import Verification, verify
from engine.errors import UsageError
from engine.store import permission
from engine.store.acts import Act
from engine.store.audit import row_of
from engine.store.audit_questions import AuditQuestion, asked
from engine.store.records import AuditRow
from engine.workspace.workspace import Workspace

Report = Literal[
    "all",
    "patient",
    "person",
    "exports",
    "refusals",
    "sign_ins",
    "emergencies",
    "accounts",
    "consent",
    "reading",
    "clock",
]
REPORTS: tuple[Report, ...] = get_args(Report)
CHANGED_ACCOUNTS = (
    "account added",
    "account closed",
    "account reopened",
    "account joined",
    "role changed",
    "link made",
    "password set",
    "policies loaded",
)
NARROWED: dict[Report, Callable[[AuditQuestion], AuditQuestion]] = {
    "exports": lambda one: replace(one, events=("export", "import")),
    "refusals": lambda one: replace(one, refused=True),
    "sign_ins": lambda one: replace(one, events=("sign-in",)),
    "emergencies": lambda one: replace(one, kinds=(emergencies.BEGUN, emergencies.REPORTED, emergencies.READ)),
    "accounts": lambda one: replace(one, kinds=CHANGED_ACCOUNTS),
    "consent": lambda one: replace(
        one,
        kinds=(
            *("consent granted", "consent withdrawn", "retention applied", "erasure begun", "erased", "unlearnt"),
            *("query deleted", "upload deleted"),
        ),
    ),
    "reading": lambda one: replace(one, events=("audit",)),
    "clock": lambda one: replace(one, kinds=("clock went back", "damage found", "app started", "app stopped")),
}


@dataclass(frozen=True)
class AuditState:
    """How far the audit is: rows, the newest checkpoint that can be read, and everybody of whom there is a row."""

    rows: int
    last: Checkpoint | None
    people: tuple[str, ...]


def question_of(
    report: Report, *, since: datetime | None = None, until: datetime | None = None, who: str = "", patient: str = ""
) -> AuditQuestion:
    """Return what a report asks; times are UTC, `until` is not included."""
    question = AuditQuestion(since, until, who.strip(), patient.strip())
    return NARROWED.get(report, lambda one: one)(question)


def read_audit(workspace: Workspace, question: AuditQuestion, *, actor: Actor, newest: int) -> list[AuditRow]:
    """Return the newest rows that are asked for, newest first; NotPermittedError unless the actor may read them.

    The row of this reading is not among them.
    """
    permission.require(workspace.database, actor, "record")
    found = [row_of(body) for body in asked(workspace.database.audit, question, newest)]
    workspace.database.audit.append(actor, Act("record read", about=question.facts()))
    return found


def export_audit(workspace: Workspace, question: AuditQuestion, form: str, *, actor: Actor) -> str:
    """Return every row that is asked for as a file, oldest first; NotPermittedError as `read_audit`."""
    permission.require(workspace.database, actor, "record")
    return exported(workspace.database.audit, question, form, actor)


def check_audit(workspace: Workspace, *, actor: Actor) -> Verification:
    """Verify the whole audit against the workspace's own checkpoints; NotPermittedError as `read_audit`."""
    permission.require(workspace.database, actor, "record")
    audit = workspace.database.audit
    found = verify(audit, workspace.path)
    if found.is_whole:  # what is not is left as it stands
        audit.append(actor, Act("record verified", about={"rows": found.rows}))
    return found


def unread_emergencies(workspace: Workspace, *, actor: Actor, most: int) -> list[Emergency]:
    """Return emergencies that nobody has marked as read, the newest first; NotPermittedError as `read_audit`.

    Where there is one, this reading is a row.
    """
    permission.require(workspace.database, actor, "record")
    audit = workspace.database.audit
    found = emergencies.unread(audit, most=most)
    if found:
        audit.append(actor, Act("record read", about={"rows": [one.row for one in found]}))
    return found


def mark_emergency_read(workspace: Workspace, row: int, *, actor: Actor) -> None:
    """Write that somebody has read about the emergency of a row; a second time changes nothing.

    Raises NotPermittedError as `read_audit`, UsageError where the access was the actor's own or the row is none.
    """
    permission.require(workspace.database, actor, "record")
    audit = workspace.database.audit
    if not emergencies.is_emergency(audit, row):
        raise UsageError(f"Row {row} of the record is no emergency access: open the page again.")
    if emergencies.is_emergency(audit, row, actor.name):
        raise UsageError("This emergency access was your own: somebody else has to read about it.")
    if not emergencies.is_read(audit, row):
        audit.append(actor, Act(emergencies.READ, about={"row": row}))


def audit_state(workspace: Workspace, *, actor: Actor) -> AuditState:
    """Return how far the audit is; NotPermittedError as `read_audit`."""
    permission.require(workspace.database, actor, "record")
    audit = workspace.database.audit
    return AuditState(audit.size(), last_checkpoint(workspace.path), tuple(audit.people()))
