"""DICOM files → Study: opened within limits, told apart into film and waveform, de-identified first."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from engine.errors import IntakeError
from engine.intake.identity import deidentify
from engine.intake.upload import MEGABYTE, ReaderInput
from engine.settings import UNPACKED_LIMIT_MB
from engine.study import Study

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

_DIRECTORY = "1.2.840.10008.1.3.10"
_HUMAN = {"", "homo sapiens", "human"}
_KINDS = (  # prefixes of SOP classes without pixels or waveform, PS3.4 Annex B
    ("1.2.840.10008.5.1.4.1.1.104.1", "a PDF inside DICOM"),
    ("1.2.840.10008.5.1.4.1.1.104", "a document inside DICOM"),
    ("1.2.840.10008.5.1.4.1.1.88", "a structured report"),
    ("1.2.840.10008.5.1.4.1.1.11", "a presentation state"),
    ("1.2.840.10008.5.1.4.1.1.481", "a radiotherapy object"),
    (_DIRECTORY, "a DICOMDIR, the directory of a disc"),
)


def read_dicom(given: ReaderInput) -> Study:
    """Return the study in a DICOM file; the dataset is de-identified before anything is taken from it."""
    dataset = open_dicom(given.file.data)
    _check_kind(dataset)
    if "WaveformSequence" in dataset:
        from engine.intake.dicom_trace import trace_study

        return trace_study(dataset, deidentify(dataset, given.key), given.answers)
    from engine.intake.dicom_film import film_study, other_view

    other = other_view(dataset)
    return film_study(dataset, deidentify(dataset, given.key), other)


def open_dicom(data: bytes) -> FileDataset:
    """Parse a DICOM file, with or without preamble; IntakeError where it is no dataset or unpacks to too much."""
    from pydicom import dcmread
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = dcmread(WithinLimits(data), force=True)
    if "SOPClassUID" not in dataset and "Rows" not in dataset and "WaveformSequence" not in dataset:
        raise IntakeError(
            "The DICOM file is damaged or cut off before its description, so it cannot be read: export it again."
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


def is_companion(data: bytes) -> bool:
    """Return whether a DICOM file only accompanies a study: a directory, a report, a lateral film."""
    from pydicom import dcmread

    from engine.intake.dicom_film import other_view

    try:
        dataset = dcmread(WithinLimits(data), force=True, stop_before_pixels=True)
        if "WaveformSequence" in dataset:
            return False
        return "Rows" not in dataset or bool(other_view(dataset))
    except Exception:  # damaged: the parser says so if the file is the one that is meant
        return False


class WithinLimits(io.BytesIO):
    """A DICOM file for pydicom's dcmread, which inflates a deflated dataset whole; IntakeError before it is too large.

    Of such a file alone pydicom asks for all that follows its meta information at once, wherever that ends.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; all that are left are held against the limit first."""
        data = super().read(size)
        if size is None or size < 0:
            _check_inflated(data)
        return data


def _check_inflated(data: bytes) -> None:
    """Raise IntakeError where deflated bytes unpack to more than the limit."""
    inflater, left = zlib.decompressobj(-zlib.MAX_WBITS), UNPACKED_LIMIT_MB * MEGABYTE
    try:
        while data and not inflater.eof:
            left -= len(inflater.decompress(data, MEGABYTE))
            data = inflater.unconsumed_tail
            if left < 0:
                raise _too_large()
    except zlib.error:  # none, or damaged: pydicom says so
        return


def _too_large() -> IntakeError:
    return IntakeError(
        f"The deflated DICOM file unpacks to more than {UNPACKED_LIMIT_MB} MB: export the film uncompressed."
    )


def _check_kind(dataset: FileDataset) -> None:
    """Raise IntakeError for objects that hold neither an image nor a waveform, and for animals."""
    if str(dataset.get("PatientSpeciesDescription") or "").strip().lower() not in _HUMAN:
        raise IntakeError(
            "The file says that the patient is an animal, and only studies of people are searched: choose another one."
        )
    if "PixelData" in dataset or "WaveformSequence" in dataset:
        return
    sop_class = str(dataset.get("SOPClassUID", ""))
    kind = next((name for prefix, name in _KINDS if sop_class.startswith(prefix)), None)
    if kind:
        raise IntakeError(f"This is {kind}, and no film or waveform: export the image or the recording itself.")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise IntakeError("The film's pixels are fractional numbers, which no film has: export it as 8 to 16 bit grey.")
    if "Rows" in dataset:
        raise IntakeError("The DICOM film ends before its pixels, so it was cut off: copy or export it again.")
    raise IntakeError(
        "The DICOM file holds neither an image nor a waveform, or was cut off: export the film or the recording itself."
    )
