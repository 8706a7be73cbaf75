"""Reading: the next case in the arm for which it was drawn, its neighbours in the other arm, and the answer.

An answer is on disk before the next case is shown, and stays as it was given. The second session begins once all of the
first is answered and the washout is over. Clocks come as `now`, naive UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError
from engine.files import utc_now
from engine.reader_study import blind, design, protocol
from engine.reader_study.protocol import SCALES, Protocol
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Neighbour, Options
from engine.store import permission
from engine.store import reader_studies as table
from engine.store.acts import Act
from engine.store.reader_studies import Judgement, Reading, StoredReaderStudy
from engine.study import Study
from engine.teaching import access
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

CLOSED = "This reader study is closed, so no more answers are taken: ask whoever made it."


@dataclass(frozen=True)
class ReaderState:
    """How far a reader is.

    next     : the reading to do now; None while the washout lasts, and when all is done
    opens_at : when the second session opens, naive UTC, where it is waited for
    answered, of : readings of the session that `next` is in, or of the last one
    hidden   : cases that may no longer be shown and are left out
    """

    study: StoredReaderStudy
    protocol: Protocol
    reader: int
    next: Reading | None
    session: int
    answered: int
    of: int
    opens_at: datetime | None = None
    hidden: int = 0

    @property
    def is_done(self) -> bool:
        """Whether everything is read."""
        return self.next is None and self.opens_at is None


@dataclass(frozen=True)
class ReadingAnswer:
    """An answer as it comes from a reader: per finding a rating and whether it is present, and the seconds on view."""

    ratings: Sequence[int]
    present: Sequence[bool]
    visible_s: float


def state(workspace: Workspace, reader_study_id: str, *, actor: Actor, now: datetime | None = None) -> ReaderState:
    """Return how far the actor is as a reader.

    Raises UsageError where there is no such study, NotPermittedError where the actor does not read in it.
    """
    permission.require(workspace.database, actor, "search")
    study = design.load(workspace, reader_study_id, actor=actor)
    reader = table.readers(workspace.database, reader_study_id).get(actor.name)
    if reader is None:
        raise NotPermittedError("You are no reader of this reader study: ask whoever made it to name you.")
    known, found = (
        protocol.of_stored(study),
        table.readings(workspace.database, blind.seeing(actor), reader_study_id, reader),
    )
    hidden = known.cases - len({one.number for one in found})
    first, second = ([one for one in found if one.session == session] for session in table.SESSIONS)
    for session, part in ((1, first), (2, second)):
        answered = sum(one.judgement is not None for one in part)
        left = next((one for one in part if one.judgement is None), None)
        if left is None and session == 1:
            continue
        opens_at = _opens_at(first, known) if session == 2 and left is not None else None
        waits = opens_at is not None and (now or utc_now()) < opens_at
        return ReaderState(
            study,
            known,
            reader,
            None if waits else left,
            session,
            answered,
            len(part),
            opens_at if waits else None,
            hidden,
        )
    raise AssertionError("a session has been gone through")


def open_reading(
    workspace: Workspace, reader_study_id: str, reading: Reading, *, actor: Actor, now: datetime | None = None
) -> Study:
    """Note that a case is shown, and return its recording; UsageError where it is not the one to read now."""
    found = state(workspace, reader_study_id, actor=actor, now=now)
    if found.study.closed_at is not None:
        raise UsageError(CLOSED)
    _check_next(found, reading)
    if not actor.signed_in:
        access.note_visitor(workspace, reader_study_id, actor=actor)
    if reading.opened_at is None:
        with workspace.database.write(actor, _act("reading opened", reader_study_id, reading)) as cursor:
            table.open_reading(cursor, reader_study_id, reading, now or utc_now())
    return workspace.study(reading.study_id, actor=blind.seeing(actor))


def neighbours(
    workspace: Workspace, release: Release, reader_study_id: str, reading: Reading, *, actor: Actor
) -> tuple[Neighbour, ...]:
    """Return the nearest studies of the case's own kind, by the app's search of the protocol's release.

    Neither the case's patient nor another case of the study is among them; none in the arm without. What is shown is in
    the record, as every search is. Raises UsageError where another release serves than the protocol names.
    """
    found = state(workspace, reader_study_id, actor=actor)
    _check_next(found, reading)
    if reading.arm != "with":
        return ()
    known = found.protocol
    every = table.readings(workspace.database, blind.seeing(actor), reader_study_id, found.reader)
    reads = blind.beside(actor, frozenset(one.encounter_id for one in every), reading)
    _check_release(workspace, known)
    options = Options(targets=(known.modality,), k=known.neighbours)
    answer = retrieval.search_stored(workspace, release, reading.study_id, options, actor=reads)
    shown = [one.study_id for one in answer.neighbours]
    with workspace.database.write(actor, _act("reading opened", reader_study_id, reading, shown)) as cursor:
        table.insert_neighbours(cursor, reader_study_id, reading, answer.release, shown)
    return answer.neighbours


def answer(
    workspace: Workspace,
    reader_study_id: str,
    reading: Reading,
    given: ReadingAnswer,
    *,
    actor: Actor,
    now: datetime | None = None,
) -> Judgement:
    """Store an answer and return it; it is on disk then.

    Raises UsageError where it is not whole, was given already, or another case is to be read now. No more seconds count
    than have passed since the case was opened.
    """
    when = now or utc_now()
    found = state(workspace, reader_study_id, actor=actor, now=now)
    _check_next(found, reading)
    _check_given(found.protocol, given)
    if reading.arm == "with":
        _check_release(workspace, found.protocol)
    opened_at = found.next.opened_at if found.next is not None else None
    if opened_at is None:
        raise UsageError("This case was not opened yet, so it cannot be answered: reload the page.")
    passed = max((when - opened_at).total_seconds(), 0.0)
    seconds = min(max(float(given.visible_s), 0.0), passed) if math.isfinite(given.visible_s) else passed
    judged = Judgement(tuple(given.ratings), tuple(given.present), round(seconds, 1), when)
    with workspace.database.write(actor, _act("reading answered", reader_study_id, reading)) as cursor:
        if table.is_closed(cursor, reader_study_id):
            raise UsageError(CLOSED)
        if table.is_answered(cursor, reader_study_id, reading):
            raise UsageError("This case was answered already, and an answer stays as it was given: go on.")
        table.insert_answer(cursor, reader_study_id, reading, judged)
    return judged


def _opens_at(first: Sequence[Reading], known: Protocol) -> datetime | None:
    """Return when the second session opens; None where no answer of the first is left."""
    last = max((one.judgement.answered_at for one in first if one.judgement is not None), default=None)
    return None if last is None else last + timedelta(days=known.washout_days)


def _check_release(workspace: Workspace, known: Protocol) -> None:
    """Raise UsageError where the protocol's release does not serve, so that its neighbours cannot be shown."""
    serving = workspace.releases.serving()
    if serving and known.release not in serving:
        raise UsageError(
            f"The protocol names release {known.release} and {serving[0]} serves now: the reading goes on when "
            f"{known.release} serves again, so ask whoever made the reader study."
        )


def _check_next(found: ReaderState, reading: Reading) -> None:
    """Raise UsageError unless a reading is the reader's own and the one to do now."""
    wanted = found.next
    key = (reading.reader, reading.session, reading.number)
    if wanted is None or key != (wanted.reader, wanted.session, wanted.number) or reading.study_id != wanted.study_id:
        raise UsageError("This is not the case that you read now: reload the page and go on with what it shows.")


def _check_given(known: Protocol, given: ReadingAnswer) -> None:
    low, high = SCALES[known.scale]
    n = len(known.findings)
    whole = len(given.ratings) == len(given.present) == n and all(isinstance(one, bool) for one in given.present)
    if not whole or not all(isinstance(one, int) and low <= one <= high for one in given.ratings):
        raise UsageError(f"Each finding has a rating from {low} to {high} and is present or absent: answer each.")


def _act(kind: str, reader_study_id: str, reading: Reading, shown: Sequence[str] = ()) -> Act:
    about = {
        "reader_study": reader_study_id,
        "reader": reading.reader,
        "session": reading.session,
        "place": reading.place,
        "arm": reading.arm,
    }
    return Act(kind, returned=(reading.study_id, *shown), about=about)
