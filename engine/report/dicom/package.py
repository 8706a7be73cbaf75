"""A zip of DICOM: the objects, the measurement report and the key object selection that point at them, annotations."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from highdicom.sr.utils import collect_evidence
from pydicom.dataset import Dataset, FileDataset

from engine import plain_text
from engine.errors import UsageError
from engine.report.dicom.annotated import annotations_object
from engine.report.dicom.common import Owner, as_waveforms, to_bytes
from engine.report.dicom.measurements import report_object
from engine.report.dicom.pictures import film_object, picture_object
from engine.report.dicom.selection import content_of, selection
from engine.report.dicom.waveforms import storage_class, waveform_object
from engine.report.report import Report
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import labelled
from engine.strings import ENGLISH, notice, several, speaking, text
from engine.study import Film, Study, Trace

BULK = ("PixelData", "WaveformSequence")  # dropped once written: references need only the header


@speaking(ENGLISH)
def dicom_zip(report: Report) -> bytes:
    """Return the zip, in English as its reports state; UsageError where there is no case to state anything about."""
    if not report.neighbours:
        why = "consent of their patients was withdrawn" if report.left_out else "the search found none"
        raise UsageError(f"There are no cases to report as DICOM, because {why}: search again more broadly.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("READ-ME.txt", _read_me(report))
        asked = _query_owner(report)
        query = _written(package, report, "query", report.query, asked)
        matches = []
        for one in report.neighbours:
            name, study = f"{one.modality}-{one.rank:03d}", report.study(one.study_id)
            matches.append((one, _written(package, report, name, study, _owner(report, one))))
        package.writestr("similar-cases-sr.dcm", to_bytes(report_object(report, query, matches, asked)))
        package.writestr("key-objects.dcm", to_bytes(key_objects(report, query, matches, asked)))
    return out.getvalue()


def object_of(study: Study, owner: Owner) -> FileDataset:
    """Return the DICOM object of one study: film, waveform in millivolts, or a picture of everything else."""
    content = study.content
    if isinstance(content, Film):
        return film_object(study, content, owner)
    if isinstance(content, Trace):
        sop_class = storage_class(content)
        if sop_class is not None:
            return waveform_object(study, content, owner, sop_class)
    return picture_object(study, owner)


def key_objects(report: Report, query: Dataset, matches: Sequence[tuple[Neighbour, Dataset]], owner: Owner) -> Any:
    """Return the Key Object Selection "For Teaching" of the query and the chosen cases, one for all of them.

    It belongs to the query's patient and refers to the objects of the others, as the measurement report does.
    """
    objects = [query, *(dataset for _, dataset in matches)]
    chosen = "; ".join(_named(one) for one, _ in matches)
    words = text("report.key_description", notice=notice(), n=len(matches), query=report.answer.query_id, all=chosen)
    document = selection(report, query, words, owner)  # of one study; the others are added below
    whole = content_of(report, objects, words, owner)[0]
    own, others = collect_evidence(objects, whole, study_instance_uid=document.StudyInstanceUID)
    document.ContentSequence = whole.ContentSequence
    document.CurrentRequestedProcedureEvidenceSequence = [*own, *others]
    as_waveforms(document, objects)
    return document


def _named(one: Neighbour) -> str:
    mark = f" ({text('card.synthetic')})" if one.synthetic else ""
    return f"{one.study_id}{mark}, {plain_text.one_line(labelled(one.labels))}"


def _written(package: zipfile.ZipFile, report: Report, name: str, study: Study, owner: Owner) -> FileDataset:
    """Write the object of a study and what was drawn on it; return its header, which others refer to."""
    dataset = object_of(study, owner)
    package.writestr(f"objects/{name}.dcm", to_bytes(dataset))
    for bulk in BULK:
        if bulk in dataset:
            del dataset[bulk]
    if drawn := report.annotations(owner.study_id):
        made = annotations_object(report, study, dataset, drawn, owner)
        package.writestr(f"annotations/{name}.dcm", to_bytes(made))
    return dataset


def _owner(report: Report, one: Neighbour) -> Owner:
    return Owner(
        one.study_id, one.encounter_id, one.patient_id, report.key, report.when, report.version, report.release
    )


def _query_owner(report: Report) -> Owner:
    """Return the query's owner: its patient's pseudonym where one is known, else one of the query alone."""
    answer, facts = report.answer, report.query.facts
    own = report.query.patient_key
    patient = str(facts.get("patient_id") or (f"key-{own[:16]}" if own else f"unknown-{answer.query_id}"))
    encounter = str(facts.get("encounter_id") or answer.query_id)
    return Owner(answer.query_id, encounter, patient, report.key, report.when, report.version, report.release)


def _read_me(report: Report) -> str:
    return text(
        "report.read_me",
        notice=notice(),
        version=report.version,
        release=report.release,
        when=f"{report.when:%Y-%m-%d %H:%M}",
        audit=report.audit_id,
        left_out=several(report.left_out, "report.left_out") if report.left_out else "",
    ).lstrip()
