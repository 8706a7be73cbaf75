"""From the inbox into the collection: received → de-identified → judged → stored, or set aside, or refused with why.

States are written batch by batch: received before a file is read, judged before a study is stored, and a file leaves
the inbox after its last state is on record. Whatever is killed at whatever moment, the next take-up goes on from the
files: an object is stored once, and none is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import IntakeError, QuestionError
from engine.hospital.classes import ACCEPTED, name_of
from engine.hospital.film_text import FilmText, WaitsError
from engine.hospital.header import ObjectHeader, header_of
from engine.hospital.inbox import Inbox, Waiting
from engine.hospital.inbox_sight import COHORT
from engine.hospital.report_take_up import (
    PlacedReport,
    StaysOut,
    is_report,
    join_those_that_wait,
    placed,
    without_report,
)
from engine.hospital.settings import listen_settings
from engine.intake.limited import read_limited
from engine.intake.pseudonyms import shown_pseudonym
from engine.store import arrivals, places
from engine.store.arrivals import LAST, Arrival
from engine.store.audit_file import SYSTEM
from engine.store.catalogue import row_keys
from engine.store.records import Cohort
from engine.store.report_places import ACCESSION
from engine.study import Study
from engine.workspace.erased import among_erased
from engine.workspace.ingest import ERASED, Summary, acceptable
from engine.workspace.manifest import StudyEntry
from engine.workspace.patients import as_known_here
from engine.workspace.pipeline import BATCH, Outcome, encode_batches
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

BESIDE = "The object accompanies films and recordings and is not searched: it is kept aside."
OTHER_BYTES = (
    "Another object came under the same SOP instance UID and with other bytes: the first one counts, and this one is "
    "kept aside until somebody looks."
)
UNREADABLE = "The object has no header that can be read: have it sent again."
REFUSED = "refused: "  # as the pipeline begins what the gate says

AT_ONCE = 2  # files that are read at once, and studies that are judged
LISTED = 512  # files of the inbox that one look at it takes up

_working = threading.Lock()  # one take-up at a time in a process
# workspace → patients of whom a film or recording came since reports that wait were asked; a process asks all at first
_came: dict[Path, set[str]] = {}


@dataclass
class Taken:
    """What a take-up did: how many objects reached each last state, how many were known already."""

    states: dict[str, int] = field(default_factory=dict)
    known: int = 0

    @property
    def all(self) -> int:
        """How many files left the inbox."""
        return sum(self.states.values()) + self.known


@dataclass
class _Object:
    """One waiting file on its way.

    header : what was read of it before it was de-identified; patient : their pseudonym here
    study : what is read of it now; question : why somebody has to look, or to answer
    """

    waiting: Waiting
    arrival: Arrival
    cohort: str
    header: ObjectHeader | None = None
    patient: str = ""
    study: Future[Study] | None = None
    question: str = ""
    report: PlacedReport | None = None

    @property
    def is_read(self) -> bool:
        """Whether it was read and de-identified."""
        return self.arrival.state == "de-identified"


def take_up(
    workspace: Workspace,
    release: Release,
    *,
    on_progress: Callable[[int], object] = lambda n: None,
    stopped: Callable[[], bool] = lambda: False,
    background: bool = False,
) -> Taken:
    """Take up what waits, batch by batch, until nothing is left or `stopped` says so. on_progress: objects done.

    background : whether it goes behind other work of the machine: one file is then read and judged at a time

    The files of a batch are read while the batch before is encoded and stored.
    """
    taken, at_once = Taken(), 1 if background else AT_ONCE
    with (
        _working,
        Inbox(workspace.path) as inbox,
        ThreadPoolExecutor(at_once) as readers,
        ThreadPoolExecutor(at_once) as judges,
    ):
        inbox.clean()
        while not stopped():
            waiting = inbox.waiting()[:LISTED]
            if not waiting and not _joined(workspace, inbox):
                break
            before: _Batch | None = None
            for first in range(0, len(waiting), BATCH):
                if stopped():
                    break
                batch = _Batch(workspace, release, inbox, taken, _Hands(readers, judges, inbox.key, background))
                batch.begin(waiting[first : first + BATCH])
                if before is not None:
                    before.end()
                    on_progress(taken.all)
                before = batch
            if before is not None:
                before.end()
                on_progress(taken.all)
    if taken.states.get("stored"):
        workspace.releases.record_encoders(release.digest, release.encoders)
    return taken


def _joined(workspace: Workspace, inbox: Inbox) -> int:
    """Have reports that wait join what came since they were last asked; return how many."""
    came = _came.get(workspace.path)
    joined = 0 if came == set() else join_those_that_wait(workspace, inbox, came)
    _came[workspace.path] = set()
    return joined


@dataclass(frozen=True)
class _Hands:
    """Who reads and who judges, under which key, and whether reading goes behind other work."""

    readers: ThreadPoolExecutor
    judges: ThreadPoolExecutor
    key: bytes
    background: bool

    def reading(self, one: Waiting) -> Future[Study]:
        """Begin to read a file in a process with limits."""
        return self.readers.submit(self._read, one)

    def _read(self, one: Waiting) -> Study:
        return read_limited([one.upload()], key=self.key, background=self.background)


class _Batch:
    """One batch on its way into the collection: begun, then ended."""

    def __init__(self, workspace: Workspace, release: Release, inbox: Inbox, taken: Taken, hands: _Hands) -> None:
        self._workspace, self._release, self._inbox, self._taken = workspace, release, inbox, taken
        self._database, self._hands = workspace.database, hands
        self._text = FilmText(listen_settings(workspace.path).look_for_text)
        self._fresh: list[_Object] = []
        self._reports: list[_Object] = []
        self._over: list[tuple[_Object, bool]] = []  # in their last states, and whether a file is kept aside
        self._came: dict[str, list[str]] = {}  # object → digests that came and were not refused, the first one first

    def begin(self, waiting: Sequence[Waiting]) -> None:
        """Write that objects were received, set aside what stays out, and begin to read the others."""
        received = self._received(waiting)
        for came in arrivals.of_objects(self._database, [one.waiting.object for one in received]):
            if came.state != "refused":
                self._came.setdefault(came.object, []).append(came.digest)
        self._reports = [one for one in received if is_report(one.waiting.file)]
        self._fresh = [one for one in received if not is_report(one.waiting.file) and not self._stays_out(one)]
        self._write_ends()
        for one in self._fresh:
            one.study = self._hands.reading(one.waiting)

    def end(self) -> None:
        """Take the objects that were begun through their further states."""
        by_cohort: dict[str, list[_Object]] = {}
        for one in self._fresh:
            by_cohort.setdefault(one.cohort, []).append(one)
        for cohort, objects in by_cohort.items():
            self._stored(Cohort(cohort, "not stated", "", False, "the archive"), objects)
        for one in self._reports:  # after the studies that they belong to, each after its own earlier versions
            if not self._report_stays_out(one):
                self._stored(Cohort(one.cohort, "not stated", "", False, "the archive"), [one])
        self._write_ends()

    def _received(self, waiting: Sequence[Waiting]) -> list[_Object]:
        """Write that objects were received; finish those whose last state is on record, return the others."""
        known = arrivals.of_objects(self._database, [one.object for one in waiting])
        state = {(one.object, one.digest): one for one in known}
        found, new, gone = [], [], []
        for one in waiting:
            before = state.get((one.object, one.digest))
            if before is not None and before.state in LAST:  # sent again, or a process was killed before it moved it
                gone.append((one, _keeper(before)))
                self._taken.known += 1
                continue
            origin = self._inbox.origin(one)
            arrival = before or Arrival(one.object, one.digest, "received", kind=origin.kind, sender=origin.sender)
            new += [arrival] if before is None else []
            found.append(_Object(one, arrival, origin.cohort or COHORT))
        self._inbox.finish(gone)
        arrivals.record(self._database, new, SYSTEM)
        return found

    def _stays_out(self, one: _Object) -> bool:
        """Set aside what is not searched; return whether it was."""
        if one.waiting.is_upload:
            return False  # whose it is, and what, is known once it is read
        one.header = header_of(one.waiting.file, self._inbox.key)
        if one.header is None:
            return self._ends(one, "refused", UNREADABLE)
        one.patient, previous = (shown_pseudonym(made) for made in (one.header.patient_key, one.header.previous_key))
        if previous and places.is_patient(self._database, previous):
            one.patient = previous  # as they came before
        one.arrival = replace(one.arrival, kind=name_of(one.header.sop_class), patient_id=one.patient or None)
        if among_erased(self._workspace.path, self._inbox.key, "patients", {one.patient, previous} - {""}):
            one.arrival = replace(one.arrival, patient_id=None)
            return self._ends(one, "refused", ERASED, keep=False)
        if self._came.get(one.waiting.object, [])[:1] != [one.waiting.digest]:
            return self._ends(one, "set aside", OTHER_BYTES)
        accepted = ACCEPTED.get(one.header.sop_class)
        if accepted is None or accepted.role == "beside":
            return self._ends(one, "set aside", BESIDE)
        header = one.header
        why = self._text.header_sets_aside(
            one.arrival.why, says_so=header.burned_in, is_secondary=header.secondary and accepted.role == "film"
        )
        return bool(why) and self._ends(one, "set aside", why)

    def _report_stays_out(self, one: _Object) -> bool:
        """Match a report to its visit, or set it aside; return whether it was."""
        key = self._entry(0, one).row_key(one.cohort)
        present = key in row_keys(self._database, one.cohort, [key])
        try:
            one.report = placed(self._workspace, one.waiting.file, self._named(one) if present else "")
        except StaysOut as stays:
            one.arrival = without_report(one.arrival, stays)
            return self._ends(one, stays.state, str(stays), keep=stays.keep)
        one.arrival = replace(one.arrival, patient_id=one.report.visit.patient_id)
        return False

    def _named(self, one: _Object) -> str:
        """Return the id under which an object is stored, as the ingest names it."""
        return f"{one.cohort}-{self._entry(0, one).row_key(one.cohort)[:12]}"

    def _ends(self, one: _Object, state: arrivals.State, why: str = "", *, keep: bool = True) -> bool:
        """Note the last state of an object, which `_write_ends` writes; return True."""
        one.arrival = replace(one.arrival, state=state, why=why)
        self._over.append((one, keep))
        came = self._came.get(one.waiting.object, [])
        if state == "refused" and one.waiting.digest in came:
            came.remove(one.waiting.digest)
        return True

    def _write_ends(self) -> None:
        """Write the last states in one transaction, then take their files out of the inbox."""
        arrivals.record(self._database, [one.arrival for one, _ in self._over], SYSTEM)
        self._inbox.finish([(one.waiting, _keeper(one.arrival) if keep else None) for one, keep in self._over])
        for one, _ in self._over:
            self._taken.states[one.arrival.state] = self._taken.states.get(one.arrival.state, 0) + 1
        self._over = []

    def _stored(self, cohort: Cohort, objects: Sequence[_Object]) -> None:
        """De-identify, judge and store the objects of one cohort."""
        entries = [self._entry(number, one) for number, one in enumerate(objects)]
        keys = [entry.row_key(cohort.name) for entry in entries]
        present = row_keys(self._database, cohort.name, keys)  # stored by a process that was killed before it said so
        for one, key in zip(objects, keys, strict=True):
            if key in present:
                study_id = self._named(one)
                self._is_stored(one, study_id, one.arrival.patient_id or study_id)
        self._write_ends()
        fresh = [entry for entry, key in zip(entries, keys, strict=True) if key not in present]
        for outcomes in encode_batches(fresh, self._release, self._workspace.key, judges=self._hands.judges):
            self._store(cohort, outcomes, objects)

    def _store(self, cohort: Cohort, outcomes: Sequence[Outcome], objects: Sequence[_Object]) -> None:
        summary = Summary()
        batch = acceptable(self._workspace, cohort, outcomes, summary)
        read = [objects[one.entry.number].arrival for one in outcomes if objects[one.entry.number].is_read]
        judged = [objects[one.entry.number].arrival for one in outcomes if one.accepted]
        reached = [*read, *(replace(one, state="judged") for one in judged)]
        arrivals.record(self._database, reached, SYSTEM)
        if batch:
            self._workspace.add(cohort, self._release.name, self._release.digest, batch)
        made = {new.row_key: new for new in batch}
        why = {number: reason for number, _, reason in summary.skipped}
        for outcome in outcomes:
            one = objects[outcome.entry.number]
            new = made.get(outcome.entry.row_key(cohort.name))
            if new is not None:
                self._is_stored(one, new.row.study_id, new.row.patient_id)
            elif one.question:
                self._ends(one, "set aside", one.question)
            elif (said := _sentence(why[outcome.entry.number])) == ERASED:
                one.arrival = replace(one.arrival, patient_id=None)
                self._ends(one, "refused", said, keep=False)
            else:
                self._ends(one, "refused", said)
        self._write_ends()

    def _is_stored(self, one: _Object, study_id: str, patient_id: str) -> None:
        if one.report is None:
            _came.get(self._workspace.path, set()).add(patient_id)
        else:
            one.report.replace_earlier(self._workspace, study_id)
        one.arrival = replace(one.arrival, study_id=study_id, patient_id=patient_id)
        self._ends(one, "stored")

    def _entry(self, number: int, one: _Object) -> StudyEntry:
        """Return the entry by which the pipeline waits for the reading of an object."""

        def is_read() -> None:
            one.arrival = replace(one.arrival, state="de-identified")

        def read(key: bytes) -> Study:
            if one.study is None:
                raise ValueError("an object is read once it was begun")
            try:
                study = self._read(one, one.study.result())
            except (QuestionError, WaitsError) as error:
                one.question = str(error)
                raise
            is_read()
            return study

        identity = f"object {one.waiting.object}"
        if one.report is not None:
            return one.report.entry(number, identity, is_read)
        facts = {} if one.header is None or not one.header.visit else {"encounter_id": one.header.visit}
        facts |= {"patient_id": one.patient} if one.patient else {}
        extra = {} if one.header is None or not one.header.accession else {ACCESSION: one.header.accession}
        return StudyEntry(number, "", identity, facts, extra, read)

    def _read(self, one: _Object, study: Study) -> Study:
        """Return a study after text in its picture was looked for; of an upload, note whose it is before."""
        if not one.waiting.is_upload:
            return self._text.passed(study, one.arrival.why)
        (study,) = as_known_here(self._workspace, [study])
        patient, previous = shown_pseudonym(study.patient_key), shown_pseudonym(study.previous_key)
        if among_erased(self._workspace.path, self._inbox.key, "patients", {patient, previous} - {""}):
            raise IntakeError(ERASED)
        one.arrival = replace(one.arrival, patient_id=patient or None)
        return self._text.upload_passed(study, one.arrival.why)


def _keeper(one: Arrival) -> str | None:
    """Return the pseudonym under which a file is kept aside; None where it is stored and may go."""
    return None if one.state == "stored" else one.patient_id or ""


def _sentence(reason: str) -> str:
    return reason.removeprefix(REFUSED)
