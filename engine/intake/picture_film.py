"""PNG and JPEG → Film: grey, upright, with what a picture file says about people left behind."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError
from engine.intake.film_limits import check_pixels
from engine.intake.grey import NARROW, stretched
from engine.intake.identity import BURNED_IN
from engine.intake.upload import ReaderInput
from engine.study import Film, IdentityRow, Study

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112  # EXIF
_DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N"}
_SEEN_THROUGH = {"RGBA", "LA", "PA", "La", "RGBa"}
_MOSTLY = 0.5  # share of a picture that is transparent
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, what JPEG uses
_TECHNICAL = {
    "dpi",
    "gamma",
    "jfif",
    "jfif_version",
    "jfif_unit",
    "jfif_density",
    "progressive",
    "progression",
    "transparency",
    "interlace",
    "aspect",
    "srgb",
    "chromaticity",
    "adobe",
    "adobe_transform",
    "loop",
    "duration",
    "default_image",
    "background",
    "bits",
    "mp",
}


def read_picture(given: ReaderInput) -> Study:
    """Return the study of a PNG or JPEG; facts["colourfulness"] is the mean channel spread, 0 for grey."""
    from PIL import Image, UnidentifiedImageError

    name = given.kind.upper()
    try:
        with Image.open(io.BytesIO(given.file.data), formats=["PNG", "JPEG"]) as image:
            check_pixels(*image.size)
            if getattr(image, "n_frames", 1) > 1 and image.format == "PNG":
                raise IntakeError("The PNG is an animation and one film is searched at a time: export a single image.")
            image.load()
            rows = _rows(image)
            upright = _upright(image)
    except (Image.DecompressionBombError, UnidentifiedImageError) as error:
        raise IntakeError(
            f"The {name} is damaged or far too large to be a film: export it again as PNG or DICOM."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise IntakeError(
            f"The {name} is damaged or cut off, so it cannot be shown: copy or export it again."
        ) from error
    values, remark = _opaque(upright)
    pixels, bits, spread = _grey(values)
    _check_depth(given.file.data, pixels)
    film = Film(pixels, bits)
    height, width = pixels.shape
    parts = [name, f"{width} × {height}", f"{bits} bit", "colour" if spread > 0.0 else "", remark]
    facts = {"colourfulness": round(spread, 4)}
    return Study("cxr", film, ", ".join(part for part in parts if part), rows, BURNED_IN, facts)


def _check_depth(data: bytes, pixels: np.ndarray) -> None:
    """Raise IntakeError for a PNG of 16 bits a channel that Pillow gives as 8, where those hold only a few greys.

    IHDR (PNG 11.2.1): after the signature, its length and name, width and height, one byte is the depth.
    """
    deep = data.startswith(b"\x89PNG") and data[24:25] == b"\x10" and pixels.dtype == np.uint8
    if deep and 0 < int(np.ptp(pixels)) < NARROW * 255:
        raise IntakeError(
            "The PNG keeps its greys in the lower bits of a 16 bit colour picture, where they are not read: export it "
            "as 16 bit grey without transparency."
        )


def _rows(image: Image) -> tuple[IdentityRow, ...]:
    """Return what of the file's own notes is dropped, by kind and never by content."""
    rows = []
    exif = image.getexif()
    if len(exif):
        rows.append(
            IdentityRow("EXIF", "removed", "may hold names, places and times; the orientation alone is applied")
        )
    notes = [
        key
        for key in map(str, image.info)
        if key.lower() not in _TECHNICAL and key.lower() not in ("exif", "icc_profile", "xmp", "photoshop", "comment")
    ]
    for key, label in (
        ("xmp", "XMP"),
        ("photoshop", "Photoshop data"),
        ("comment", "JPEG comment"),
        ("icc_profile", "colour profile"),
    ):
        if key in image.info:
            rows.append(IdentityRow(label, "removed", "may hold names"))
    if notes:
        rows.append(
            IdentityRow(f"{len(notes)} text chunk{'s' * (len(notes) > 1)}", "removed", "free text may hold a name")
        )
    return tuple(rows)


def _upright(image: Image) -> Image:
    """Return the image turned as its EXIF orientation says."""
    from PIL import ImageOps

    if image.getexif().get(_ORIENTATION, 1) in (0, 1):
        return image
    return ImageOps.exif_transpose(image)


def _opaque(image: Image) -> tuple[np.ndarray, str]:
    """Return the values without transparency, (height, width) or (height, width, 3), and what was done about it.

    Transparent corners become black. A picture that is transparent as a whole or for the most part keeps its greys.
    """
    if image.mode in _DEEP:
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16), ""
    if not (image.mode in _SEEN_THROUGH or "transparency" in image.info):
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB")), ""
    values = np.asarray(image.convert("RGBA"))
    colours, alpha = values[..., :3], values[..., 3]
    if alpha.min() == 255:
        return colours, ""
    if np.ptp(colours.reshape(-1, 3), axis=0).max() == 0 and np.ptp(alpha) > 0:
        raise IntakeError(
            "The PNG is one grey under a mask of transparency, so its picture is in the mask: export it without "
            "transparency."
        )
    if np.ptp(alpha) == 0 or (alpha == 0).mean() > _MOSTLY:
        return colours, "transparency left aside"
    return np.rint(colours * (alpha[..., None] / 255.0)).astype(np.uint8), "transparent areas black"


def _grey(values: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Return (pixels (height, width), bits, mean channel spread in 0..1)."""
    if values.ndim == 2:
        return (stretched(values), 16, 0.0) if values.dtype == np.uint16 else (values, 8, 0.0)
    spread = float((values.max(axis=2).astype(np.int16) - values.min(axis=2)).mean() / 255.0)
    return np.rint(values @ _LUMA).astype(np.uint8), 8, spread
