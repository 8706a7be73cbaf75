"""Blind second reading: a rater sees others' marks on a pair only after having judged it.

A skip is no judgement. A rater who takes the own mark back is blind again. What was seen by then cannot be unseen, so a
mark that is changed afterwards is an informed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.store.records import SKIP, Rating

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace


def visible(ratings: Iterable[Rating], actor: Actor) -> list[Rating]:
    """Return those of the ratings that a rater of this site may see: the own, and others' on pairs judged already."""
    known = list(ratings)
    judged = {one.pair for one in known if _own(one, actor) and one.mark != SKIP}
    return [one for one in known if _own(one, actor) or one.pair in judged]


def others(workspace: Workspace, actor: Actor, query_id: str, study_id: str) -> list[Rating]:
    """Return others' judgements on a pair, oldest first; none until the rater has judged it."""
    seen = visible(workspace.all_ratings(query_id), actor)
    return [one for one in seen if one.study_id == study_id and not _own(one, actor)]


def _own(one: Rating, actor: Actor) -> bool:
    return one.who == actor.name and not one.source
