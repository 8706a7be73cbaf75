"""Withdrawal: the next answer leaves a patient out, and nothing is deleted, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping

from engine.actor import Actor
from engine.errors import UsageError
from engine.store.consents import withdrawals
from engine.store.records import SCOPES
from engine.workspace.workspace import Workspace


def decide(workspace: Workspace, patient_id: str, scopes: tuple[str, ...], *, granted: bool, actor: Actor) -> None:
    """Withdraw or restore the consent of a patient to some scopes, or to all where none is named.

    A patient who has withdrawn from retrieval is out of all others too, whatever is granted there.
    Raises UsageError where there is no such patient or scope.
    """
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise UsageError(f"There is no consent scope '{min(unknown)}': use {' or '.join(SCOPES)}.")
    with workspace.database.exclusive():
        for scope in scopes or SCOPES:
            workspace.set_consent(patient_id, granted, actor=actor, scope=scope)


def decide_each(workspace: Workspace, patient_id: str, scopes: Mapping[str, bool], *, actor: Actor) -> None:
    """Record what a consent document of a patient decides, scope → granted, and that it was imported."""
    with workspace.database.exclusive():
        for granted in (False, True):
            named = tuple(scope for scope, given in scopes.items() if given is granted)
            if named:
                decide(workspace, patient_id, named, granted=granted, actor=actor)
        about = {scope: "granted" if given else "withdrawn" for scope, given in scopes.items()}
        workspace.audit("consent imported", actor=actor, patients=(patient_id,), about=about)


def stated(workspace: Workspace, patient_id: str) -> dict[str, bool]:
    """Return scope → whether the patient's consent stands; what was never asked has not been withdrawn."""
    gone = {one.scope for one in withdrawals(workspace.database, [patient_id])}
    return {scope: scope not in gone for scope in SCOPES}
