"""A zip of DICOM: the objects, the measurement report that points at them, key object selections, and a read-me."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes

from engine import plain_text
from engine.errors import UsageError
from engine.report.dicom.common import MANUFACTURER, Owner, as_waveforms, to_bytes
from engine.report.dicom.measurements import device, report_object
from engine.report.dicom.pictures import film_object, picture_object
from engine.report.dicom.waveforms import storage_class, waveform_object
from engine.report.report import Report
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import labels
from engine.strings import notice, several, text
from engine.study import Film, Study, Trace

BULK = ("PixelData", "WaveformSequence")  # dropped once written: references need only the header


def dicom_zip(report: Report) -> bytes:
    """Return the zip; UsageError where there is no case to state anything about."""
    if not report.neighbours:
        why = "consent of their patients was withdrawn" if report.left_out else "the search found none"
        raise UsageError(f"There are no cases to report as DICOM, because {why}: search again more broadly.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("READ-ME.txt", _read_me(report))
        asked = _query_owner(report)
        query = _written(package, "objects/query.dcm", object_of(report.query, asked))
        matches = []
        for one in report.neighbours:
            name = f"objects/{one.modality}-{one.rank:03d}.dcm"
            made = object_of(report.study(one.study_id), _owner(report, one))
            matches.append((one, _written(package, name, made)))
        package.writestr("similar-cases-sr.dcm", to_bytes(report_object(report, query, matches, asked)))
        for n, (one, dataset) in enumerate(matches, 1):
            name = f"key-objects/{one.modality}-{one.rank:03d}.dcm"
            package.writestr(name, to_bytes(key_object(report, one, dataset, n)))
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


def key_object(report: Report, one: Neighbour, dataset: Dataset, n: int) -> Any:
    """Return the Key Object Selection "For Teaching" of one chosen case.

    One document per case: a document belongs to one patient and study, and each case has its own; every description
    lists all of them.
    """
    owner = _owner(report, one)
    chosen = ", ".join(found.study_id for found in report.neighbours)
    words = text(
        "report.key_description",
        notice=notice(),
        n=n,
        total=len(report.neighbours),
        query=report.answer.query_id,
        study=one.study_id,
        synthetic=f" ({text('card.synthetic')})" if one.synthetic else "",
        labels=plain_text.one_line(labels(one.labels)),
        all=chosen,
    )
    content = KeyObjectSelection(
        document_title=codes.DCM.ForTeaching,
        referenced_objects=[dataset],
        observer_device_context=device(report, owner),
        description=words[:10000],
    )
    document = KeyObjectSelectionDocument(
        evidence=[dataset],
        content=content,
        series_instance_uid=owner.uid("ko-series", one.study_id),
        series_number=3,
        sop_instance_uid=owner.uid("ko", one.study_id, str(report.audit_id)),
        instance_number=report.audit_id % 2**31,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=[report.version, f"release {report.release}"],
        device_serial_number=report.release[:64],
        series_description=text("report.series_ko", notice=text("notice.short")),
    )
    as_waveforms(document, [dataset])
    return document


def _written(package: zipfile.ZipFile, name: str, dataset: FileDataset) -> FileDataset:
    """Write an object; return its header, which others refer to."""
    package.writestr(name, to_bytes(dataset))
    for bulk in BULK:
        if bulk in dataset:
            del dataset[bulk]
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
