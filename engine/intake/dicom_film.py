"""DICOM images → Film: one frontal chest film, every lookup table applied, 0 is black."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import IntakeError
from engine.intake import jpeg12
from engine.intake.codestream import frame_size
from engine.intake.colour import COLOURS, PALETTE, grey_of, refusal
from engine.intake.film_limits import check_pixels
from engine.intake.grey import Shown, display
from engine.intake.header_numbers import first_number, numbers_of
from engine.intake.identity import Identified
from engine.intake.square import is_uneven, squared
from engine.intake.stored import placed, stored_values
from engine.intake.upright import is_on_its_side, turn_upright
from engine.study import Film, Study

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GREYS = {"MONOCHROME1", "MONOCHROME2"}
_MODALITIES = {"CR", "DX", "RG", "OT", "SC", "XR", ""}
_NAMED = {
    "CT": "a CT image",
    "MR": "an MR image",
    "US": "an ultrasound image",
    "PT": "a PET image",
    "NM": "a nuclear medicine image",
    "MG": "a mammogram",
    "XA": "an angiogram",
    "RF": "a fluoroscopy image",
    "IO": "a dental film",
    "PX": "a panoramic dental film",
    "XC": "a photograph",
    "ES": "an endoscopy image",
    "SM": "a microscope slide",
    "ECG": "an ECG stored as a picture",
}
_CHEST = {"CHEST", "THORAX", "LUNG", "LUNGS", "RIB", "RIBS", "STERNUM", "HEART", "PORT CHEST", "CHEST PA", "CHEST AP"}
_ELSEWHERE = {
    "HAND",
    "WRIST",
    "FINGER",
    "THUMB",
    "FOREARM",
    "ELBOW",
    "HUMERUS",
    "SHOULDER",
    "CLAVICLE",
    "SCAPULA",
    "FOOT",
    "TOE",
    "ANKLE",
    "KNEE",
    "LEG",
    "TIBIA",
    "FEMUR",
    "HIP",
    "PELVIS",
    "SKULL",
    "HEAD",
    "JAW",
    "NECK",
    "CSPINE",
    "LSPINE",
    "TSPINE",
    "SPINE",
    "ABDOMEN",
    "BREAST",
    "EXTREMITY",
    "SACRUM",
    "COCCYX",
    "SINUS",
    "NOSE",
    "ORBIT",
    "HEEL",
    "PATELLA",
}
_FRONTAL = {"PA": "PA", "AP": "AP"}
_LATERAL = {"LL", "RL", "LATERAL", "LAT", "LLAT", "RLAT", "L LAT", "R LAT", "LEFT LATERAL", "RIGHT LATERAL"}
_SIDEWAYS = re.compile(r"\b(?:lateral[eé]?|lat|seitlich|profil)\b")
_FROM_THE_FRONT = re.compile(r"\b(?:p\.?a|a\.?p|frontal|decub\w*|oblique)\b")
_OBLIQUE = {"RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "OBLIQUE"}
# PS3.16 CID 4010 "DX View", SNOMED CT and the older SRT codes.
_VIEW_CODES = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "399067008": "LL",
    "R-10236": "LL",
    "399173006": "LL",
    "399198007": "RL",
    "R-10232": "RL",
}
_SYNTAXES = {
    "1.2.840.10008.1.2.5": "RLE",
    "1.2.840.10008.1.2.4.50": "JPEG",
    "1.2.840.10008.1.2.4.51": "JPEG extended",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "HTJ2K",
    "1.2.840.10008.1.2.4.202": "HTJ2K",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
    "1.2.840.10008.1.2.1.99": "deflated",
}


# The same C libraries stand behind pydicom's other decoders, which write to standard error when a frame is damaged.
_DECODERS = {"JPEG 2000": "pylibjpeg", "HTJ2K": "pylibjpeg", "JPEG-LS": "pyjpegls"}


def film_study(dataset: Dataset, identified: Identified, other: str = "") -> Study:
    """Return the study of a de-identified DICOM image; IntakeError for anything but one frontal grey chest film.

    other : what `other_view` said of the dataset before it lost its descriptions
    """
    modality = _text(dataset, "Modality")
    _complete(dataset)
    _check_kind(dataset, modality)
    view = _view(dataset, other)
    shown = _shown(dataset, _decode(dataset))
    film, remarks = _laid_out(dataset, shown, shown.pixels)
    negative = None if shown.negative is None else _laid_out(dataset, shown, shown.negative)[0]
    facts = identified.facts | ({"view": view} if view else {})
    named = ", ".join(
        one for one in (_recognised(dataset, film, modality), *shown.remarks, *remarks, _raw(dataset)) if one
    )
    return Study(
        "cxr",
        film,
        named,
        identified.rows,
        identified.note,
        facts,
        identified.patient_key,
        other_reading=negative,
        previous_key=identified.previous_key,
    )


def _laid_out(dataset: Dataset, shown: Shown, pixels: np.ndarray) -> tuple[Film, tuple[str, ...]]:
    """Return the film upright and with square pixels, and what was done for it."""
    orientation, spacing = dataset.get("PatientOrientation"), _spacing(dataset)
    aspect = numbers_of(dataset, "PixelAspectRatio") or []
    steps = spacing or ((aspect[0], aspect[1]) if len(aspect) == 2 and min(aspect) > 0 else (1.0, 1.0))
    pixels, turned = turn_upright(orientation, pixels)
    if is_on_its_side(orientation):
        steps = steps[1], steps[0]
    uneven = is_uneven(steps)
    if uneven:
        pixels, steps = squared(pixels, steps), (min(steps), min(steps))
    return Film(pixels, shown.bits, steps if spacing else None), (turned, "made square pixels of oblong ones" * uneven)


def _raw(dataset: Dataset) -> str:
    raw = _text(dataset, "PresentationIntentType") == "FOR PROCESSING"
    return "raw values of the detector (for processing), which are not meant to be shown" if raw else ""


def _complete(dataset: Dataset) -> None:
    """Write what can mean one thing only as the standard spells it, where a writer left it out."""
    photometric = _text(dataset, "PhotometricInterpretation")
    dataset.PhotometricInterpretation = photometric
    left_out = {
        "SamplesPerPixel": 3 if photometric in COLOURS - {PALETTE} else 1,
        "PixelRepresentation": 0,
        "PlanarConfiguration": 0,
    }
    for keyword, value in left_out.items():
        if first_number(dataset, keyword) is None:
            setattr(dataset, keyword, value)


def _check_kind(dataset: Dataset, modality: str) -> None:
    """Raise IntakeError, from the description alone, for images that are no single grey film of a human chest."""
    if modality not in _MODALITIES:
        kind = _NAMED.get(modality, "an image of another modality")
        raise IntakeError(
            f"This is {kind}, and only radiographs of the chest (CR, DX) are searched: export the chest film."
        )
    if _number(dataset, "NumberOfFrames", 1) > 1:
        raise IntakeError(
            f"The file holds {_number(dataset, 'NumberOfFrames', 1):g} frames and one film is searched at a "
            "time: export a single frame."
        )
    photometric = _text(dataset, "PhotometricInterpretation")
    if not photometric:
        raise IntakeError(
            "The film does not say whether its lowest values are black or white (photometric interpretation): export "
            "it again as MONOCHROME1 or MONOCHROME2."
        )
    channels = 3 if photometric in COLOURS - {PALETTE} else 1
    if _number(dataset, "SamplesPerPixel", 1) != channels or photometric not in COLOURS | _GREYS:
        raise refusal()
    body = _text(dataset, "BodyPartExamined")
    if body in _ELSEWHERE:
        raise IntakeError(
            f"The file says that it shows {body.lower()}, and only chest films are searched: choose the chest film."
        )
    check_pixels(int(_number(dataset, "Columns", 0)), int(_number(dataset, "Rows", 0)))
    if _number(dataset, "BitsAllocated", 0) not in (8, 16) or not 1 <= _number(dataset, "BitsStored", 0) <= _number(
        dataset, "BitsAllocated", 0
    ):
        raise IntakeError(
            "The film has neither 8 nor 16 bits per pixel, or says so wrongly: export it again as 8 to 16 bit grey."
        )


def other_view(dataset: Dataset) -> str:
    """Return "lateral" or "oblique" for views that are not frontal, else "".

    Where neither position nor orientation is stated, the descriptions of series and protocol say it.
    """
    position = _position(dataset)
    orientation = dataset.get("PatientOrientation") or []
    sideways = len(orientation) == 2 and str(orientation[0])[:1] in ("A", "P") and str(orientation[1])[:1] in ("F", "H")
    if position in _LATERAL or (sideways and position not in _FRONTAL):
        return "lateral"
    if position or len(orientation) == 2:
        return "oblique" if position in _OBLIQUE else ""
    words = _described(dataset)
    return "lateral" if _SIDEWAYS.search(words) and not _FROM_THE_FRONT.search(words) else ""


def _described(dataset: Dataset) -> str:
    codes = [str(item.get("CodeMeaning", "")) for item in dataset.get("ViewCodeSequence") or []]
    names = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
    return " ".join([*(_text(dataset, name) for name in names), *codes]).replace("_", " ").lower()


def _position(dataset: Dataset) -> str:
    """Return the view position, from its own element or from the coded view."""
    codes = [str(item.get("CodeValue", "")) for item in dataset.get("ViewCodeSequence") or []]
    return _text(dataset, "ViewPosition") or next((_VIEW_CODES[code] for code in codes if code in _VIEW_CODES), "")


def _view(dataset: Dataset, other: str) -> str:
    """Return "PA", "AP" or ""; IntakeError for lateral and oblique views."""
    if other:
        article = "a" if other == "lateral" else "an"
        raise IntakeError(
            f"This is {article} {other} view, and only frontal films (PA or AP) are searched: "
            "choose the frontal film of the study."
        )
    return _FRONTAL.get(_position(dataset), "")


def _decode(dataset: Dataset) -> np.ndarray:
    """Return the decoded words, (rows, columns) integer, or (rows, columns, 3) of an image in colour."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        _check_frame(dataset)
    try:
        pixels = _pixels(dataset)
    except NotImplementedError as error:
        raise IntakeError(
            "The film is compressed in a way that is not read: export it uncompressed, or as JPEG 2000."
        ) from error
    except Exception as error:  # every decoder has errors of its own
        raise IntakeError(
            "The film's pixels are damaged or cut off and cannot be decoded: copy or export the file again."
        ) from error
    if pixels.ndim != (3 if _text(dataset, "PhotometricInterpretation") in COLOURS - {PALETTE} else 2):
        raise IntakeError("The film's pixels are not a single grey image: export one frame.")
    return pixels


def _shown(dataset: Dataset, words: np.ndarray) -> Shown:
    """Return decoded words as they are displayed; IntakeError where they are in colour."""
    if _text(dataset, "PhotometricInterpretation") not in COLOURS:
        return display(dataset, stored_values(dataset, words))
    numbers = words if words.ndim == 3 else placed(dataset, words).values
    pixels, bits, remark = grey_of(dataset, numbers)
    return Shown(pixels, max(8, bits), remarks=(remark,))


def _pixels(dataset: Dataset) -> np.ndarray:
    from pydicom.encaps import get_frame
    from pydicom.pixels import pixel_array

    if dataset.file_meta.TransferSyntaxUID == jpeg12.SYNTAX and dataset.BitsStored > 8:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        return jpeg12.decode(frame, dataset.Rows, dataset.Columns, dataset.BitsStored)
    plugin = _DECODERS.get(_SYNTAXES.get(str(dataset.file_meta.TransferSyntaxUID), ""), "")
    return pixel_array(dataset, decoding_plugin=plugin, correct_unused_bits=False)


def _check_frame(dataset: Dataset) -> None:
    """Raise IntakeError where a compressed frame is of another size than its description says."""
    from pydicom.encaps import get_frame

    try:
        size = frame_size(get_frame(dataset.PixelData, 0, number_of_frames=1))
    except Exception as error:  # damaged encapsulation
        raise IntakeError(
            "The film's pixels are damaged or cut off and cannot be decoded: copy or export the file again."
        ) from error
    if size is not None and size != (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel):
        raise IntakeError(
            "The compressed pixels are of another size or number of channels than the DICOM header says, so the file "
            "is damaged: export it again."
        )


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Return (row, column) mm per pixel at the detector, else of the image plane, else None."""
    for name in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = numbers_of(dataset, name) or []
        if len(spacing) == 2 and all(0.005 <= step <= 20 for step in spacing):
            return spacing[0], spacing[1]
    return None


def _recognised(dataset: Dataset, film: Film, modality: str) -> str:
    height, width = film.pixels.shape
    chest = " chest" if _text(dataset, "BodyPartExamined") in _CHEST else ""
    stored = f"{int(dataset.BitsStored)} bit"
    spacing = f"{film.spacing_mm[0]:.3g} mm/px" if film.spacing_mm else ""
    syntax = _SYNTAXES.get(str(dataset.file_meta.TransferSyntaxUID), "")
    return ", ".join(
        part
        for part in ("DICOM", f"{modality or 'film'}{chest}", f"{width} × {height}", stored, spacing, syntax)
        if part
    )


def _text(dataset: Dataset, keyword: str) -> str:
    value: Any = dataset.get(keyword)
    return "" if value is None else str(value).strip().upper()


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    return first_number(dataset, keyword) or default
