"""What the Comprehensive SR documents of an export share: series, equipment, observer, private codes and references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom.sr import (
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObserverContext,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from engine.report.dicom.common import MANUFACTURER, Owner, as_waveforms, scheme_identification
from engine.report.report import Report
from engine.strings import text


@dataclass(frozen=True)
class Series:
    """One kind of document: the parts of its UIDs, its number beside the objects, and the string that describes it."""

    uid: str
    instance_uid: str
    number: int
    description: str


def sr_document(
    report: Report, owner: Owner, series: Series, content: MeasurementReport, evidence: Sequence[Dataset]
) -> ComprehensiveSR:
    """Return the document of a measurement report; it belongs to the patient of the first object of `evidence`."""
    document = ComprehensiveSR(
        evidence=evidence,
        content=content[0],
        series_instance_uid=owner.uid(series.uid, owner.study_id),
        series_number=series.number,
        sop_instance_uid=owner.uid(series.instance_uid, owner.study_id, str(report.audit_id)),
        instance_number=report.audit_id % 2**31,
        manufacturer=MANUFACTURER,
        is_complete=True,
        manufacturer_model_name=MANUFACTURER,
        software_versions=[report.version, f"release {report.release}"],
        device_serial_number=report.release[:64],
        series_description=text(series.description, notice=text("notice.short")),
    )
    document.CodingSchemeIdentificationSequence = [scheme_identification(owner)]
    as_waveforms(document, evidence)
    return document


def device(report: Report, owner: Owner) -> ObserverContext:
    """Return the observer: made by an algorithm, of this version and release."""
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=owner.uid("device", report.version, report.release),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=f"{MANUFACTURER} {report.version}",
            serial_number=f"release {report.release}",
        ),
    )


def comment(words: str) -> TextContentItem:
    """Return words as a comment of the item that contains them."""
    return TextContentItem(codes.DCM.Comment, words, RelationshipTypeValues.CONTAINS)
