"""Films, and pictures of everything that has no waveform object, as Secondary Capture with the notice in the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import SecondaryCaptureImageStorage

from engine.drawing.film import font_of, stamp_of
from engine.report.dicom.common import Owner, comment, finished, new_dataset
from engine.report.picture import draw_study, new_figure
from engine.strings import notice
from engine.study import Film, Study

PICTURE_IN, PICTURE_DPI = (11.0, 6.5), 130


def film_object(study: Study, film: Film, owner: Owner) -> FileDataset:
    """Return a film in its own bit depth, with a line of words beneath it."""
    rows = film.pixels.shape[0]
    pixels = np.concatenate([film.pixels, _strip(film, _words(study))])
    dataset = _capture(study, owner, comment("comment_film", study), pixels)
    dataset.BodyPartExamined = "CHEST"
    dataset.BitsStored, dataset.HighBit = film.bits, film.bits - 1
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
    dataset.WindowCenter, dataset.WindowWidth = 2 ** (film.bits - 1), 2**film.bits
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    if film.spacing_mm is not None:
        dataset.PixelSpacing = [f"{value:.8g}" for value in film.spacing_mm]
    dataset.ImageComments = f"{dataset.ImageComments} Rows of the film: {rows}."
    return finished(dataset)


def picture_object(study: Study, owner: Owner) -> FileDataset:
    """Return a colour picture of a pulse recording, a report, or an ECG without millivolts."""
    figure = new_figure(PICTURE_IN)
    draw_study(figure.add_axes((0.02, 0.08, 0.96, 0.9)), study, PICTURE_DPI)
    figure.text(0.02, 0.03, _words(study), fontsize=11, weight="bold")
    figure.set_dpi(PICTURE_DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    return _in_colour(_capture(study, owner, comment("comment_picture", study), pixels))


def pair_object(study: Study, owner: Owner, pixels: np.ndarray, number: int) -> FileDataset:
    """Return a colour picture (rows, columns, 3) uint8 of a query beside a case, as object `number` of its series."""
    dataset = _capture(study, owner, comment("comment_picture", study), pixels)
    dataset.SOPInstanceUID = owner.uid("pair", owner.study_id, str(number))
    dataset.SeriesInstanceUID = owner.uid("pair-series", owner.study_id)
    dataset.SeriesNumber, dataset.InstanceNumber = 5, number % 2**31
    dataset.BurnedInAnnotation = "NO"
    return _in_colour(dataset)


def _in_colour(dataset: FileDataset) -> FileDataset:
    dataset.Laterality = ""  # unknown
    dataset.BitsStored, dataset.HighBit = 8, 7
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel, dataset.PlanarConfiguration = "RGB", 3, 0
    return finished(dataset)


def _capture(study: Study, owner: Owner, words: str, pixels: np.ndarray) -> FileDataset:
    """Return a Secondary Capture with everything but its colours; pixels (rows, columns[, 3]) uint8 or uint16."""
    dataset = new_dataset(owner, study, SecondaryCaptureImageStorage, "OT")
    dataset.ConversionType = "WSD"
    dataset.PatientOrientation = ""
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = dataset.ContentDate, dataset.ContentTime
    dataset.ImageComments = words
    if study.facts.get("synthetic") or study.modality != "cxr":  # text in recorded films is never ruled out
        dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.PixelRepresentation = 0
    data = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.add_new("PixelData", "OW" if dataset.BitsAllocated > 8 else "OB", data + b"\0" * (len(data) % 2))
    return dataset


def _strip(film: Film, words: str) -> np.ndarray:
    """Return rows of pixels with the words in white on black, as wide as the film, in its bit depth."""
    from PIL import Image, ImageDraw

    width = film.pixels.shape[1]
    size = max(8, width // 36)
    while size > 6 and font_of(size).getlength(words) > width * 0.96:
        size -= 1
    strip = Image.new("L", (width, 2 * size), 0)
    ImageDraw.Draw(strip).text((width * 0.02, size * 0.4), words, fill=255, font=font_of(size))
    white: Any = (2**film.bits - 1) / 255.0
    return np.rint(np.asarray(strip, np.float32) * white).astype(film.pixels.dtype)


def _words(study: Study) -> str:
    return " · ".join(part for part in (stamp_of(study.facts), notice()) if part)
