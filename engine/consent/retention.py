"""Retention: uploads end after a number of days, cohorts with their agreement; by `casebind retain` and at start.

The patients of a cohort whose agreement has ended are withdrawn in every scope, and are then due for erasure: erasing
is somebody's decision, withdrawing is not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.actor import Actor
from engine.errors import UsageError, brief
from engine.files import utc_now
from engine.store import retention
from engine.store.acts import Act
from engine.store.consents import withdrawals
from engine.store.records import SCOPES
from engine.workspace import deletion
from engine.workspace.workspace import Workspace

VARIABLE, DAYS, NEVER = "CASEBIND_UPLOAD_DAYS", 30, "never"


@dataclass(frozen=True)
class Retained:
    """What one application of the retention did.

    uploads   : how many were deleted
    withdrawn : how many patients' consent ended now, with the agreement on their cohort
    due       : cohort → how many patients are due for erasure, since the agreement has ended
    rewritten : whether the database was written anew, so that bytes of deleted rows are gone
    """

    uploads: int
    withdrawn: int
    due: dict[str, int]
    rewritten: bool = False


def upload_days() -> int | None:
    """Return after how many days an unused upload is deleted; None for never. Raises UsageError."""
    given = os.environ.get(VARIABLE, str(DAYS)).strip()
    if given == NEVER:
        return None
    if not given.isdecimal() or not int(given):
        raise UsageError(f"{VARIABLE} is '{brief(given)}': give a number of days from 1, or {NEVER}.")
    return int(given)


def retain(workspace: Workspace, *, actor: Actor, rewrite: bool = False) -> Retained:
    """Apply the retention; return what was done.

    rewrite : also write the database anew where rows were deleted since that was done last
    """
    days = upload_days()
    old = [] if days is None else retention.unused_uploads(workspace.database, utc_now() - timedelta(days=days))
    if old:
        deletion.remove_queries(workspace.storage, old, Act("upload deleted", about={"days": days}), actor)
    ended = retention.ended_cohorts(workspace.database, utc_now().date())
    withdrawn = _withdraw(workspace, [one for patients in ended.values() for one in patients], actor)
    due = {cohort: len(patients) for cohort, patients in ended.items()}
    return Retained(len(old), withdrawn, due, rewrite and deletion.write_anew(workspace.storage))


def due_for_erasure(workspace: Workspace) -> dict[str, list[str]]:
    """Return cohort → its patients, of cohorts whose agreement has ended."""
    return retention.ended_cohorts(workspace.database, utc_now().date())


def _withdraw(workspace: Workspace, patients: Sequence[str], actor: Actor) -> int:
    """Withdraw every scope of patients where that is not done; return how many of them had not withdrawn all."""
    gone = {(one.patient_id, one.scope) for one in withdrawals(workspace.database, patients)}
    changed: set[str] = set()
    for scope in SCOPES:
        left = [one for one in patients if (one, scope) not in gone]
        if left:
            workspace.set_consents(left, False, actor=actor, scope=scope)
            changed |= set(left)
    return len(changed)
