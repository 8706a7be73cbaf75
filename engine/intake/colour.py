"""Films that were stored as colour: grey where the three channels agree, else no film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PALETTE = "PALETTE COLOR"
COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", "YBR_PARTIAL_420", PALETTE}
_SPREAD = 3 / 255  # of full scale between the channels of one pixel; lossy compression moves them that far apart


def refusal() -> IntakeError:
    """Return the error for an image in colour."""
    return IntakeError(
        "The image is in colour, as screen captures are, and a film is grey: export the original film from the archive."
    )


def grey_of(dataset: Dataset, pixels: np.ndarray) -> tuple[np.ndarray, int, str]:
    """Return ((rows, columns) uint8 or uint16, bits, remark) of decoded pixels whose channels agree; else IntakeError.

    pixels : (rows, columns, 3), or the (rows, columns) numbers of a palette's entries
    """
    if pixels.ndim == 2:
        colours, bits = _of_palette(dataset, pixels)
        return _agreed(colours, bits), bits, "grey palette"
    bits = int(dataset.BitsStored)
    try:
        return _agreed(pixels, bits), bits, "grey stored as colour"
    except IntakeError:
        regrouped = _regrouped(dataset, pixels)
        if regrouped is None:
            raise
        return _agreed(regrouped, bits), bits, "grey stored as colour, in another planar configuration than stated"


def _agreed(colours: np.ndarray, bits: int) -> np.ndarray:
    spread = colours.max(axis=2).astype(np.int32) - colours.min(axis=2)
    if spread.max() > _SPREAD * (2**bits - 1):
        raise refusal()
    return np.rint(colours.mean(axis=2)).astype(np.uint8 if bits <= 8 else np.uint16)


def _of_palette(dataset: Dataset, numbers: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the colours (rows, columns, 3) of a palette's numbers, and their bits: those of the largest entry."""
    from pydicom.pixels import apply_color_lut

    colours = apply_color_lut(numbers, dataset)
    if colours.dtype == np.uint16 and colours.max() < 256:
        return colours.astype(np.uint8), 8
    return colours, 8 * colours.dtype.itemsize


def _regrouped(dataset: Dataset, pixels: np.ndarray) -> np.ndarray | None:
    """Return the pixels in the other planar configuration, or None where compression leaves one alone."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return None
    rows, columns, channels = pixels.shape
    if dataset.get("PlanarConfiguration") == 1:
        return pixels.transpose(2, 0, 1).reshape(-1).reshape(rows, columns, channels)
    return pixels.reshape(-1).reshape(channels, rows, columns).transpose(1, 2, 0)
