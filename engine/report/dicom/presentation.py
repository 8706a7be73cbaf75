"""Grayscale Softcopy Presentation State (PS3.3 A.33.1) of what a person drew on the query's own film, and its window.

It lies over the film in whatever viewer the archive has, on a layer of its own that says what it is; the film itself is
not touched. A window that the reader set is a VOI LUT from stored values (PS3.3 C.11.8): no window of two numbers says
what Casebind shows, which reads a film by the tables of its header first. Without one the film is shown in full range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom import VOILUT, PresentationLUTShapeValues, PresentationLUTTransformation
from highdicom.pr import (
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    SoftcopyVOILUTTransformation,
    TextObject,
)
from pydicom.dataset import Dataset

from engine import plain_text
from engine.annotation import Annotation
from engine.drawing.annotated import TIP_SHARE, annotation_words, film_lines
from engine.report.dicom.common import LO, MANUFACTURER, Owner
from engine.report.report import Report
from engine.report.shown_window import ShownFilm
from engine.strings import text

LAYER = "CASEBIND"  # CS: capitals
NUMBER = 6  # of the series, beside those of report, selection and picture
MOST_WORDS = 1024  # characters of ST
ALIKE = 0.01  # by which the sides of the film as it was read and as it lies may differ
WHITE = 2**16 - 1  # of a VOI LUT


def presentation_state(report: Report, original: Dataset, owner: Owner, shown: ShownFilm | None = None) -> Any | None:
    """Return the presentation state of what was drawn and set; None where nothing was, or where it does not fit.

    original : header of the film, whose patient and study the state has
    shown    : the window that the reader set; None for none
    """
    drawn = report.annotations(report.answer.query_id)
    scale = _scale(report, original)
    if (not drawn and shown is None) or scale is None:
        return None
    note = text("notice.short")
    inverse = original.get("PhotometricInterpretation") == "MONOCHROME1"
    shape = PresentationLUTShapeValues.INVERSE if inverse else PresentationLUTShapeValues.IDENTITY
    layer = GraphicLayer(LAYER, order=1, description=f"{MANUFACTURER}: {note}"[:LO])
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
        graphic_annotations=[_annotation(report, drawn, original, scale, layer)] if drawn else None,
        graphic_layers=[layer] if drawn else None,
        voi_lut_transformations=None if shown is None else [_voi_lut(shown, inverse=inverse)],
        presentation_lut_transformation=PresentationLUTTransformation(presentation_lut_shape=shape),
        series_description=text("report.series_annotations", notice=note),
    )
    state["SoftwareVersions"].value = [report.version, f"release {report.release}"]
    return state


def _voi_lut(shown: ShownFilm, *, inverse: bool) -> SoftcopyVOILUTTransformation:
    """Return the table from stored values to what is shown; the presentation LUT inverts it once more where it does."""
    bright = shown.window.brightness(shown.greys)
    values = np.rint(WHITE * (1 - bright if inverse else bright)).astype(np.uint16)
    return SoftcopyVOILUTTransformation(voi_luts=[VOILUT(shown.first, values, MANUFACTURER)])


def _annotation(
    report: Report, drawn: Sequence[Annotation], original: Dataset, scale: np.ndarray, layer: GraphicLayer
) -> GraphicAnnotation:
    """Return what was drawn, on a layer."""
    tip = TIP_SHARE * max(report.query.film.pixels.shape)
    lines, words = [], []
    for one in drawn:
        strokes = [_inside(stroke * scale, original) for stroke in film_lines(one, tip)]
        lines += [GraphicObject("POLYLINE", stroke, units="PIXEL") for stroke in strokes]
        words += _words(one, scale)
    return GraphicAnnotation([original], layer, graphic_objects=lines or None, text_objects=words or None)


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
