"""Making a reader study: cases with their truth, readers, the order of reading, and a protocol that freezes.

Until the first case is shown to a reader the protocol may be written anew, each version with its digest in the record;
from then on nothing of it changes. Whoever made a study sees how far it is, and neither answers nor truth before it is
closed. With accounts nobody reads in a study of their own making, as they know its cases.
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.reader_study import cases, protocol
from engine.reader_study.cases import CaseSource, ChosenCases
from engine.reader_study.order import draw_order
from engine.reader_study.protocol import Protocol, ReaderStudyPlan
from engine.store import permission
from engine.store import reader_studies as table
from engine.store.acts import Act
from engine.store.ratings import rater_name
from engine.store.reader_studies import OrderedReading, StoredReaderStudy
from engine.teaching import access
from engine.workspace.workspace import Workspace

NOT_THERE = "There is no such reader study in this workspace: take an id from the list of reader studies."


@dataclass(frozen=True)
class Draft:
    """A reader study that is ready to be stored.

    readers : in the order of their numbers
    """

    study: StoredReaderStudy
    chosen: ChosenCases
    readers: tuple[str, ...]
    order: tuple[OrderedReading, ...]


@dataclass(frozen=True)
class ReaderProgress:
    """How far one reader is: readings with their answer of all, in each session, and the last answer of the first."""

    who: str
    reader: int
    answered: tuple[int, int]
    of: tuple[int, int]
    last_of_first: datetime | None


def draft(
    workspace: Workspace, release: str, plan: ReaderStudyPlan, source: CaseSource, *, actor: Actor, maker: str = ""
) -> Draft:
    """Choose cases and order and write the protocol of a study whose neighbours are those of a release; store nothing.

    maker : the account that answers for it, where somebody makes it on the machine
    Raises UsageError where it cannot be made so.
    """
    permission.require(workspace.database, actor, "curate")
    plan, who = protocol.checked(plan), maker or actor.name
    readers = [rater_name(one) for one in plan.readers]
    if (actor.signed_in or maker) and who in readers:
        raise UsageError("Whoever makes a reader study knows its cases and reads none: name other readers.")
    chosen = cases.choose(workspace, plan, source, actor=actor)
    random.Random(f"{plan.seed} readers").shuffle(readers)  # a reader's number says nothing of who it is
    order = tuple(draw_order([one.truth[0] for one in chosen.cases], len(readers), plan.seed))
    words = protocol.written(
        plan, release=release, modality=chosen.modality, source=chosen.source, cases=chosen.cases, order=order
    )
    study = StoredReaderStudy(
        f"t-{secrets.token_hex(6)}", plan.title, who, utc_now(), None, words, protocol.digest(words), 1
    )
    return Draft(study, chosen, tuple(readers), order)


def make(workspace: Workspace, made: Draft, *, actor: Actor) -> StoredReaderStudy:
    """Store a reader study; it is open to its readers at once."""
    study = made.study
    with workspace.database.write(actor, _act("reader study made", study)) as cursor:
        table.insert(cursor, study.reader_study_id, study.title, study.who, study.created_at)
        _store(cursor, made)
        access.grant_maker(cursor, study.reader_study_id, actor)
    return study


def amend(workspace: Workspace, reader_study_id: str, made: Draft, *, actor: Actor) -> StoredReaderStudy:
    """Store a draft as a new version of the protocol; UsageError once a case was shown to a reader."""
    access.require_maker(workspace, reader_study_id, actor=actor)
    present = load(workspace, reader_study_id, actor=actor)
    study = replace(made.study, reader_study_id=reader_study_id, who=present.who, version=present.version + 1)
    with workspace.database.write(actor, _act("reader study changed", study)) as cursor:
        if table.is_begun(cursor, reader_study_id) or table.is_closed(cursor, reader_study_id):
            raise UsageError("A reader has begun, so the protocol is frozen: make another reader study to change it.")
        _store(cursor, replace(made, study=study))
    return study


def listed(workspace: Workspace, *, actor: Actor) -> list[StoredReaderStudy]:
    """Return the reader studies that the actor made or reads in, the newest first; all where nobody signs in."""
    found = table.read_all(workspace.database)
    if not actor.signed_in:
        return found
    own = access.made(workspace, actor=actor)
    read = table.read_by(workspace.database, actor.name)
    return [one for one in found if own(one.reader_study_id) or one.reader_study_id in read]


def load(workspace: Workspace, reader_study_id: str, *, actor: Actor) -> StoredReaderStudy:
    """Return one reader study; UsageError where there is none, or the actor neither made it nor reads in it."""
    study = table.find(workspace.database, reader_study_id)
    if study is None or study not in listed(workspace, actor=actor):
        raise UsageError(NOT_THERE)
    return study


def close(workspace: Workspace, reader_study_id: str, *, actor: Actor) -> None:
    """End the reading for good: answers and truth can be read from now on. For its maker alone."""
    access.require_maker(workspace, reader_study_id, actor=actor)
    study = load(workspace, reader_study_id, actor=actor)
    with workspace.database.write(actor, _act("reader study closed", study)) as cursor:
        if table.is_closed(cursor, reader_study_id):
            raise UsageError("This reader study is closed already: export it, or have it analysed.")
        table.set_closed(cursor, reader_study_id, utc_now())


def progress(workspace: Workspace, reader_study_id: str, *, actor: Actor) -> list[ReaderProgress]:
    """Return how far each reader is, for its maker alone; nothing of what they answered."""
    access.require_maker(workspace, reader_study_id, actor=actor)
    every = table.readings(workspace.database, actor.acting_for("teaching").seeing_all(), reader_study_id)
    found = []
    for who, reader in table.readers(workspace.database, reader_study_id).items():
        own = [[one for one in every if one.reader == reader and one.session == session] for session in table.SESSIONS]
        done = [[one.judgement for one in part if one.judgement is not None] for part in own]
        last = max((one.answered_at for one in done[0]), default=None)
        found.append(ReaderProgress(who, reader, (len(done[0]), len(done[1])), (len(own[0]), len(own[1])), last))
    return found


def of(study: StoredReaderStudy) -> Protocol:
    """Return the protocol of a reader study."""
    return protocol.of_stored(study)


def _store(cursor: duckdb.DuckDBPyConnection, made: Draft) -> None:
    table.set_protocol(cursor, made.study, made.chosen.cases, made.readers, made.order)


def _act(kind: str, study: StoredReaderStudy) -> Act:
    """Return an act with the digest of the protocol, so that the record says what was fixed, and when."""
    about = {"reader_study": study.reader_study_id, "version": study.version, "protocol": study.digest}
    return Act(kind, about=about)
