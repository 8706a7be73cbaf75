"""Who reads which pairs by which day: a queue per reader, drawn when it is asked for, and how far each of them is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.learning import review
from engine.learning.queue import QueueSpec, check, queue
from engine.learning.review import Review
from engine.store import assignments as table
from engine.store import permission, review_queues
from engine.store.acts import Act
from engine.store.assignments import AssignmentRow, AssignmentTerms
from engine.store.known_pairs import note_of
from engine.store.ratings import rater_name
from engine.store.review_queues import OfferedPair, QueueKey
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_READERS, SEEDS = 20, 10**6


@dataclass(frozen=True)
class Assigned:
    """What one reader was asked for, and the queue as the reader finds it now."""

    row: AssignmentRow
    review: Review

    @property
    def is_done(self) -> bool:
        """Whether every pair is rated or skipped."""
        return self.review.next is None

    def is_late(self, today: date) -> bool:
        """Whether the day has passed and pairs are left."""
        return self.row.due is not None and self.row.due < today and not self.is_done


@dataclass(frozen=True)
class Request:
    """What is asked for. due : None for no day; split : each reader gets another part of the pairs"""

    readers: tuple[str, ...]
    spec: QueueSpec
    due: date | None = None
    note: str = ""
    split: bool = False


def assign(workspace: Workspace, release: Release, asked: Request, *, actor: Actor) -> str:
    """Draw the pairs, store a queue per reader, note it in the audit; return the id of the assignment.

    No reader has met a pair before, and no query is among them that is not shared with raters.
    Raises UsageError where a name, number or day cannot stand, or there is no pair to read.
    """
    permission.require(workspace.database, actor, "review")
    check(asked.spec)
    readers = tuple(dict.fromkeys(rater_name(one) for one in asked.readers))
    if not 1 <= len(readers) <= MAX_READERS:
        raise UsageError(f"An assignment has 1 to {MAX_READERS} readers: name them.")
    if asked.due is not None and asked.due < utc_now().date():
        raise UsageError("The day by which pairs are to be read has passed: choose a later one.")
    terms = AssignmentTerms(rater_name(actor.name), asked.due, note_of(asked.note))
    offers = queue(workspace, release, replace(actor, name=""), asked.spec, readers=readers)
    if not offers:
        raise UsageError("There is no pair that none of these readers has rated: choose others, or another kind.")
    pairs: list[OfferedPair] = [(*one.pair, one.score, one.random_share) for one in offers]
    ids = tuple(sorted({one for offer in offers for one in offer.pair}))
    about = f"assigned to {', '.join(readers)}"
    act = Act("assignment", returned=ids, release=release.name, filters=about)
    with workspace.database.recording(actor, act):
        return table.assign(workspace.database, terms, release.name, _parts(asked, readers, pairs))


def of_reader(workspace: Workspace, actor: Actor) -> list[Assigned]:
    """Return what a reader was asked for and has not finished, the earliest day first."""
    return [one for one in _assigned(workspace, table.assignments(workspace.database, actor.name)) if not one.is_done]


def listed(workspace: Workspace, actor: Actor) -> list[Assigned]:
    """Return what the actor asked readers for, with how far each reader is, the earliest day first.

    Without sign-in everything that was asked for.
    """
    rows = table.assignments(workspace.database)
    return _assigned(workspace, [one for one in rows if actor.may_open(one.assigned_by)])


def withdraw(workspace: Workspace, assignment_id: str, *, actor: Actor) -> None:
    """Ask for it no more; what was read stays. UsageError where the actor asked for nothing of this id."""
    asked_by = {one.assignment_id: one.assigned_by for one in table.assignments(workspace.database)}
    if not actor.may_open(asked_by.get(assignment_id, "")):
        raise UsageError("There is no such assignment of yours: reload the page.")
    with workspace.database.recording(actor, Act("assignment withdrawn", filters=assignment_id)):
        table.withdraw(workspace.database, assignment_id)


def _parts(
    asked: Request, readers: Sequence[str], pairs: Sequence[OfferedPair]
) -> dict[QueueKey, Sequence[OfferedPair]]:
    """Return the pairs of each reader: the same ones, or every n-th."""
    seed = secrets.randbelow(SEEDS)
    parts = [pairs[at :: len(readers)] for at in range(len(readers))] if asked.split else [pairs] * len(readers)
    return {QueueKey(who, asked.spec.strategy, len(part), seed): part for who, part in zip(readers, parts, strict=True)}


def _assigned(workspace: Workspace, rows: Sequence[AssignmentRow]) -> list[Assigned]:
    queues = review_queues.by_id(workspace.database, [one.queue_id for one in rows])
    return [
        Assigned(one, review.as_found(workspace, Actor(one.who), queues[one.queue_id]))
        for one in rows
        if one.queue_id in queues
    ]
