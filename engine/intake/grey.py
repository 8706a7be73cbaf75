"""Stored DICOM values → displayed grey, PS3.3 C.11.1 (modality), C.11.2 (VOI) and C.11.6 (presentation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NARROW = 0.25  # without a window, values that use less of the stored range than this are stretched to their own range


def display(dataset: Dataset, stored: np.ndarray) -> tuple[np.ndarray, int]:
    """Return (pixels (rows, columns) uint8 or uint16 with full scale 2**bits - 1, bits); 0 is black.

    Every step maps one stored value to one grey, so the steps run on the levels between the smallest and the largest
    stored value (at most 65,536) and the pixels are looked up once.
    """
    lowest = int(stored.min())
    levels = np.arange(lowest, int(stored.max()) + 1, dtype=np.int32)  # (levels,)
    offsets = stored.astype(np.int32) - lowest
    padding = _padding(dataset, levels)
    used = np.zeros(levels.size, dtype=bool)
    used[offsets] = True
    used &= ~padding
    if not used.any():
        raise IntakeError("The film consists of padding only, so there is nothing to see: export it again.")
    grey = _voi(dataset, _modality(dataset, levels), used)
    if _inverted(dataset):
        grey = 1.0 - grey
    grey[padding] = 0.0
    bits = max(8, int(dataset.BitsStored))
    table = np.rint(grey * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    return table[offsets], bits


def stretched(pixels: np.ndarray) -> np.ndarray:
    """Return (height, width) uint16 pixels over the full scale where they use only a small part of it, else as given.

    Pictures exported from 10 or 12 bit films often leave the upper bits of 16 empty and would be shown almost black.
    """
    least, most = int(pixels.min()), int(pixels.max())
    if not 0 < most - least < _NARROW * 65535:
        return pixels
    return np.rint((pixels.astype(np.float64) - least) * (65535 / (most - least))).astype(np.uint16)


def _modality(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Return (levels,) values in the modality's units, by its lookup table or by slope and intercept."""
    from pydicom.pixels import apply_rescale

    if dataset.get("ModalityLUTSequence"):
        return _look_up(dataset.ModalityLUTSequence[0], stored)
    values = apply_rescale(stored, dataset)
    whole = np.rint(values)
    return whole.astype(np.int32) if np.array_equal(values, whole) else values


def _look_up(table: Dataset, values: np.ndarray) -> np.ndarray:
    """Apply one lookup table, PS3.3 C.11.1.1.1; values beyond its ends take the first or last entry.

    Written out because pydicom 3.0 fails on modality tables of 10 to 15 bits and wraps around in VOI tables of 8 bits.
    """
    length, first = int(table.LUTDescriptor[0]) or 2**16, int(table.LUTDescriptor[1])
    data = table.LUTData
    if isinstance(data, bytes):
        wide = len(data) >= 2 * length
        data = np.frombuffer(data, dtype="<u2" if wide else np.uint8, count=length)
    entries = np.asarray(data, dtype=np.int64)[:length]
    return entries[np.clip(values.astype(np.int64) - first, 0, len(entries) - 1)]


def _voi(dataset: Dataset, values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return (levels,) float64 in 0..1 by VOI LUT, else by window, else by the range of the values that are used."""
    from pydicom.pixels import apply_windowing

    if dataset.get("VOILUTSequence"):
        depth = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return _unit(_look_up(dataset.VOILUTSequence[0], values), 0.0, 2.0**depth - 1)
    low, high = _range(dataset)
    if dataset.get("WindowWidth") is not None and dataset.get("WindowCenter") is not None:
        try:
            return _unit(apply_windowing(values, dataset), low, high)
        except ValueError:  # a window width of 0 or an unknown function: shown as if there were none
            pass
    least, most = float(values[used].min()), float(values[used].max())
    if 0 < most - least < _NARROW * abs(high - low):
        low, high = (least, most) if low <= high else (most, least)
    return _unit(values, low, high)


def _range(dataset: Dataset) -> tuple[float, float]:
    """Return what the smallest and the largest stored value become in the modality's units."""
    if dataset.get("ModalityLUTSequence"):
        return 0.0, 2.0 ** int(dataset.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    bits = int(dataset.BitsStored)
    low, high = (
        (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if dataset.PixelRepresentation == 1 else (0.0, 2.0**bits - 1)
    )
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None or float(slope) == 0:
        return low, high
    return low * float(slope) + float(intercept), high * float(slope) + float(intercept)


def _unit(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((values.astype(np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)


def _inverted(dataset: Dataset) -> bool:
    """Return whether 0 is white; MONOCHROME1 and shape INVERSE say the same (PS3.3 C.8.11.3.1.2) and invert once."""
    shape = str(dataset.get("PresentationLUTShape") or "").strip().upper()
    return dataset.PhotometricInterpretation.strip().upper() == "MONOCHROME1" or shape == "INVERSE"


def _padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Return (levels,) bool: values of pixels outside the exposed field, PS3.3 C.7.5.1.1.2."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    return (stored >= low) & (stored <= high)
