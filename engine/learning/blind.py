"""Blind second reading: nobody sees what others said about a pair before having judged it.

A skip is no judgement. Whoever takes the own mark back is blind again; what was seen by then cannot be unseen, so a
mark that is changed afterwards is an informed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.store.records import SKIP, Rating

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace


def visible(ratings: Iterable[Rating], who: str) -> list[Rating]:
    """Return those of the ratings that a person of this site may see: the own, and others' on pairs judged already."""
    known = list(ratings)
    judged = {one.pair for one in known if _own(one, who) and one.mark != SKIP}
    return [one for one in known if _own(one, who) or one.pair in judged]


def others(workspace: Workspace, query_id: str, study_id: str, who: str) -> list[Rating]:
    """Return others' judgements on a pair, oldest first; none while the person has not judged it."""
    seen = visible(workspace.all_ratings(query_id), who)
    return [one for one in seen if one.study_id == study_id and not _own(one, who)]


def _own(one: Rating, who: str) -> bool:
    return one.who == who and not one.source
