"""From the inbox into the collection: received → de-identified → judged → stored, or set aside, or refused with why.

States are written batch by batch: received before a file is read, judged before a study is stored, and a file leaves
the inbox after its last state is on record. Whatever is killed at whatever moment, the next take-up goes on from the
files: an object is stored once, and none is lost. Reading, judging and encoding are done by a process of their own
(engine.hospital.preparing), a batch ahead of what is written here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from engine.attention import let_pages_go_first
from engine.hospital.batches import BATCH, FEW, ahead, batches
from engine.hospital.classes import ACCEPTED, name_of
from engine.hospital.film_text import FilmText
from engine.hospital.header import ObjectHeader, header_of
from engine.hospital.inbox import Inbox, Waiting
from engine.hospital.inbox_sight import COHORT
from engine.hospital.prepared import PreparedObject, Task
from engine.hospital.preparing import Preparing, preparing
from engine.hospital.report_take_up import (
    PlacedReport,
    StaysOut,
    is_report,
    join_those_that_wait,
    numbered,
    placed,
    without_report,
)
from engine.hospital.settings import listen_settings
from engine.intake.pseudonyms import shown_pseudonym
from engine.store import arrivals, places
from engine.store.arrivals import LAST, Arrival
from engine.store.audit_file import SYSTEM
from engine.store.catalogue import row_keys
from engine.store.records import Cohort
from engine.store.report_places import ACCESSION
from engine.workspace.erased import among, among_erased, read_erased
from engine.workspace.ingest import ERASED, Summary, acceptable
from engine.workspace.manifest import StudyEntry
from engine.workspace.patients import as_known_here
from engine.workspace.pipeline import Outcome
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

GIVES_WAY_S = 0.5  # at most, before a transaction
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
    made : what the process that prepares it made of it
    """

    waiting: Waiting
    arrival: Arrival
    cohort: str
    header: ObjectHeader | None = None
    patient: str = ""
    made: PreparedObject | None = None
    report: PlacedReport | None = None


def take_up(
    workspace: Workspace,
    release: Release,
    *,
    on_progress: Callable[[int], object] = lambda n: None,
    stopped: Callable[[], bool] = lambda: False,
    background: bool = False,
) -> Taken:
    """Take up what waits, batch by batch, until nothing is left or `stopped` says so. on_progress: objects done.

    background : whether reading, judging and encoding go behind all other work of the machine
    """
    taken = Taken()
    with _working, Inbox(workspace.path) as inbox:
        inbox.clean()
        hands = preparing(release, behind=background)
        try:
            while not stopped():
                waiting = inbox.waiting()[:LISTED]
                if not waiting and not _joined(workspace, inbox):
                    break
                parts = batches(waiting, lambda: FEW if hands.yields else BATCH)
                going_on = takewhile(lambda _: not stopped(), parts)
                for batch in ahead(_Batch(workspace, release, inbox, taken, hands).begin(part) for part in going_on):
                    batch.end()
                    on_progress(taken.all)
        except BaseException:
            hands.close()  # what it was asked is taken up anew
            raise
    if taken.states.get("stored"):
        workspace.releases.record_encoders(release.digest, release.encoders)
    return taken


def _joined(workspace: Workspace, inbox: Inbox) -> int:
    """Have reports that wait join what came since they were last asked; return how many."""
    came = _came.get(workspace.path)
    joined = 0 if came == set() else join_those_that_wait(workspace, inbox, came)
    _came[workspace.path] = set()
    return joined


class _Batch:
    """One batch on its way into the collection: begun, then ended."""

    def __init__(self, workspace: Workspace, release: Release, inbox: Inbox, taken: Taken, hands: Preparing) -> None:
        self._workspace, self._release, self._inbox, self._taken = workspace, release, inbox, taken
        self._database, self._hands = workspace.database, hands
        self._text = FilmText(listen_settings(workspace.path).look_for_text)
        self._fresh: list[_Object] = []
        self._reports: list[_Object] = []
        self._over: list[tuple[_Object, bool]] = []  # in their last states, and whether a file is kept aside
        self._came: dict[str, list[str]] = {}  # object → digests that came and were not refused, the first one first
        self._superseded: list[str] = []  # texts in the place of which others are stored by now
        self._number = 0  # of what the hands were asked
        self._erased = read_erased(workspace.path)["patients"]  # who is stored is held against the list once more

    def begin(self, waiting: Sequence[Waiting]) -> _Batch:
        """Write that objects were received, set aside what stays out, and begin to have the others prepared."""
        self._give_way()
        received = self._received(waiting)
        for came in arrivals.of_objects(self._database, [one.waiting.object for one in received]):
            if came.state != "refused":
                self._came.setdefault(came.object, []).append(came.digest)
        self._reports = [one for one in received if is_report(one.waiting.file)]
        self._fresh = [one for one in received if not is_report(one.waiting.file) and not self._stays_out(one)]
        self._write_ends()
        self._number = self._begin([self._task(one) for one in self._fresh])
        return self

    def end(self) -> None:
        """Take the objects that were begun through their further states."""
        self._prepared(self._fresh, self._number)
        self._store_all(self._fresh)
        self._end_reports()  # after the studies that they belong to
        self._write_ends()

    def _give_way(self) -> None:
        """Let a page that is being drawn go before a transaction, which it may have to wait for."""
        if self._hands.yields:
            let_pages_go_first(GIVES_WAY_S)

    def _begin(self, tasks: Sequence[Task]) -> int:
        return self._hands.begin(tasks, self._inbox.key, looks=self._text.looks) if tasks else 0

    def _prepared(self, objects: Sequence[_Object], number: int) -> None:
        """Give objects what was made of them under a number."""
        for one, made in zip(objects, self._hands.result(number) if objects else (), strict=True):
            one.made = made
            one.arrival = replace(one.arrival, state="de-identified") if made.is_read else one.arrival

    def _task(self, one: _Object) -> Task:
        if one.report is not None:
            return Task(text=one.report.text)
        is_upload = one.waiting.is_upload
        source = "" if is_upload else one.arrival.sender
        return Task(str(one.waiting.file), is_upload=is_upload, source=source, why=one.arrival.why)

    def _store_all(self, objects: Sequence[_Object]) -> None:
        by_cohort: dict[str, list[_Object]] = {}
        for one in objects:
            by_cohort.setdefault(one.cohort, []).append(one)
        for cohort, some in by_cohort.items():
            self._stored(Cohort(cohort, "not stated", "", False, "the archive"), some)

    def _end_reports(self) -> None:
        """Take reports through their states, those of different numbers at once, each after its earlier versions."""
        together: dict[str, _Object] = {}
        for one in self._reports:
            try:
                report, key = numbered(self._workspace, one.waiting.file)
                if key in together:
                    self._store_reports(list(together.values()))
                    together = {}
                one.report = placed(self._workspace, report, key, self._named(one) if self._is_present(one) else "")
            except StaysOut as stays:
                one.arrival = without_report(one.arrival, stays)
                self._ends(one, stays.state, str(stays), keep=stays.keep)
                continue
            one.arrival = replace(one.arrival, patient_id=one.report.visit.patient_id)
            together[key] = one
        self._store_reports(list(together.values()))

    def _store_reports(self, reports: Sequence[_Object]) -> None:
        self._prepared(reports, self._begin([self._task(one) for one in reports]))
        self._store_all(reports)
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
        if among(self._erased, self._inbox.key, {one.patient, previous} - {""}):
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

    def _is_present(self, one: _Object) -> bool:
        """Say whether an object is stored, by a process that was killed before it said so."""
        key = self._entry(0, one).row_key(one.cohort)
        return key in row_keys(self._database, one.cohort, [key])

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
        if self._superseded:
            self._workspace.remove(self._superseded)
            self._superseded = []
        if self._over:
            self._give_way()
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
        left = [number for number, key in enumerate(keys) if key not in present]
        if left:
            self._store(cohort, [self._outcome(objects[number], entries[number]) for number in left], objects)

    def _store(self, cohort: Cohort, outcomes: Sequence[Outcome], objects: Sequence[_Object]) -> None:
        summary = Summary()
        batch = acceptable(self._workspace, cohort, outcomes, summary)
        came = [objects[one.entry.number].arrival for one in outcomes]
        read = [one for one in came if one.state == "de-identified"]
        judged = [replace(one, state="judged") for one, outcome in zip(came, outcomes, strict=True) if outcome.accepted]
        self._give_way()
        arrivals.record(self._database, [*read, *judged], SYSTEM)
        if batch:
            self._give_way()
            self._workspace.add(cohort, self._release.name, self._release.digest, batch)
        made = {new.row_key: new for new in batch}
        why = {number: reason for number, _, reason in summary.skipped}
        for outcome in outcomes:
            one = objects[outcome.entry.number]
            new = made.get(outcome.entry.row_key(cohort.name))
            if new is not None:
                self._is_stored(one, new.row.study_id, new.row.patient_id)
            elif one.made is not None and one.made.question and why[outcome.entry.number] == one.made.question:
                self._ends(one, "set aside", one.made.question)
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
            self._superseded += one.report.superseded_by(study_id)
        one.arrival = replace(one.arrival, study_id=study_id, patient_id=patient_id)
        self._ends(one, "stored")

    def _entry(self, number: int, one: _Object) -> StudyEntry:
        """Return the entry of an object, with the facts that its header states."""
        identity = f"object {one.waiting.object}"
        if one.report is not None:
            return one.report.entry(number, identity)
        facts = {} if one.header is None or not one.header.visit else {"encounter_id": one.header.visit}
        facts |= {"patient_id": one.patient} if one.patient else {}
        extra = {} if one.header is None or not one.header.accession else {ACCESSION: one.header.accession}
        return StudyEntry(number, "", identity, facts, extra)

    def _outcome(self, one: _Object, entry: StudyEntry) -> Outcome:
        """Return what became of an object; of an upload, note whose it is before."""
        if one.made is None:
            raise ValueError("an object is stored once it was prepared")
        outcome = one.made.outcome(entry)
        if not one.waiting.is_upload or one.made.study is None:
            return outcome
        (study,) = as_known_here(self._workspace, [one.made.study])
        patient, previous = shown_pseudonym(study.patient_key), shown_pseudonym(study.previous_key)
        if among_erased(self._workspace.path, self._inbox.key, "patients", {patient, previous} - {""}):
            return replace(outcome, study=None, reason=ERASED)
        one.arrival = replace(one.arrival, patient_id=patient or None)
        return outcome


def _keeper(one: Arrival) -> str | None:
    """Return the pseudonym under which a file is kept aside; None where it is stored and may go."""
    return None if one.state == "stored" else one.patient_id or ""


def _sentence(reason: str) -> str:
    return reason.removeprefix(REFUSED)
