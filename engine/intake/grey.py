"""Stored DICOM values → displayed grey, PS3.3 C.11.1 (modality), C.11.2 (VOI) and C.11.6 (presentation)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError
from engine.intake.header_numbers import first_number
from engine.intake.lookup import Lookup, lookup_of
from engine.intake.stored import Stored, fitting

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NARROW = 0.25  # without a window, values that use less of the stored range than this are stretched to their own range
_CLIPPED, _GREYS = 0.95, 16  # a window that leaves more black and white than this, or fewer greys, shows a silhouette
Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Shown:
    """A film as it is displayed.

    pixels   : (rows, columns) uint8 or uint16 with full scale 2**bits - 1; 0 is black
    negative : the same with its greys inverted, where the file can be read as either; else None
    remarks  : what was read otherwise than stated
    """

    pixels: np.ndarray
    bits: int
    negative: np.ndarray | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Levels:
    """Every value between the smallest and the largest stored one.

    values : (levels,) in the modality's units
    counts : (levels,) pixels of each, padding left out
    range  : what the smallest and the largest possible stored value become, in ascending order
    """

    values: np.ndarray
    counts: np.ndarray
    range: Pair


def display(dataset: Dataset, stored: Stored) -> Shown:
    """Return the film as it is displayed.

    Every step maps one stored value to one grey, so the steps run on the levels between the smallest and the largest
    stored value (at most 65,536) and the pixels are looked up once.
    """
    lowest = int(stored.values.min())
    levels = np.arange(lowest, int(stored.values.max()) + 1, dtype=np.int32)  # (levels,)
    offsets = stored.values - lowest
    padding = _padding(dataset, stored, levels)
    counts = np.bincount(offsets.ravel(), minlength=levels.size)
    counts[padding] = 0
    if not counts.any():
        raise IntakeError("The film consists of padding only, so there is nothing to see: export it again.")
    values, ends = _modality(dataset, stored, levels)
    grey, remark = _voi(dataset, _Levels(values, counts, ends))
    if _inverted(dataset):
        grey = 1.0 - grey
    bits = max(8, stored.bits)
    pixels = _looked_up(grey, padding, offsets, bits)
    negative = _looked_up(1.0 - grey, padding, offsets, bits) if _contradictory(dataset) else None
    remarks = tuple(one for one in (stored.remark, remark) if one)
    return Shown(pixels, bits, negative, remarks)


def stretched(pixels: np.ndarray) -> np.ndarray:
    """Return (height, width) uint16 pixels over the full scale where they use only a small part of it, else as given.

    Pictures exported from 10 or 12 bit films often leave the upper bits of 16 empty and would be shown almost black.
    """
    least, most = int(pixels.min()), int(pixels.max())
    if not 0 < most - least < NARROW * 65535:
        return pixels
    return np.rint((pixels.astype(np.float64) - least) * (65535 / (most - least))).astype(np.uint16)


def _looked_up(grey: np.ndarray, padding: np.ndarray, offsets: np.ndarray, bits: int) -> np.ndarray:
    table = np.rint(np.where(padding, 0.0, grey) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    found: np.ndarray = table.take(offsets)
    return found


def _modality(dataset: Dataset, stored: Stored, levels: np.ndarray) -> tuple[np.ndarray, Pair]:
    """Return (levels,) values in the modality's units, by lookup table or by slope and intercept, and their ends."""
    if dataset.get("ModalityLUTSequence"):
        table = lookup_of(dataset.ModalityLUTSequence[0])
        return table.apply(levels), (0.0, table.top)
    slope, intercept = first_number(dataset, "RescaleSlope") or 1.0, first_number(dataset, "RescaleIntercept") or 0.0
    low, high = sorted(slope * end + intercept for end in stored.range)
    values = levels * slope + intercept
    whole = np.rint(values)
    return whole.astype(np.int64) if np.array_equal(values, whole) else values, (low, high)


def _voi(dataset: Dataset, levels: _Levels) -> tuple[np.ndarray, str]:
    """Return (levels,) float64 in 0..1 by VOI LUT, else by window, else by range, and which of them were left aside.

    A table or a window that leaves a silhouette of a film with many greys was made for something else.
    """
    used = levels.counts > 0
    left = []
    for name, show in _ways(dataset):
        grey = show(levels.values)
        if not _is_silhouette(grey, levels):
            break
        left.append(name)
    else:
        least, most = float(levels.values[used].min()), float(levels.values[used].max())
        low, high = levels.range
        if 0 < most - least < NARROW * (high - low):
            low, high = least, most
        grey = _unit(levels.values, low, high)
    return (
        grey,
        f"{' and '.join(left)} left aside, since {'they show' if len(left) > 1 else 'it shows'} a silhouette"
        if left
        else "",
    )


def _ways(dataset: Dataset) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """Yield each way of display that the file states, first choice first: its name and the function, values → 0..1."""
    if dataset.get("VOILUTSequence"):
        table: Lookup = lookup_of(dataset.VOILUTSequence[0])
        yield "the VOI lookup table", lambda values: _unit(table.apply(values), 0.0, table.top)
    centre, width = first_number(dataset, "WindowCenter"), first_number(dataset, "WindowWidth")
    if centre is None or width is None:
        return
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    yield f"the window of width {width:g}", lambda values: _windowed(values.astype(np.float64), centre, width, function)


def _windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Return (n,) in 0..1, PS3.3 C.11.2.1.2 and C.11.2.1.3; all black for a width that the standard does not allow."""
    if width <= 0 or (function == "LINEAR" and width <= 1):
        return np.where(values > centre - 0.5, 1.0, 0.0)
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    return np.clip((values - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)


def _is_silhouette(grey: np.ndarray, levels: _Levels) -> bool:
    """Return whether hardly a grey is left of a film that has many."""
    used = levels.counts > 0
    if np.unique(levels.values[used]).size <= _GREYS:
        return False
    ends = (grey <= 0.0) | (grey >= 1.0)
    clipped = levels.counts[ends].sum() / levels.counts.sum()
    return bool(clipped > _CLIPPED or np.unique(np.rint(grey[used] * 255)).size < _GREYS)


def _unit(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((values.astype(np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)


def _inverted(dataset: Dataset) -> bool:
    """Return whether 0 is white; MONOCHROME1 and shape INVERSE say the same (PS3.3 C.8.11.3.1.2) and invert once."""
    return _photometric(dataset) == "MONOCHROME1" or _shape(dataset) == "INVERSE"


def _contradictory(dataset: Dataset) -> bool:
    """Return whether photometric interpretation and presentation shape say opposite things."""
    return (_photometric(dataset), _shape(dataset)) in (("MONOCHROME2", "INVERSE"), ("MONOCHROME1", "IDENTITY"))


def _photometric(dataset: Dataset) -> str:
    return str(dataset.PhotometricInterpretation).strip().upper()


def _shape(dataset: Dataset) -> str:
    return str(dataset.get("PresentationLUTShape") or "").strip().upper()


def _padding(dataset: Dataset, stored: Stored, levels: np.ndarray) -> np.ndarray:
    """Return (levels,) bool: values of pixels outside the exposed field, PS3.3 C.7.5.1.1.2."""
    below = levels < stored.range[0]
    value, limit = (first_number(dataset, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if value is None or below.any():
        return below
    low, high = sorted(fitting(int(one), stored) for one in (value, value if limit is None else limit))
    return (levels >= low) & (levels <= high)
