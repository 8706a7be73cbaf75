"""An export into the collection: every kept window is a study of one person, with its time, judged and encoded.

Windows go in as their hours are over, so a process that is stopped loses what it was reading; the next one reads
again, and stores nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.errors import UsageError
from engine.intake.pseudonyms import patient_pseudonym, pseudonym
from engine.store.consents import cohort_and_studies
from engine.store.permission import require
from engine.store.records import Cohort
from engine.study import Study
from engine.wearable.dates import Dates, acquired_at
from engine.wearable.rule import KeepRule
from engine.wearable.windows import JudgedWindow, Surveyed, best_of, bucket_of
from engine.workspace.ingest import ingest
from engine.workspace.manifest import StudyEntry
from engine.workspace.patients import patient_meant
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

AT_ONCE = 64  # windows that wait at least before those whose time is over go in
_PSEUDONYM = re.compile(r"p-[0-9a-f]{16}")  # as a workspace makes them
SOURCE, PRINTED, DATED, RECORDING = "wearable", "device_printed", "dates", "recording"  # columns of such a study


@dataclass(frozen=True)
class Whose:
    """Whose export it is and where it goes. patient : the hospital's number, or the pseudonym that they have here

    dates : how the times of the recordings are kept
    """

    patient: str
    cohort: str = "Wearables"
    dates: Dates = "shift"


@dataclass
class TakenIn:
    """What taking an export in did.

    patient_id : the pseudonym of whose it is
    recordings : every one of the export, without its windows
    skipped    : why windows that were kept did not go in, a sentence each
    """

    patient_id: str
    recordings: list[Surveyed] = field(default_factory=list)
    ingested: int = 0
    already: int = 0
    skipped: list[str] = field(default_factory=list)


def take_in(
    workspace: Workspace,
    release: Release,
    found: Iterable[Surveyed],
    whose: Whose,
    rule: KeepRule,
    *,
    actor: Actor,
    on_progress: Callable[[int], object] = lambda done: None,
) -> TakenIn:
    """Take the best windows of an export in; on_progress hears how many of its recordings are done.

    found : what `engine.wearable.windows.survey` yields, the earliest recording first

    Raises IntakeError where the export holds nothing to compare, UsageError where nobody is named,
    NotPermittedError where the actor may not change the collection.
    """
    require(workspace.database, actor, "curate")
    taken = TakenIn(person(workspace, whose))
    cohort = Cohort(whose.cohort.strip(), "not stated", "", False, "nobody")
    about = {"cohort": cohort.name, "export": True}
    workspace.audit("ingest", actor=actor, release=release.name, about={**about, "begins": True})
    for batch in _batches(_counted(found, taken, on_progress), rule):
        entries = [_entry(workspace, whose, taken, window, number) for number, window in enumerate(batch, start=1)]
        summary = ingest(workspace, release, release.digest, cohort, entries)
        taken.ingested += summary.ingested
        taken.already += summary.already
        taken.skipped += [reason for _, _, reason in summary.skipped]
    counts = {"ingested": taken.ingested, "already": taken.already, "recordings": len(taken.recordings)}
    workspace.audit("ingest", actor=actor, release=release.name, about={**about, **counts})
    return taken


def person(workspace: Workspace, whose: Whose) -> str:
    """Return the patient id of whose export it is; UsageError where nobody is named, or no cohort."""
    if not whose.patient.strip():
        raise UsageError("An export is of one person: say whose it is, by their number or their pseudonym here.")
    if not whose.cohort.strip():
        raise UsageError("The cohort has no name: say where the recordings go.")
    meant = patient_meant(workspace, whose.patient.strip())
    known, _ = cohort_and_studies(workspace.database, meant)
    if not known and _PSEUDONYM.fullmatch(meant):
        raise UsageError("Nobody here has this pseudonym: check it, or give the hospital's number.")
    made = meant if known else patient_pseudonym(workspace.key, whose.patient)
    if not made:
        raise UsageError("An export is of one person: say whose it is, by their number or their pseudonym here.")
    return made


def _counted(found: Iterable[Surveyed], taken: TakenIn, on_progress: Callable[[int], object]) -> Iterator[Surveyed]:
    for one in found:
        taken.recordings.append(one)
        on_progress(len(taken.recordings))
        yield one


def _batches(found: Iterator[Surveyed], rule: KeepRule) -> Iterator[list[JudgedWindow]]:
    """Yield windows that the rule keeps of all recordings, once no later recording can compete with them."""
    waiting: list[JudgedWindow] = []
    for one in found:
        if len(waiting) >= AT_ONCE:
            first = bucket_of(one.recording.began, one.number, 0.0, rule.per)
            over = [window for window in waiting if window.bucket(rule.per) < first]
            waiting = [window for window in waiting if window.bucket(rule.per) >= first]
            if over:
                yield best_of(over, rule)
        waiting += one.windows
    if waiting:
        yield best_of(waiting, rule)


def _entry(workspace: Workspace, whose: Whose, taken: TakenIn, window: JudgedWindow, number: int) -> StudyEntry:
    """Return a window as an entry of an ingest; its recording is its encounter."""
    surveyed = taken.recordings[window.recording]
    visit = pseudonym(workspace.key, f"encounter\n{taken.patient_id} {surveyed.ident}") or ""
    facts: dict[str, object] = {
        "patient_id": taken.patient_id,
        "encounter_id": f"e-{visit[:16]}",
        "modality": window.study.modality,
    }
    if window.moment is not None:
        facts["acquired_at"] = acquired_at(workspace.key, taken.patient_id, window.moment, whose.dates)
    extra = {SOURCE: surveyed.recording.source, DATED: whose.dates, RECORDING: surveyed.ident}
    if surveyed.recording.printed:
        extra[PRINTED] = surveyed.recording.printed

    def read(key: bytes) -> Study:
        return window.study

    identity = f"{taken.patient_id} {surveyed.ident} {window.start_s:g}"
    return StudyEntry(number, "", identity, facts, extra, read)
