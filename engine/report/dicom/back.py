"""What goes back into the study that a query was taken from: a measurement report, a key object selection, a picture.

What a person drew on the query's own film, and the window they set, goes beside them, as a presentation state over it.

They belong to the study's patient, stand in series of their own whose description bears the notice, and point at the
query's own object alone: the cases of the collection are not in that archive and are named by their pseudonyms.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from engine.errors import UsageError
from engine.report.dicom.common import Owner, as_waveforms
from engine.report.dicom.measurements import report_object
from engine.report.dicom.pictures import pair_object
from engine.report.dicom.presentation import presentation_state
from engine.report.dicom.selection import selection
from engine.report.picture import pair_png
from engine.report.report import Report
from engine.report.shown_window import ShownFilm
from engine.strings import ENGLISH, notice, speaking, text

OF_THE_STUDY = (  # elements of patient and study that every object of a study repeats
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
MAY_BE_EMPTY = tuple(name for name in OF_THE_STUDY if name not in ("IssuerOfPatientID", "PatientAge"))  # of type 2
REMOVED = ("PatientIdentityRemoved", "DeidentificationMethod")  # they name their patient again


@speaking(ENGLISH)
def objects_for(report: Report, original: Dataset, shown: ShownFilm | None = None) -> list[Dataset]:
    """Return the objects for the study of `original`, the query's own object; UsageError where there is no case.

    shown : the window of its film that the reader set; None for none
    """
    if not report.neighbours:
        raise UsageError("There are no cases to send, because the search found none: search again more broadly.")
    for name in MAY_BE_EMPTY:  # devices leave out what may be empty and has to be there
        if name not in original:
            setattr(original, name, "")
    query_id = report.answer.query_id
    owner = Owner(query_id, query_id, query_id, report.key, report.when, report.version, report.release)
    measured = report_object(report, original, [(one, None) for one in report.neighbours], owner)
    pixels = np.asarray(Image.open(io.BytesIO(pair_png(report, report.neighbours[0]))).convert("RGB"))
    picture = pair_object(report.query, owner, pixels, report.audit_id)
    for name in REMOVED:
        if name in picture:
            delattr(picture, name)
    for name in OF_THE_STUDY:
        if name in original:
            setattr(picture, name, original[name].value)
        elif name in picture:
            setattr(picture, name, "")
    made = [measured, _selection(report, original, owner), picture]
    if (state := presentation_state(report, original, owner, shown)) is not None:
        made.append(state)
    for one in made:
        one.SpecificCharacterSet = "ISO_IR 192"  # whatever the study's: what is written here has more letters
    return made


def _selection(report: Report, original: Dataset, owner: Owner) -> Any:
    """Return the key object selection of the query's own object."""
    words = text("report.key_back", notice=notice(), n=len(report.neighbours), query=report.answer.query_id)
    document = selection(report, original, words, owner)
    as_waveforms(document, [original])
    return document
