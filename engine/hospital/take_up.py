"""From the inbox into the collection: received → de-identified → judged → stored, or set aside, or refused with why.

Each state is on record before the next begins, and a file leaves the inbox after its last state is. Whatever is killed
at whatever moment, the next take-up goes on from the files: an object is stored once, and none is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import QuestionError
from engine.hospital.classes import ACCEPTED, name_of
from engine.hospital.header import ObjectHeader, header_of
from engine.hospital.inbox import Inbox, Waiting
from engine.intake.limited import read_limited
from engine.intake.pseudonyms import shown_pseudonym
from engine.intake.upload import Upload
from engine.store import arrivals
from engine.store.arrivals import LAST, Arrival
from engine.store.audit_file import SYSTEM
from engine.store.catalogue import row_keys
from engine.store.records import Cohort, NewStudy
from engine.study import Study
from engine.workspace.erased import among_erased
from engine.workspace.ingest import ERASED, Summary, acceptable
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import BATCH, Outcome, encode_batches
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

BESIDE = "The object accompanies films and recordings and is not searched: it is kept aside."
OTHER_BYTES = (
    "Another object came under the same SOP instance UID and with other bytes: the first one counts, and this one is "
    "kept aside until somebody looks."
)
BURNED_IN = "The file says that text is burned into the picture: it is kept aside until somebody has looked."
LOOKED = "Somebody has looked: the text does not identify the patient."
UNREADABLE = "The object has no header that can be read: have it sent again."
REFUSED = "refused: "  # as the pipeline begins what the gate says

_working = threading.Lock()  # one take-up at a time in a process


@dataclass
class Taken:
    """What a take-up did: how many objects reached each last state, and how many were known already."""

    states: dict[str, int] = field(default_factory=dict)
    known: int = 0

    @property
    def all(self) -> int:
        """How many files left the inbox."""
        return sum(self.states.values()) + self.known


@dataclass
class _Object:
    """One waiting file on its way. header: what was read of it before it was de-identified."""

    waiting: Waiting
    arrival: Arrival
    cohort: str
    header: ObjectHeader | None = None
    question: str = ""


def take_up(
    workspace: Workspace,
    release: Release,
    *,
    on_progress: Callable[[int], object] = lambda n: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Taken:
    """Take up what waits, batch by batch, until nothing is left or `stopped` says so. on_progress: objects done."""
    taken = Taken()
    with _working, Inbox(workspace.path) as inbox:
        inbox.clean()
        while (waiting := inbox.waiting()[:BATCH]) and not stopped():
            _Batch(workspace, release, inbox, taken).run(waiting)
            on_progress(taken.all)
    if taken.states.get("stored"):
        workspace.releases.record_encoders(release.digest, release.encoders)
    return taken


class _Batch:
    """One batch on its way into the collection."""

    def __init__(self, workspace: Workspace, release: Release, inbox: Inbox, taken: Taken) -> None:
        self._workspace, self._release, self._inbox, self._taken = workspace, release, inbox, taken
        self._database = workspace.database

    def run(self, waiting: Sequence[Waiting]) -> None:
        """Take the files through their states."""
        fresh = [one for one in self._received(waiting) if not self._stays_out(one)]
        by_cohort: dict[str, list[_Object]] = {}
        for one in fresh:
            by_cohort.setdefault(one.cohort, []).append(one)
        for cohort, objects in by_cohort.items():
            self._stored(Cohort(cohort, "not stated", "", False, "the archive"), objects)

    def _received(self, waiting: Sequence[Waiting]) -> list[_Object]:
        """Write that objects were received; finish those whose last state is on record, return the others."""
        known = arrivals.of_objects(self._database, [one.object for one in waiting])
        state = {(one.object, one.digest): one for one in known}
        found, new = [], []
        for one in waiting:
            before = state.get((one.object, one.digest))
            if before is not None and before.state in LAST:  # sent again, or a process was killed before it moved it
                self._inbox.finish(one, keep_for=_keeper(before))
                self._taken.known += 1
                continue
            origin = self._inbox.origin(one)
            arrival = before or Arrival(one.object, one.digest, "received", kind=origin.kind, sender=origin.sender)
            new += [arrival] if before is None else []
            found.append(_Object(one, arrival, origin.cohort or "Archive"))
        arrivals.record(self._database, new, SYSTEM)
        return found

    def _stays_out(self, one: _Object) -> bool:
        """Set aside what is not searched; return whether it was."""
        one.header = header_of(one.waiting.file, self._inbox.key)
        if one.header is None:
            return self._ends(one, "refused", UNREADABLE)
        one.arrival = replace(
            one.arrival, kind=name_of(one.header.sop_class), patient_id=shown_pseudonym(one.header.patient_key) or None
        )
        patient = {one.arrival.patient_id} if one.arrival.patient_id else set()
        if among_erased(self._workspace.path, self._inbox.key, "patients", patient):
            one.arrival = replace(one.arrival, patient_id=None)
            return self._ends(one, "refused", ERASED, keep=False)
        came = arrivals.of_objects(self._database, [one.waiting.object])
        count = [other.digest for other in came if other.state != "refused"]
        if count[:1] != [one.waiting.digest]:
            return self._ends(one, "set aside", OTHER_BYTES)
        accepted = ACCEPTED.get(one.header.sop_class)
        if accepted is None or accepted.role == "beside":
            return self._ends(one, "set aside", BESIDE)
        return one.header.burned_in and one.arrival.why != LOOKED and self._ends(one, "set aside", BURNED_IN)

    def _ends(self, one: _Object, state: arrivals.State, why: str = "", *, keep: bool = True) -> bool:
        """Write the last state of an object, then take its file out of the inbox; return True."""
        one.arrival = replace(one.arrival, state=state, why=why)
        arrivals.record(self._database, [one.arrival], SYSTEM)
        self._inbox.finish(one.waiting, keep_for=_keeper(one.arrival) if keep else None)
        self._taken.states[state] = self._taken.states.get(state, 0) + 1
        return True

    def _stored(self, cohort: Cohort, objects: Sequence[_Object]) -> None:
        """De-identify, judge and store the objects of one cohort."""
        entries = [self._entry(number, one) for number, one in enumerate(objects)]
        present = row_keys(self._database, cohort.name)  # stored by a process that was killed before it said so
        for one, entry in zip(objects, entries, strict=True):
            if entry.row_key(cohort.name) in present:
                study_id = f"{cohort.name}-{entry.row_key(cohort.name)[:12]}"  # as the ingest names it
                one.arrival = replace(one.arrival, study_id=study_id, patient_id=one.arrival.patient_id or study_id)
                self._ends(one, "stored")
        fresh = [entry for entry in entries if entry.row_key(cohort.name) not in present]
        for outcomes in encode_batches(fresh, self._release, self._workspace.key):
            self._store(cohort, outcomes, objects)

    def _store(self, cohort: Cohort, outcomes: Sequence[Outcome], objects: Sequence[_Object]) -> None:
        summary = Summary()
        batch = acceptable(self._workspace, cohort, outcomes, summary)
        judged = [objects[one.entry.number].arrival for one in outcomes if one.accepted]
        arrivals.record(self._database, [replace(one, state="judged") for one in judged], SYSTEM)
        if batch:
            self._workspace.add(cohort, self._release.name, self._release.digest, batch)
        made = {new.row_key: new for new in batch}
        why = {number: reason for number, _, reason in summary.skipped}
        for outcome in outcomes:
            one = objects[outcome.entry.number]
            new = made.get(outcome.entry.row_key(cohort.name))
            if new is not None:
                self._is_stored(one, new)
            elif one.question:
                self._ends(one, "set aside", one.question)
            else:
                self._ends(one, "refused", _sentence(why[outcome.entry.number]))

    def _is_stored(self, one: _Object, new: NewStudy) -> None:
        one.arrival = replace(one.arrival, study_id=new.row.study_id, patient_id=new.row.patient_id)
        self._ends(one, "stored")

    def _entry(self, number: int, one: _Object) -> StudyEntry:
        """Return the entry by which the pipeline reads an object, in a process with limits."""

        def read(key: bytes) -> Study:
            try:
                study = read_limited([Upload("object.dcm", one.waiting.file.read_bytes())], key=key)
            except QuestionError as error:
                one.question = str(error)
                raise
            one.arrival = replace(one.arrival, state="de-identified")
            arrivals.record(self._database, [one.arrival], SYSTEM)
            return study

        facts = {} if one.header is None or not one.header.visit else {"encounter_id": one.header.visit}
        return StudyEntry(number, "", f"object {one.waiting.object}", facts, {}, read)


def _keeper(one: Arrival) -> str | None:
    """Return the pseudonym under which a file is kept aside; None where it is stored and may go."""
    return None if one.state == "stored" else one.patient_id or ""


def _sentence(reason: str) -> str:
    return reason.removeprefix(REFUSED)
