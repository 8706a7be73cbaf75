"""The check of an answered query: whether small changes move its code unusually far, so that neighbours may be wrong.

One more encoding, of a slightly changed copy (engine.model.squeeze), after the answer and off its path: nothing is
refused, ordered otherwise or delayed. What is found unusual is a row of the audit and a sentence beside the answer.
Only whole recordings are checked, and only of the modalities for which the release has a limit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.actor import Actor
from engine.model.packing import BITS
from engine.model.squeeze import move
from engine.model.steadiness import steadiness_of
from engine.retrieval.answer import Answer
from engine.retrieval.stored_query import load_stored_query
from engine.strings import text
from engine.workspace.serving import with_serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

ACT = "unsteady query"


@dataclass(frozen=True)
class Steadiness:
    """How far a slightly changed copy lies from the query.

    moved, usual : bits of 256 that it has otherwise, and the median of clean recordings
    turn, limit  : 1 − cosine of the projections, and what is unusual beyond
    """

    moved: int
    usual: int
    turn: float
    limit: float

    @property
    def unusual(self) -> bool:
        """Whether the code moves farther than the limit."""
        return self.turn > self.limit

    @property
    def sentence(self) -> str:
        """The warning in the reader's language; empty where the code is steady."""
        return text("steadiness.warning", moved=self.moved, bits=BITS, usual=self.usual) if self.unusual else ""

    def to_json(self) -> dict[str, Any]:
        """Return the check as `casebind search --json` prints it."""
        return {**asdict(self), "unusual": self.unusual}


def check(workspace: Workspace, release: Release, answer: Answer, *, actor: Actor) -> Steadiness | None:
    """Return how steady an answered query's code is, or None where that is not checked; what is unusual is audited.

    Raises UsageError where the query has been deleted meanwhile, ReleaseError where the limits are damaged.
    """
    facts = answer.study.facts
    if not answer.verdict.accepted or answer.typed is not None or facts.get("like") or facts.get("part_of"):
        return None
    found = with_serving_release(workspace, release, lambda used: _measured(workspace, used, answer, actor))[1]
    if found is not None and found.unusual:
        about = {**asdict(found), "bits": BITS}
        workspace.audit(ACT, actor=actor, query_id=answer.query_id, release=answer.release, about=about)
    return found


def _measured(workspace: Workspace, release: Release, answer: Answer, actor: Actor) -> Steadiness | None:
    limit = steadiness_of(release, answer.study.modality)
    if limit is None:
        return None
    stored, _ = load_stored_query(workspace, release, answer.query_id, actor=actor)
    found = move(release, stored.study, stored.embedding)
    return Steadiness(found.bits, limit.usual, round(found.turn, 4), limit.limit)
