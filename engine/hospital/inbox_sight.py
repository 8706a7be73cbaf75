"""Whose arrivals somebody may see: those that are bound for cohorts whose studies that person sees."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actor import Actor
from engine.hospital.inbox import Inbox
from engine.store.arrivals import Arrival
from engine.store.permission import sees_cohort
from engine.store.received import Origin
from engine.workspace.workspace import Workspace

COHORT = "Archive"  # of what came without one


def in_sight(workspace: Workspace, found: Sequence[Arrival], *, actor: Actor) -> list[Arrival]:
    """Return those of the arrivals that the actor may see, in their order."""
    if not actor.signed_in:
        return list(found)
    with Inbox(workspace.path) as inbox:
        origins = [inbox.received.origin(one.object, one.digest) or Origin("", "", "") for one in found]
    bound = [origin.cohort or COHORT for origin in origins]
    seen = {cohort for cohort in set(bound) if sees_cohort(workspace.database, actor, cohort)}
    return [one for one, cohort in zip(found, bound, strict=True) if cohort in seen]
