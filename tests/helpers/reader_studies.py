"""A small reader study of shipped ECGs, and readers who answer as they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.actor import Actor, single_user
from engine.reader_study import design, reading
from engine.reader_study.cases import CaseSource
from engine.reader_study.protocol import ReaderStudyPlan
from engine.reader_study.reading import ReadingAnswer
from engine.store.reader_studies import Reading, StoredReaderStudy
from engine.workspace.workspace import Workspace

FINDING = "left ventricular hypertrophy"
PLAN = ReaderStudyPlan("Do neighbours help?", (FINDING,), ("ann", "bob"), washout_days=14, neighbours=3)
SOURCE = CaseSource(modality="ecg", n=8, prevalence=0.5)
MONDAY = datetime(2026, 3, 2, 9, 0)
MAKER = replace(single_user(), session="of the maker")


def reader(name: str) -> Actor:
    """Return a reader where nobody signs in, in a browser of their own."""
    return replace(single_user(), name=name, session=f"of {name}")


def made(
    workspace: Workspace, plan: ReaderStudyPlan = PLAN, source: CaseSource = SOURCE, *, actor: Actor = MAKER
) -> StoredReaderStudy:
    """Make a reader study of the release that serves."""
    release = workspace.releases.serving()[0]
    return design.make(workspace, design.draft(workspace, release, plan, source, actor=actor), actor=actor)


def rated(one: Reading, rating: int = 70) -> ReadingAnswer:
    """Return an answer that rates every case alike."""
    return ReadingAnswer((rating,), (rating > 50,), 12.0)


def read_session(
    workspace: Workspace,
    study: StoredReaderStudy,
    actor: Actor,
    start: datetime = MONDAY,
    judge: Callable[[Reading], ReadingAnswer] = rated,
) -> datetime:
    """Read what is left to read now, a case a minute from `start` on; return when the last answer was given."""
    now = start
    while (one := reading.state(workspace, study.reader_study_id, actor=actor, now=now).next) is not None:
        reading.open_reading(workspace, study.reader_study_id, one, actor=actor, now=now)
        now += timedelta(seconds=60)
        reading.answer(workspace, study.reader_study_id, one, judge(one), actor=actor, now=now)
    return now
