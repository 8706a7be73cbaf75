"""Blinding: the cases of an open reader study are out of its readers' sight everywhere else, with every label."""

from __future__ import annotations

from dataclasses import replace

from engine.actor import Actor
from engine.store import reader_studies as table
from engine.store.reader_studies import Reading
from engine.teaching import access
from engine.workspace.workspace import Workspace


def as_reader(workspace: Workspace, *, actor: Actor) -> Actor:
    """Return the actor from whom the cases of open quizzes and of open reader studies are withheld."""
    actor = access.as_learner(workspace, actor=actor)
    if not actor.session and not actor.signed_in:
        return actor
    who = actor.name if actor.signed_in else ""
    more = table.withheld_encounters(workspace.database, who, actor.session)
    return replace(actor, withheld=tuple(dict.fromkeys((*actor.withheld, *more))))


def seeing(actor: Actor) -> Actor:
    """Return the actor as it reads the cases of a study that it is a reader of."""
    return actor.acting_for("teaching").seeing_all()


def beside(actor: Actor, cases: frozenset[str], reading: Reading) -> Actor:
    """Return the actor as it sees the neighbours of the case that it reads: no other case of the study is among them.

    cases : the encounters of all cases of the study
    """
    others = {*actor.withheld, *cases} - {reading.encounter_id}
    return replace(actor, withheld=tuple(sorted(others)))
