"""A report on its way from the inbox: read, matched to a visit, de-identified; its corrections take its place.

It is matched by accession, else by the number of the visit or study, else by patient and day; the patient has to be the
same. By patient and day alone the issuer of the patient's number has to be the same too. One whose study has not come
waits aside, and joins when it comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import IntakeError
from engine.hospital import fhir_report, hl7
from engine.hospital.header import accession_key, visit_key
from engine.hospital.inbox import Inbox, Waiting
from engine.hospital.incoming_report import HL7, SUFFIXES, IncomingReport
from engine.hospital.settings import report_settings
from engine.intake.free_text import found_in, replaced
from engine.intake.identity import shifted_day
from engine.intake.pseudonyms import patient_key, previous_patient_key, pseudonym, shown_pseudonym
from engine.intake.read import read_text
from engine.store import arrivals, places, report_places
from engine.store.arrivals import Arrival, State
from engine.store.audit_file import SYSTEM
from engine.store.report_places import Visit
from engine.workspace.erased import among_erased
from engine.workspace.ingest import ERASED
from engine.workspace.manifest import StudyEntry
from engine.workspace.report_labels import with_report_labels
from engine.workspace.workspace import Workspace

UNMATCHED = "No film or recording of this visit has come: the report waits, and joins when one does."
SEVERAL = "The report fits several visits: it is kept aside, have it sent with its accession number."
OTHER_PATIENT = (
    "The report names another patient than the study of its accession number, or another issuer of the patient's "
    "number: have its sender check both."
)
NOBODY = "The report names no patient: it is kept aside, have it sent with the patient's number."
PRELIMINARY = "The report is preliminary: it is kept aside, and its final text is taken."
OTHER_BEFORE = (
    "A report under this number named another patient before: this one is kept aside, have its sender check both."
)
CANCELLED = "The report was cancelled: texts of it that came before are removed."
SUPERSEDED = "A later version of the report is here already: this one is kept aside."
REPEATED = "The same text of this report is here already."
RANKS = {"preliminary": 0, "final": 1, "corrected": 2, "cancelled": 3}
ALL = 1_000_000


class StaysOut(Exception):
    """A report is not stored. state, str(self): why; patient_id: its pseudonym; keep: whether its file is kept."""

    def __init__(self, state: State, why: str, patient_id: str = "", *, keep: bool = True) -> None:
        super().__init__(why)
        self.state, self.patient_id, self.keep = state, patient_id or None, keep


@dataclass(frozen=True)
class PlacedReport:
    """A report with the visit that it belongs to.

    text    : without what tells who somebody is
    key     : hash of its number
    earlier : studies that it replaces
    labels  : whether findings are read from it
    """

    report: IncomingReport
    text: str
    visit: Visit
    key: str
    earlier: tuple[str, ...]
    labels: bool

    def entry(self, number: int, identity: str) -> StudyEntry:
        """Return the entry by which the text is taken in."""
        facts: dict[str, Any] = {"modality": "text", "report": self.text, **self.visit._asdict()}
        extra = {report_places.REPORT: self.key, report_places.STATUS: self.report.status}
        entry = StudyEntry(number, "", identity, facts, extra)
        return with_report_labels([entry])[0][0] if self.labels else entry

    def superseded_by(self, study_id: str) -> list[str]:
        """Return the texts in whose place this one is, once it is stored under an id."""
        return [one for one in self.earlier if one != study_id]


def is_report(file: Path) -> bool:
    """Say whether a file of the inbox is a report."""
    return file.suffix in SUFFIXES


def read_report_file(file: Path) -> IncomingReport:
    """Return the report of a file of the inbox; IntakeError where it holds none."""
    data = file.read_bytes()
    return hl7.report_of(data) if file.suffix == HL7 else fhir_report.report_of(data)


def numbered(workspace: Workspace, file: Path) -> tuple[IncomingReport, str]:
    """Return the report of a file and the hash of its number; StaysOut where the file holds none."""
    try:
        report = read_report_file(file)
    except IntakeError as error:
        raise StaysOut("refused", str(error)) from error
    return report, pseudonym(workspace.key, f"report {report.number}") or ""


def placed(workspace: Workspace, report: IncomingReport, key: str, study_id: str = "") -> PlacedReport:
    """Return a report with its visit; StaysOut where it is not stored.

    key      : hash of its number
    study_id : under which this very report is stored already, where a process was killed before it said so
    """
    text = clean_text(report)
    try:
        fingerprint = read_text(text).fingerprint if report.text else ""
    except IntakeError as error:
        raise StaysOut("refused", str(error)) from error
    patients = patients_of(report, workspace.key)
    if among_erased(workspace.path, workspace.key, "patients", set(patients)):
        raise StaysOut("refused", ERASED, keep=False)
    if not patients:
        raise StaysOut("set aside", NOBODY)
    shown = _shown(workspace, patients)
    before = [one for one in report_places.versions(workspace.database, key) if one.study_id != study_id]
    if any(one.patient_id not in patients for one in before):
        raise StaysOut("set aside", OTHER_BEFORE, shown)
    if report.status == "cancelled":
        if before:
            workspace.remove([one.study_id for one in before])
        raise StaysOut("set aside", CANCELLED, shown)
    if report.status == "preliminary":
        raise StaysOut("set aside", PRELIMINARY, shown)
    if any(RANKS.get(one.status, 0) > RANKS[report.status] for one in before):
        raise StaysOut("set aside", SUPERSEDED, shown)
    if not study_id and fingerprint in [one.fingerprint for one in before]:
        raise StaysOut("set aside", REPEATED, keep=False)
    visit = visit_of(workspace, report)
    earlier = tuple(one.study_id for one in before)
    return PlacedReport(report, text, visit, key, earlier, report_settings(workspace.path).labels)


def visit_of(workspace: Workspace, report: IncomingReport) -> Visit:
    """Return the visit that a report belongs to; StaysOut where there is none, or more than one."""
    patients = patients_of(report, workspace.key)
    if not patients:
        raise StaysOut("set aside", NOBODY)
    shown = _shown(workspace, patients)
    found = report_places.by_accession(
        workspace.database, [key for one in report.accessions if (key := accession_key(one, workspace.key))]
    )
    if found and not (found := [one for one in found if one.patient_id in patients]):
        raise StaysOut("set aside", OTHER_PATIENT, shown)
    found = found or _by_visit(workspace, report) or _by_day(workspace, report)
    if not found:
        raise StaysOut("set aside", UNMATCHED, shown)
    if len(found) > 1:
        raise StaysOut("set aside", SEVERAL, shown)
    return found[0]


def join_those_that_wait(workspace: Workspace, inbox: Inbox, patients: set[str] | None) -> int:
    """Have reports taken up again whose study has come meanwhile; return how many.

    patients : of whom something came; None for all
    """
    aside = arrivals.newest(workspace.database, ALL, ("set aside",))
    wait = {(one.object, one.digest): one for one in aside if one.why == UNMATCHED}
    kept = [one for one in inbox.put_aside() if (one.object, one.digest) in wait] if wait else []
    joined = [one for one in kept if is_report(one.file) and _may_join(workspace, one, patients)]
    known = [wait[one.object, one.digest] for one in joined]
    fresh = [Arrival(one.object, one.digest, "received", kind=one.kind, sender=one.sender) for one in known]
    arrivals.record(workspace.database, fresh, SYSTEM)
    for one in joined:
        inbox.again(one)
    return len(joined)


def _may_join(workspace: Workspace, one: Waiting, patients: set[str] | None) -> bool:
    """Say whether a report that waits finds its visit now; patients: of whom something came, None for all."""
    try:
        report = read_report_file(one.file)
        if patients is not None and patients.isdisjoint(patients_of(report, workspace.key)):
            return False
        visit_of(workspace, report)
    except (StaysOut, IntakeError):
        return False
    return True


def patients_of(report: IncomingReport, key: bytes) -> list[str]:
    """Return the pseudonyms that a report's patient may have: films name the issuer of a number, or do not.

    The last one is what earlier versions made of a number without an issuer.
    """
    made = (
        patient_key(key, report.patient, report.issuer),
        patient_key(key, report.patient),
        previous_patient_key(key, report.patient),
    )
    return [one for one in dict.fromkeys(shown_pseudonym(one) for one in made) if one]


def _shown(workspace: Workspace, patients: list[str]) -> str:
    """Return under which of their pseudonyms a patient is known here, else the first."""
    return next((one for one in patients if places.is_patient(workspace.database, one)), patients[0])


def clean_text(report: IncomingReport) -> str:
    """Return the text without the patient's own name and number, nor other passages that tell who somebody is."""
    text = report.text
    for word in report.name:
        forms = [word.title(), word.upper()] if len(word) == 2 else [word]  # "Wu" is a name, and "wu" is not
        named = "|".join(re.escape(one) for one in forms)
        text = re.sub(rf"(?<!\w)(?:{named})(?!\w)", "[name]", text, flags=re.IGNORECASE if len(word) > 2 else 0)
    for number in (report.patient, *report.accessions, *report.visits):
        if len(number) > 2:
            text = re.sub(rf"(?<!\w){re.escape(number)}(?!\w)", "[number]", text)
    return replaced(text, found_in(text))


def _by_visit(workspace: Workspace, report: IncomingReport) -> list[Visit]:
    """Return the visits by number: films hash it together with their patient."""
    issuers = dict.fromkeys((report.issuer, ""))
    numbers = [visit_key(report.patient, issuer, one, workspace.key) for one in report.visits for issuer in issuers]
    return report_places.by_encounter(workspace.database, [one for one in numbers if one])


def _by_day(workspace: Workspace, report: IncomingReport) -> list[Visit]:
    """Return the visits of the same patient, by number and issuer, within a day; dates are shifted as films' are."""
    patient = shown_pseudonym(patient_key(workspace.key, report.patient, report.issuer))
    day = shifted_day(report.patient, report.issuer, report.day, workspace.key)
    return report_places.by_day(workspace.database, [patient], day) if day else []


def without_report(arrival: Arrival, stays: StaysOut) -> Arrival:
    """Return an arrival under the pseudonym of the patient whose report stays out."""
    return replace(arrival, patient_id=stays.patient_id)
