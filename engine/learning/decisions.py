"""Pairs about which raters differ, and what a third person decided: a round learns that in place of their marks."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import NotPermittedError
from engine.learning import agreement
from engine.learning.agreement import Disputed
from engine.learning.queue import may_be_shown
from engine.store import adjudications as table
from engine.store import permission
from engine.store.acts import Act
from engine.store.adjudications import Adjudication
from engine.store.ratings import check_open
from engine.store.records import Rating

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace

ADJUDICATED = "adjudicated"  # stands in a rating's `strategy` where it is a decision
Pair = tuple[str, str]


def disagreements(workspace: Workspace, actor: Actor) -> list[Disputed]:
    """Return the undecided pairs about which raters differ, most disputed first, that the actor may decide on.

    Those are pairs that the actor may be shown and has not rated.
    """
    ratings = workspace.all_ratings()
    met = {one.pair for one in ratings if one.who == actor.name and not one.source}
    decided = {one.pair for one in table.adjudications(workspace.database)}
    table_, raters, pairs = agreement.table_of(ratings)
    found = [one for one in agreement.disputed(table_, raters, pairs) if one.apart > 0]
    found = [one for one in found if (one.query_id, one.study_id) not in met | decided]
    shown = may_be_shown(workspace, actor, {side for one in found for side in (one.query_id, one.study_id)})
    return [one for one in found if shown.issuperset((one.query_id, one.study_id))]


def decide(workspace: Workspace, pair: Pair, mark: str, *, actor: Actor, note: str = "") -> Adjudication:
    """Store a decision and note it in the audit; UsageError as `engine.store.adjudications.decide` raises it."""
    permission.require(workspace.database, actor, "review")
    check_open(workspace.database, actor, *pair)
    with workspace.database.recording(actor, Act("adjudication", returned=pair, filters=mark)):
        return table.decide(workspace.database, pair, mark, actor.name, note)


def made_by_anyone(workspace: Workspace, actor: Actor) -> list[Adjudication]:
    """Return the decisions that count on pairs which the actor may be shown, the newest first."""
    found = table.adjudications(workspace.database)
    shown = may_be_shown(workspace, actor, {side for one in found for side in one.pair})
    return [one for one in reversed(found) if shown.issuperset(one.pair)]


def undo(workspace: Workspace, adjudication_id: str, *, actor: Actor) -> None:
    """Take a decision back, so that the ratings count again, and note it in the audit.

    With accounts only whoever decided may; NotPermittedError for anybody else, also where there is no such decision.
    """
    deciders = {one.adjudication_id: one.who for one in table.adjudications(workspace.database)}
    if not actor.may_open(deciders.get(adjudication_id, "")):
        raise NotPermittedError("Only whoever decided takes a decision back: it stands.")
    with workspace.database.recording(actor, Act("adjudication undone", filters=adjudication_id)):
        table.undo(workspace.database, adjudication_id)


def judgements(workspace: Workspace) -> list[Rating]:
    """Return what counts: everyone's judgements, on a decided pair the decision alone."""
    ratings = workspace.all_ratings()
    decided = {one.pair: one for one in table.adjudications(workspace.database)}
    if not decided:
        return ratings
    by_pair: dict[Pair, list[Rating]] = defaultdict(list)
    for one in ratings:
        by_pair[one.pair].append(one)
    undecided = [one for one in ratings if one.pair not in decided]
    return undecided + [_as_rating(one, by_pair[pair]) for pair, one in decided.items()]


def overruled(workspace: Workspace) -> list[Rating]:
    """Return the judgements on decided pairs: they say how far their raters can be trusted."""
    decided = {one.pair for one in table.adjudications(workspace.database)}
    return [one for one in workspace.all_ratings() if one.pair in decided] if decided else []


def expected(workspace: Workspace) -> dict[Pair, bool]:
    """Return decided pair → whether it is relevant; "partly" says neither."""
    decided = table.adjudications(workspace.database)
    return {one.pair: one.mark == "relevant" for one in decided if one.mark != "partly"}


def count_since(workspace: Workspace, since: datetime | None) -> int:
    """Return how many decisions were made since a moment; None for ever."""
    return sum(1 for one in table.adjudications(workspace.database) if since is None or one.created_at > since)


def _as_rating(one: Adjudication, ratings: list[Rating]) -> Rating:
    """Return a decision in the form of a rating; with the finding in mind where the raters named a single one."""
    named = {rating.finding for rating in ratings if rating.finding}
    return Rating(
        0,
        *one.pair,
        one.mark,
        one.who,
        ratings[0].release if ratings else "",
        ratings[0].bits if ratings else 256,
        None,
        one.created_at,
        comment=one.note,
        finding=named.pop() if len(named) == 1 else "",
        strategy=ADJUDICATED,
        guideline=one.guideline,
    )
