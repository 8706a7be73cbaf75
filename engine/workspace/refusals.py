"""Why a study is not shown: there is none, it is set aside, its patient withdrew, or it is not the actor's to see."""

from __future__ import annotations

from engine import counters
from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError, brief
from engine.store import studies
from engine.store.database import Database


def refusal_of(database: Database, study_id: str, actor: Actor) -> UsageError:
    """Return the error about a study that the actor does not see; to an account it is the same for every reason."""
    if actor.signed_in:
        counters.refused("permission")
        return NotPermittedError(
            f"There is no study {brief(study_id)}, or it is not yours to see: take an id from a search result."
        )
    refused = studies.refusal(database, study_id)
    if refused:
        return NotPermittedError(f"The study {brief(study_id)} is set aside: {refused}")
    if refused is not None:
        return NotPermittedError(f"The patient of study {brief(study_id)} has withdrawn consent: choose another study.")
    return UsageError(f"There is no study {brief(study_id)} in the workspace: take an id from a search result.")


def refuse_query(query_id: str, actor: Actor) -> None:
    """Raise NotPermittedError about a query whose patient has withdrawn; to an account it is as if there were none."""
    if not actor.signed_in:
        raise NotPermittedError(
            f"The patient of query {brief(query_id)} has withdrawn consent: ask with another recording."
        )
