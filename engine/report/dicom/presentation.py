"""Grayscale Softcopy Presentation State (PS3.3 A.33.1) of what a person drew on the query's own film.

It lies over the film in whatever viewer the archive has, on a layer of its own that says what it is; the film itself is
not touched. The window is the film's own: Casebind keeps none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom import PresentationLUTShapeValues, PresentationLUTTransformation
from highdicom.pr import GraphicAnnotation, GraphicLayer, GraphicObject, GrayscaleSoftcopyPresentationState, TextObject
from pydicom.dataset import Dataset

from engine import plain_text
from engine.annotation import Annotation
from engine.drawing.annotated import TIP_SHARE, annotation_words, film_lines
from engine.report.dicom.common import LO, MANUFACTURER, Owner
from engine.report.report import Report
from engine.strings import text

LAYER = "CASEBIND"  # CS: capitals
NUMBER = 6  # of the series, beside those of report, selection and picture
MOST_WORDS = 1024  # characters of ST
ALIKE = 0.01  # by which the sides of the film as it was read and as it lies may differ


def presentation_state(report: Report, original: Dataset, owner: Owner) -> Any | None:
    """Return the presentation state of what was drawn on the query; None where nothing was, or where it does not fit.

    original : header of the film, whose patient and study the state has
    """
    drawn = report.annotations(report.answer.query_id)
    scale = _scale(report, original)
    if not drawn or scale is None:
        return None
    tip = TIP_SHARE * max(report.query.film.pixels.shape)
    lines, words = [], []
    for one in drawn:
        strokes = [_inside(stroke * scale, original) for stroke in film_lines(one, tip)]
        lines += [GraphicObject("POLYLINE", stroke, units="PIXEL") for stroke in strokes]
        words += _words(one, scale)
    note = text("notice.short")
    layer = GraphicLayer(LAYER, order=1, description=f"{MANUFACTURER}: {note}"[:LO])
    annotation = GraphicAnnotation([original], layer, graphic_objects=lines or None, text_objects=words or None)
    inverse = original.get("PhotometricInterpretation") == "MONOCHROME1"
    shape = PresentationLUTShapeValues.INVERSE if inverse else PresentationLUTShapeValues.IDENTITY
    state = GrayscaleSoftcopyPresentationState(
        referenced_images=[original],
        series_instance_uid=owner.uid("presentation-series", owner.study_id),
        series_number=NUMBER,
        sop_instance_uid=owner.uid("presentation", owner.study_id, str(report.audit_id)),
        instance_number=report.audit_id % 2**31,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=report.version,
        device_serial_number=report.release[:LO],
        content_label=LAYER,
        content_description=f"{MANUFACTURER}: {note}"[:LO],
        graphic_annotations=[annotation],
        graphic_layers=[layer],
        presentation_lut_transformation=PresentationLUTTransformation(presentation_lut_shape=shape),
        series_description=text("report.series_annotations", notice=note),
    )
    state["SoftwareVersions"].value = [report.version, f"release {report.release}"]
    return state


def _scale(report: Report, original: Dataset) -> np.ndarray | None:
    """Return (columns, rows) of the film as it lies for one of the film as it was read; None for another cut."""
    if report.query.modality != "cxr" or "Rows" not in original:
        return None
    rows, columns = report.query.film.pixels.shape
    scale = np.array([original.Columns / columns, original.Rows / rows])
    return scale if abs(scale[0] / scale[1] - 1) < ALIKE else None


def _inside(stroke: np.ndarray, original: Dataset) -> np.ndarray:
    """Return a stroke (n, 2) with its points on the film; (0, 0) is the corner of the first pixel here and there."""
    return np.clip(stroke, 0, [original.Columns, original.Rows])


def _words(one: Annotation, scale: np.ndarray) -> list[TextObject]:
    """Return what an annotation says, at its first point."""
    words = plain_text.one_line(annotation_words(one))[:MOST_WORDS]
    column, row = (float(value) for value in np.array(one.points[0]) * scale)
    return [TextObject(words, units="PIXEL", anchor_point=(column, row), anchor_point_visible=False)] if words else []
