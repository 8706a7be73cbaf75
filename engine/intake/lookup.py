"""Lookup tables of DICOM films, PS3.3 C.11.1.1.1, with the ways in which writers get their description wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Lookup:
    """One table.

    first   : the value that the first entry is for, as it is written
    entries : (n,) int64
    top     : the entry that is white
    """

    first: int
    entries: np.ndarray
    top: float

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the entries of values; values beyond the ends of the table take its first or last entry."""
        places = np.rint(values).astype(np.int64) - self._start(values)
        found: np.ndarray = self.entries[np.clip(places, 0, len(self.entries) - 1)]
        return found

    def _start(self, values: np.ndarray) -> int:
        """Return the first value with the sign under which the table covers most of the values."""
        least, most = float(values.min()), float(values.max())

        def covered(start: int) -> float:
            return min(most, start + len(self.entries) - 1) - max(least, start)

        return max((self.first, self.first - 2**16, self.first + 2**16), key=covered)


def lookup_of(item: Dataset) -> Lookup:
    """Return the table of a sequence's item.

    Written out because pydicom 3.0 fails on modality tables of 10 to 15 bits and wraps around in VOI tables of 8 bits.
    Tables that say 16 bits and hold 12 are scaled by their largest entry, as other viewers do.
    """
    length, first, depth = (int(one) for one in item.LUTDescriptor)
    entries = _entries(item.LUTData, length % 2**16 or 2**16)
    largest, full = int(entries.max()), 2**depth - 1
    return Lookup(first, entries, float(full if 8 <= depth <= 16 and full <= 2 * largest + 1 else max(largest, 1)))


def _entries(data: object, length: int) -> np.ndarray:
    """Return (length,) int64; two entries of 8 bits may share a word."""
    if isinstance(data, bytes):
        data = np.frombuffer(data, np.uint8) if len(data) < 2 * length else np.frombuffer(data[: 2 * length], "<u2")
    entries = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if 2 * entries.size in (length, length + 1):
        entries = entries.astype("<u2").view(np.uint8).astype(np.int64)
    return entries[:length]
