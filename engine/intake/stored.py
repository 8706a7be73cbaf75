"""The words in which DICOM stores pixels → the values in them, PS3.5 section 8.1: high bit, unused bits, sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Stored:
    """Stored values.

    values : (rows, columns) int32
    bits   : of each value
    signed : whether they are two's complement
    remark : where another reading than the stated one was taken, which; else ""
    """

    values: np.ndarray
    bits: int
    signed: bool
    remark: str = ""

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest value that the bits can hold."""
        return (-(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1) if self.signed else (0, 2**self.bits - 1)


def stored_values(dataset: Dataset, words: np.ndarray) -> Stored:
    """Return the values in the decoded words, (rows, columns) integer, of a description that was checked.

    A high bit above the lowest possible place shifts the values, and bits outside of a value are ignored. Where the
    words contradict that description, the reading in which the film is whole is taken, and said.
    """
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    signed = dataset.PixelRepresentation == 1
    low, high = Stored(words, bits, signed).range
    shift = _shift(dataset, bits, allocated)
    raw = words.astype(np.int64) & (2**allocated - 1)
    if shift and int(raw.max()) < 2**bits:
        return Stored(_value(raw, 0, bits, signed), bits, signed, "values lie lower than the high bit says")
    if not shift and low <= int(words.min()) and int(words.max()) <= high:
        return Stored(words.astype(np.int32), bits, signed)
    stated = Stored(_value(raw, shift, bits, signed), bits, signed)
    whole = Stored(_value(raw, 0, allocated, signed), allocated, signed, f"values fill all {allocated} bits")
    return whole if not shift and _goes_on(whole.values, stated.values, bits) else stated


def fitting(value: int, stored: Stored) -> int:
    """Return a number of the header as a stored value, where it was written with the other sign."""
    low, high = stored.range
    for other in (value, value - 2**16, value + 2**16, value - 2**stored.bits, value & (2**stored.bits - 1)):
        if low <= other <= high:
            return other
    return value


def _shift(dataset: Dataset, bits: int, allocated: int) -> int:
    """Return how far values lie above the lowest bit; 0 where the high bit cannot be."""
    high_bit = dataset.get("HighBit")
    return int(high_bit) + 1 - bits if high_bit is not None and bits - 1 <= int(high_bit) < allocated else 0


def _value(raw: np.ndarray, shift: int, bits: int, signed: bool) -> np.ndarray:
    """Return (rows, columns) int32: `bits` bits of unsigned words from `shift` on, sign extended."""
    values = (raw >> shift) & (2**bits - 1)
    if signed:
        values -= (values >> (bits - 1)) << bits
    return values.astype(np.int32)


def _goes_on(whole: np.ndarray, stated: np.ndarray, bits: int) -> bool:
    """Return whether the bits above the stated ones are the film's own: where they change, the film goes on smoothly.

    Bits of an overlay change where nothing changes below them.
    """
    steps, kept, above = (
        np.concatenate([np.abs(np.diff(one, axis=axis)).ravel() for axis in (0, 1)])
        for one in (whole, stated, whole >> bits)
    )
    changing = above > 0
    return bool(changing.any()) and float(np.median(steps[changing])) < float(np.median(kept[changing]))
