"""Key Object Selection documents (DICOM PS3.3 A.35.4), titled "For Teaching", in a series of their own."""

from __future__ import annotations

from typing import Any

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from engine.report.dicom.common import MANUFACTURER, Owner
from engine.report.dicom.document import device
from engine.report.report import Report
from engine.strings import text

MOST_WORDS = 10_000  # characters of a description


def content_of(report: Report, objects: list[Dataset], words: str, owner: Owner) -> KeyObjectSelection:
    """Return the content of a selection: which objects, and in words why."""
    return KeyObjectSelection(
        document_title=codes.DCM.ForTeaching,
        referenced_objects=objects,
        observer_device_context=device(report, owner),
        description=words[:MOST_WORDS],
    )


def selection(report: Report, query: Dataset, words: str, owner: Owner) -> Any:
    """Return the document that selects the query's object alone, in the query's study."""
    return KeyObjectSelectionDocument(
        evidence=[query],  # of one study, as highdicom asks
        content=content_of(report, [query], words, owner),
        series_instance_uid=owner.uid("ko-series", owner.study_id),
        series_number=3,
        sop_instance_uid=owner.uid("ko", owner.study_id, str(report.audit_id)),
        instance_number=report.audit_id % 2**31,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=[report.version, f"release {report.release}"],
        device_serial_number=report.release[:64],
        series_description=text("report.series_ko", notice=text("notice.short")),
    )
