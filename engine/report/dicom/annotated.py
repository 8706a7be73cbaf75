"""Comprehensive SR, TID 1500, of what a person drew on one study: values with the points that they were measured at.

A region of a film is a planar region (TID 1410). Other values are inferred from their points: spatial coordinates of a
film, times of the channels of an ECG. A recording that leaves as a picture has no coordinates in it; its list of
annotations stands in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.sr import (
    CodedConcept,
    CompositeContentItem,
    ContentSequence,
    GraphicTypeValues,
    ImageContentItem,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    RelationshipTypeValues,
    ScoordContentItem,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TcoordContentItem,
    TemporalRangeTypeValues,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from engine import plain_text
from engine.annotation import Annotation
from engine.drawing.annotated import annotation_words, film_lines
from engine.measure import Measured, canvas_of, measurements
from engine.report.dicom.common import Owner, private_code
from engine.report.dicom.document import Series, comment, device, sr_document
from engine.report.report import Report
from engine.strings import notice, text
from engine.study import Film, Study, Trace

INFERRED, SELECTED = RelationshipTypeValues.INFERRED_FROM, RelationshipTypeValues.SELECTED_FROM
UNITS = {  # UCUM code → meaning
    "mm": "millimeter",
    "%": "percent",
    "1": "no units",
    "deg": "degree",
    "mm2": "square millimeter",
    "ms": "millisecond",
    "mV": "millivolt",
    "/min": "per minute",
    "s": "second",
}
LENGTH, AREA = CodedConcept("410668003", "SCT", "Length"), CodedConcept("42798000", "SCT", "Area")
ANGLE = CodedConcept("1483009", "SCT", "Angle")
NAMES = {"mm": LENGTH, "mm2": AREA, "deg": ANGLE}
PRIVATE = {  # unit → private name of what is measured in it
    "%": ("length-share", "Length as a share of the width of the film"),
    "1": ("ctr", "Cardiothoracic ratio"),
    "ms": ("interval", "Time between two points"),
    "mV": ("amplitude", "Voltage between two points"),
    "/min": ("interval-rate", "Rate whose period is the time between two points"),
    "s": ("stretch", "Length of a stretch"),
}
PROCEDURE = ("annotations", "Annotations by a reader")
KIND = "annotation-{}"
SERIES = Series("annotation-series", "annotations", 4, "report.series_annotations")


def annotations_object(
    report: Report, study: Study, dataset: Dataset, drawn: Sequence[Annotation], owner: Owner
) -> Any:
    """Return the SR document of one author's annotations of one study, which belongs to the study's patient.

    dataset : the object of the study, to which the points refer
    """
    author = _person_name(drawn[0].author)
    person = ObserverContext(codes.DCM.Person, PersonObserverIdentifyingAttributes(author))
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=person, observer_device_context=device(report, owner)
        ),
        procedure_reported=private_code(*PROCEDURE),
        imaging_measurements=[_group(study, dataset, one, owner) for one in drawn],
    )
    words = text("report.sr_annotations", notice=notice(), author=plain_text.one_line(drawn[0].author))
    content[0].ContentSequence.append(comment(words))
    return sr_document(report, owner, SERIES, content, [dataset])


def _person_name(name: str) -> str:
    """Return a name as DICOM's PN holds it, all of it in the first component."""
    return f"{plain_text.one_line(name)[:60].replace('^', '-').replace('=', '-').replace(chr(92), '-')}^"


def _group(study: Study, dataset: Dataset, one: Annotation, owner: Owner) -> Any:
    """Return the measurement group of one annotation."""
    tracking = TrackingIdentifier(identifier=one.annotation_id, uid=owner.uid("annotation", one.annotation_id))
    about = {
        "tracking_identifier": tracking,
        "finding_type": private_code(
            KIND.format(one.shape or one.kind), text(f"annotation.kind_{one.shape or one.kind}")
        ),
        "measurements": [_measurement(value, study, dataset, one) for value in _values(study, one)] or None,
    }
    if one.kind == "region" and isinstance(study.content, Film):
        group: Any = PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_region=_region(one, SourceImageForRegion(dataset.SOPClassUID, dataset.SOPInstanceUID)), **about
        )
    else:
        image = "Rows" in dataset
        source = [SourceImageForMeasurementGroup(dataset.SOPClassUID, dataset.SOPInstanceUID)] if image else None
        group = MeasurementsAndQualitativeEvaluations(source_images=source, **about)
    items = group[0].ContentSequence
    if words := plain_text.one_line(" ".join(filter(None, (one.lead, annotation_words(one))))):
        items.append(comment(words))
    if about["measurements"] is None and one.kind != "region":
        items.extend(_places(study, dataset, one, RelationshipTypeValues.CONTAINS))
    return group


def _values(study: Study, one: Annotation) -> tuple[Measured, ...]:
    """Return everything that an annotation measures."""
    return measurements(one.kind, one.shape, one.points, canvas_of(study.content))


def _measurement(value: Measured, study: Study, dataset: Dataset, one: Annotation) -> Measurement:
    """Return a value, inferred from its points where these can be referred to."""
    name = NAMES.get(value.unit) or private_code(*PRIVATE[value.unit])
    made = Measurement(name, value.value, CodedConcept(value.unit, "UCUM", UNITS[value.unit]))
    places = [] if one.kind == "region" else _places(study, dataset, one, INFERRED)
    if places:
        item = made[0]
        if "ContentSequence" not in item:
            item.ContentSequence = ContentSequence()
        item.ContentSequence.extend(places)
    return made


def _places(study: Study, dataset: Dataset, one: Annotation, relation: RelationshipTypeValues) -> list[Any]:
    """Return the points of an annotation as coordinates in the study's object; none where it is a picture."""
    if isinstance(study.content, Film):
        return [_on_film(line, dataset, relation) for line in _strokes(one)]
    if isinstance(study.content, Trace) and "Rows" not in dataset:
        return [_in_time(study.content, dataset, one, relation)]
    return []


def _strokes(one: Annotation) -> list[np.ndarray]:
    """Return the lines of an annotation without ticks and tips, each (n, 2) in pixels of the film."""
    points = np.array(one.points, float)
    if one.kind in ("ctr", "angle") and len(points) == 4:
        return [points[:2], points[2:]]
    return [points]


def _on_film(points: np.ndarray, dataset: Dataset, relation: RelationshipTypeValues) -> ScoordContentItem:
    kind = GraphicTypeValues.POINT if len(points) == 1 else GraphicTypeValues.POLYLINE
    item = ScoordContentItem(codes.DCM.Path, kind, points, relationship_type=relation)
    image = ImageContentItem(
        codes.DCM.SourceOfMeasurement, dataset.SOPClassUID, dataset.SOPInstanceUID, relationship_type=SELECTED
    )
    item.ContentSequence = ContentSequence([image])
    return item


def _in_time(trace: Trace, dataset: Dataset, one: Annotation, relation: RelationshipTypeValues) -> TcoordContentItem:
    """Return the moments of an annotation in the channel of its lead, or in all channels."""
    moments = sorted(x for x, _ in one.points)
    kind = TemporalRangeTypeValues.POINT if len(moments) == 1 else TemporalRangeTypeValues.SEGMENT
    item = TcoordContentItem(codes.DCM.Path, kind, referenced_time_offsets=moments, relationship_type=relation)
    channel = trace.leads.index(one.lead) + 1 if one.lead else 0  # 0: every channel of the group
    waveform = CompositeContentItem(  # as_waveforms makes it a waveform's, which highdicom does not read back
        codes.DCM.SourceOfMeasurement, dataset.SOPClassUID, dataset.SOPInstanceUID, relationship_type=SELECTED
    )
    waveform.ReferencedSOPSequence[0].ReferencedWaveformChannels = [1, channel]
    item.ContentSequence = ContentSequence([waveform])
    return item


def _region(one: Annotation, source: SourceImageForRegion) -> ImageRegion:
    if one.shape == "ellipse":
        (left, top), (right, bottom) = np.min(one.points, axis=0), np.max(one.points, axis=0)
        x, y = (left + right) / 2, (top + bottom) / 2
        axes = [[(left, y), (right, y)], [(x, top), (x, bottom)]]
        major, minor = axes if right - left >= bottom - top else axes[::-1]
        return ImageRegion(GraphicTypeValues.ELLIPSE, np.array([*major, *minor]), source)
    (outline,) = film_lines(one, 0.0)
    return ImageRegion(GraphicTypeValues.POLYLINE, outline, source)
