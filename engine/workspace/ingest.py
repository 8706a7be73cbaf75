"""Taking a cohort in: restartable, one bad row skipped, the same rows never twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.files import utc_now
from engine.intake.burned_in_choice import FACT, Screen
from engine.intake.pseudonyms import shown_pseudonym
from engine.intake.quality.verdict import gate_digest
from engine.plain_text import csv_text
from engine.store.catalogue import encounter_owners, row_keys
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.store.unsteady import UNSTEADY
from engine.workspace.erased import among_erased
from engine.workspace.manifest import StudyEntry
from engine.workspace.patients import as_known_here
from engine.workspace.pipeline import NOTHING_PRECOMPUTED, Outcome, Precomputed, encode_batches
from engine.workspace.steadiness import with_unsteady_marked
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.workspace.door import Door, DoorAccount

ERASED = "its patient was erased from this workspace"
COLUMNS = ("acquired_at", "age", "sex", "view", "report")


class Progress(Protocol):
    """What a progress bar offers."""

    def update(self, n: float) -> Any:
        """Advance by n rows."""


@dataclass
class Summary:
    """What an ingest did.

    skipped        : (row number, study id, reason)
    remarks        : (row number, study id, what was read freely or left out of the row's cells)
    set_aside      : studies of the workspace that the quality gate refuses now
    unsteady       : of the ingested ones, those whose codes small changes move unusually far
    account        : what its door did, where it has one
    report         : the CSV that lists the skipped rows, where there are any
    remarks_report : the CSV that lists the remarks, where there are any
    """

    ingested: int = 0
    already: int = 0
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    remarks: list[tuple[int, str, str]] = field(default_factory=list)
    set_aside: int = 0
    unsteady: int = 0
    account: DoorAccount | None = None
    report: Path | None = None
    remarks_report: Path | None = None


def ingest(
    workspace: Workspace,
    release: Release,
    digest: str,
    cohort: Cohort,
    entries: Sequence[StudyEntry],
    *,
    screen: Screen | None = None,
    progress: Progress | None = None,
    precomputed: Precomputed = NOTHING_PRECOMPUTED,
    door: Door | None = None,
) -> Summary:
    """Take the entries in, batch by batch; each batch is on disk or not there at all, whatever kills the process.

    screen : what is done about films that seem to carry text; None takes them as they are. Those of a cohort that is
             synthetic, or of rows that say so, are not looked at
    door   : what of the entries comes in; everything as it is without one
    """
    workspace.clean()
    summary = Summary()
    if door is not None:
        entries, summary.account = [door.let_in(entry) for entry in entries], door.account
    present = row_keys(workspace.database, cohort.name)
    fresh = [entry for entry in entries if entry.row_key(cohort.name) not in present]
    fresh = fresh if door is None else [door.without_passages(entry) for entry in fresh]
    summary.already = len(entries) - len(fresh)
    if progress is not None:
        progress.update(summary.already)
    for outcomes in encode_batches(fresh, release, workspace.key, precomputed, None if cohort.synthetic else screen):
        if door is not None and not cohort.synthetic:  # of a published data set, its publisher has looked
            outcomes = with_unsteady_marked(outcomes, release)
        batch = acceptable(workspace, cohort, outcomes, summary)
        summary.remarks += remarks_of(outcomes)
        if batch:
            workspace.add(cohort, release.name, digest, batch)
        summary.ingested += len(batch)
        summary.unsteady += sum(UNSTEADY in new.row.extra for new in batch)
        if progress is not None:
            progress.update(len(outcomes))
    workspace.releases.record_encoders(digest, release.encoders)
    reports = workspace.path / "reports"
    if summary.skipped:
        summary.report = _write_report(reports, f"skipped-{cohort.name}", "reason", summary.skipped)
    if summary.remarks:
        summary.remarks_report = _write_report(reports, f"remarks-{cohort.name}", "remark", summary.remarks)
    return summary


def acceptable(workspace: Workspace, cohort: Cohort, outcomes: Iterable[Outcome], summary: Summary) -> list[NewStudy]:
    """Return what goes in; note in `summary.skipped` why the rest does not."""
    outcomes = _as_known_here(workspace, list(outcomes))
    made = [(outcome, new_study(cohort, outcome) if outcome.accepted else None) for outcome in outcomes]
    rows = [new.row for _, new in made if new is not None]
    taken = {row.study_id: row.cohort for row in workspace.all_rows([row.study_id for row in rows])}
    owners = encounter_owners(workspace.database, [row.encounter_id for row in rows])
    names = {row.patient_id for row in rows} | {_previous(outcome) for outcome, _ in made}
    erased = set(among_erased(workspace.path, workspace.key, "patients", names - {""}))
    batch: list[NewStudy] = []
    for outcome, new in made:
        if new is not None and not erased.isdisjoint((new.row.patient_id, _previous(outcome))):
            summary.skipped.append((outcome.entry.number, "", ERASED))  # the report must not name them again
            continue
        reason = outcome.reason if new is None else _clash(new.row, taken, owners)
        if new is None or reason:
            summary.skipped.append((outcome.entry.number, outcome.entry.study_id, reason))
        else:
            batch.append(new)
    return batch


def _as_known_here(workspace: Workspace, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes whose patients are known by the keys under which they came before."""
    known = iter(as_known_here(workspace, [one.study for one in outcomes if one.study is not None]))
    return [one if one.study is None else replace(one, study=next(known)) for one in outcomes]


def _previous(outcome: Outcome) -> str:
    """Return the pseudonym that earlier versions gave to the patient of a file; "" for none, or one who is named."""
    study = outcome.study
    return "" if study is None or study.facts.get("patient_id") else shown_pseudonym(study.previous_key)


def _clash(row: StudyRow, taken: dict[str, str], owners: dict[str, str]) -> str:
    """Say why a row cannot stand beside what is there; "" where it can, and then note its encounter.

    taken  : study id → cohort; owners : encounter id → patient id
    """
    if row.study_id in taken:
        return f"the study id {row.study_id} is taken by cohort {taken[row.study_id]}"
    owner = owners.setdefault(row.encounter_id, row.patient_id)
    return "" if owner == row.patient_id else f"the encounter {row.encounter_id} belongs to patient {owner}"


def new_study(cohort: Cohort, outcome: Outcome) -> NewStudy:
    """Return the row of an accepted study: the manifest's facts, with the file's own where it says nothing.

    Without a patient id the file's own identifier makes the patient; without one of either, the study is its own
    patient. A study without an encounter is its own encounter.
    """
    entry, study = outcome.entry, outcome.study
    if study is None:
        raise ValueError("only an accepted outcome makes a study")
    key = entry.row_key(cohort.name)
    study_id = entry.study_id or f"{cohort.name}-{key[:12]}"
    facts = study.facts
    labels = facts.get("labels") or ()
    row = StudyRow(
        study_id=study_id,
        patient_id=facts.get("patient_id") or shown_pseudonym(study.patient_key) or study_id,
        encounter_id=facts.get("encounter_id") or study_id,
        cohort=cohort.name,
        modality=study.modality,
        labels=tuple(labels.split(";") if isinstance(labels, str) else labels),
        label_source=facts.get("label_source") or cohort.label_source,
        synthetic=bool(facts.get("synthetic", cohort.synthetic)),
        licence=facts.get("licence") or cohort.licence,
        attribution=facts.get("attribution") or cohort.attribution,
        recognised=study.recognised,
        quality_score=float(outcome.score),
        gate=gate_digest(),
        fingerprint=study.fingerprint,
        patient_key=study.patient_key,
        window_s=study.window_s,
        extra=_extra(outcome),
        **{name: facts[name] for name in COLUMNS if facts.get(name) not in (None, "")},
    )
    return NewStudy(row, key, study, outcome.embedding, outcome.code, facts.get("consent") or {}, outcome.file)


def _extra(outcome: Outcome) -> dict[str, Any]:
    """Return the further columns of a study: its manifest's, and what was seen as it came in."""
    facts = {} if outcome.study is None else outcome.study.facts
    kept = {name: value for name, value in outcome.entry.extra.items() if name != UNSTEADY}
    seen = {FACT: facts[FACT]} if FACT in facts else {}
    return {**kept, **seen, **({} if outcome.turn is None else {UNSTEADY: outcome.turn})}


def remarks_of(outcomes: Iterable[Outcome]) -> list[tuple[int, str, str]]:
    """Return (row number, study id, remark) of every remark on the cells of the entries."""
    return [(one.entry.number, one.entry.study_id, remark) for one in outcomes for remark in one.entry.remarks]


def _write_report(folder: Path, name: str, said: str, lines: Sequence[tuple[int, str, str]]) -> Path:
    """Write lines about rows as CSV, what is said in a column of its own; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in name)
    file = folder / f"{safe}-{utc_now():%Y%m%d-%H%M%S}.csv"
    file.write_text(csv_text(("row", "study_id", said), lines), encoding="utf-8", newline="")
    return file
