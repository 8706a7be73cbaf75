"""Agreements on cohorts: whose they are, for which project, until when, and whether they are sensitive."""

from __future__ import annotations

from engine.actor import Actor
from engine.store import classes, permission
from engine.store.classes import Attributes
from engine.workspace.workspace import Workspace


def agree(workspace: Workspace, cohort: str, attributes: Attributes, *, actor: Actor) -> int:
    """Store the agreement on a cohort; the next answer honours it. Return how many studies it holds for.

    Raises NotPermittedError where the actor does not keep consent, UsageError as `engine.store.classes.agree`.
    """
    permission.require(workspace.database, actor, "consent")
    with workspace.database.exclusive():
        n = classes.agree(workspace.database, cohort, attributes, actor.name)
        workspace.policies.look_again()
        workspace.snapshots.invalidate_masks()
    return n
