"""The quick check of a rater with known pairs, and own pairs read once more: readings that are no ratings.

The check compares with the mark that the department agreed on, and says the result pair by pair. A repeat compares with
the reader's own earlier mark, which stays hidden until the answer is in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.learning.queue import may_be_shown
from engine.store import check_pairs, known_pairs, permission
from engine.store.acts import Act
from engine.store.check_pairs import CheckPair, Kind, KnownMark
from engine.store.records import Rating
from engine.workspace.workspace import Workspace

AGREED: Kind = "agreed"
REPEAT: Kind = "repeat"
MOST = 10  # pairs of one run
REPEATED_AFTER = timedelta(days=1)  # an earlier own mark is forgotten by then, as far as it can be


@dataclass(frozen=True)
class CheckRun:
    """One run: its pairs in order, those left out that may no longer be shown."""

    run_id: str
    kind: Kind
    pairs: tuple[CheckPair, ...]

    @property
    def done(self) -> tuple[CheckPair, ...]:
        """The answered pairs."""
        return tuple(one for one in self.pairs if one.given is not None)

    @property
    def next(self) -> CheckPair | None:
        """The first pair that is not answered, or None at the end."""
        return next((one for one in self.pairs if one.given is None), None)

    @property
    def last(self) -> CheckPair | None:
        """The pair that was answered last, or None at the beginning."""
        return self.done[-1] if self.done else None

    @property
    def n_same(self) -> int:
        """How many answers are the mark that they are compared with."""
        return sum(one.is_same for one in self.pairs)


def available(workspace: Workspace, actor: Actor, kind: Kind, *, now: datetime | None = None) -> int:
    """Return how many pairs a new run would have."""
    return min(MOST, len(_known(workspace, actor, kind, now or utc_now())))


def begin(workspace: Workspace, actor: Actor, kind: Kind, *, seed: int, now: datetime | None = None) -> str:
    """Begin a run, or go on with one that is not at its end; return its id. UsageError where there is no pair."""
    permission.require(workspace.database, actor, "review")
    present = check_pairs.open_run(workspace.database, actor.name, kind)
    if present is not None and (run := load(workspace, actor, present)) is not None and run.next is not None:
        return present
    known = _known(workspace, actor, kind, now or utc_now())
    if not known:
        raise UsageError(
            "There is no known pair to check with yet: set some apart under “What counts as relevant”."
            if kind == AGREED
            else "There is no pair to read again yet: a mark of yours must be a day old."
        )
    order = np.random.default_rng(seed).permutation(len(known))[:MOST]
    with workspace.database.recording(actor, Act("check begun", about={"kind": kind})):
        return check_pairs.begin(workspace.database, actor.name, kind, [known[i] for i in order])


def load(workspace: Workspace, actor: Actor, run_id: str) -> CheckRun | None:
    """Return a run of this reader, or None where there is none."""
    found = check_pairs.run(workspace.database, run_id, actor.name)
    shown = may_be_shown(workspace, actor, {side for one in found for side in one.pair})
    pairs = tuple(one for one in found if shown.issuperset(one.pair))
    return CheckRun(run_id, found[0].kind, pairs) if found else None


def answer(workspace: Workspace, actor: Actor, run_id: str, place: int, mark: str) -> None:
    """Write the answer to one pair of a run; it is on disk when this returns, and is never changed."""
    with workspace.database.recording(actor, Act("check answered", about={"run": run_id, "place": place})):
        check_pairs.answer(workspace.database, run_id, actor.name, place, mark)


def _known(workspace: Workspace, actor: Actor, kind: Kind, now: datetime) -> list[KnownMark]:
    """Return the pairs that a run of this reader may have; repeats: the longest ago first, each once."""
    if kind == AGREED:
        agreed = known_pairs.known_pairs(workspace.database, "check")
        found = [KnownMark(*one.pair, one.mark, one.note) for one in agreed]
    else:
        again = {one.pair for one in check_pairs.readings(workspace.database, actor.name) if one.kind == REPEAT}
        old = [one for one in workspace.ratings(actor=actor) if now - one.created_at >= REPEATED_AFTER]
        found = [KnownMark(*one.pair, one.mark, _when(one)) for one in old if one.pair not in again]
    shown = may_be_shown(workspace, actor, {side for one in found for side in one[:2]})
    return [one for one in found if shown.issuperset(one[:2])]


def _when(one: Rating) -> str:
    return f"{one.created_at:%Y-%m-%d}"
