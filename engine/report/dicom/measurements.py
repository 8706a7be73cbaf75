"""Comprehensive SR, TID 1500 Measurement Report: per case the distance, its meaning, labels and people's marks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    CompositeContentItem,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset

from engine import plain_text
from engine.report.dicom.common import Owner, private_code
from engine.report.dicom.document import Series, comment, device, sr_document
from engine.report.report import Report
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import labelled_by, labels
from engine.strings import notice, text

NUMBER = CodedConcept("1", "UCUM", "no units")
BITS = CodedConcept("{bits}", "UCUM", "bits")
SOURCE = CodedConcept("121112", "DCM", "Source of Measurement")
# Private names, value → meaning
HAMMING = ("hamming", "Hamming distance of the codes")
LENGTH = ("code-length", "Length of the codes")
FURTHER = ("further-share", "Share of random pairs that are further apart")
RELEVANCE = ("relevance", "Share of pairs at this distance that share a finding")
LABELLED = ("labelled-as", "Labelled in this collection as")
MARKED = ("mark", "Mark given by a person")
KIND = ("similar-case", "Case near the query")
PROCEDURE = ("similar-cases", "Search for similar cases in a collection")
SERIES = Series("sr-series", "sr", 2, "report.series_sr")


def report_object(
    report: Report, query: Dataset, matches: Sequence[tuple[Neighbour, Dataset | None]], owner: Owner
) -> Any:
    """Return the SR document; it belongs to the query's patient and refers to the objects of the others, if any."""
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=device(report, owner)),
        procedure_reported=private_code(*PROCEDURE),
        imaging_measurements=[_group(report, one, dataset, owner) for one, dataset in matches],
    )
    content[0].ContentSequence.append(comment(text("report.sr_notice", notice=notice())))
    others = [dataset for _, dataset in matches if dataset is not None]
    return sr_document(report, owner, SERIES, content, [query, *others])


def _group(
    report: Report, one: Neighbour, dataset: Dataset | None, owner: Owner
) -> MeasurementsAndQualitativeEvaluations:
    """Return the measurement group of one case."""
    image = dataset if dataset is not None and "Rows" in dataset else None
    waveform = dataset if image is None else None
    source = [] if image is None else [SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)]
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            identifier=f"{report.answer.query_id} {one.modality} {one.rank} {one.study_id}",
            uid=owner.uid("group", report.answer.query_id, one.study_id, str(report.audit_id)),
        ),
        finding_type=private_code(*KIND),
        algorithm_id=AlgorithmIdentification(
            name="Casebind retrieval by binary codes",
            version=f"{report.version}, release {report.release}",
            parameters=[f"{one.bits} bits", f"operating point {report.answer.operating_point or 'nearest k'}"],
        ),
        measurements=[
            Measurement(private_code(*HAMMING), one.hamming, BITS),
            Measurement(private_code(*LENGTH), one.bits, BITS),
            Measurement(private_code(*FURTHER), one.further_share, NUMBER),
            *([] if one.relevance is None else [Measurement(private_code(*RELEVANCE), one.relevance, NUMBER)]),
        ],
        qualitative_evaluations=_evaluations(report, one),
        source_images=source or None,
    )
    items = group[0].ContentSequence
    if waveform is not None:
        items.append(
            CompositeContentItem(
                SOURCE, waveform.SOPClassUID, waveform.SOPInstanceUID, relationship_type=RelationshipTypeValues.CONTAINS
            )
        )
    items.append(comment(_words(one)))
    return group


def _evaluations(report: Report, one: Neighbour) -> list[QualitativeEvaluation]:
    """Return labels and marks as coded values; a label's code is derived from its words."""
    found = [QualitativeEvaluation(private_code(*LABELLED), label_code(label)) for label in one.labels]
    marks = dict.fromkeys(given.mark for given in report.ratings_of(one.study_id))
    return found + [QualitativeEvaluation(private_code(*MARKED), private_code(name, name)) for name in marks]


def label_code(label: str) -> CodedConcept:
    """Return the private code of one label: the same words have the same code in every export."""
    code: CodedConcept = private_code(f"L-{hashlib.sha256(label.encode()).hexdigest()[:12]}", label)
    return code


def _words(one: Neighbour) -> str:
    mark = f"; {text('card.synthetic')}" if one.synthetic else ""
    words = text(
        "report.sr_labels",
        labels=labels(one.labels),
        source=labelled_by(one.labels, one.label_source) or "–",
        cohort=one.cohort,
        licence=one.licence,
        synthetic=mark,
    )
    return f"{notice()}. {plain_text.one_line(words)}"
