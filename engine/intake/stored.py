"""The words in which DICOM stores pixels → the values in them, PS3.5 section 8.1: high bit, unused bits, sign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_OVERLAYS = 4  # patterns of bits above a value that overlays make
_COARSE = 512  # pixels along the longer side on which tears are counted
_TORN = 0.003  # of the steps between neighbours; the edges of a marker are some 0.0005 of them


@dataclass(frozen=True, eq=False)
class Stored:
    """Stored values.

    values : (rows, columns) int32; one below the range where a word beyond the range is padding
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
    outside = _padded(dataset, words)
    if outside is None or outside.all():
        return _in_the_right_sign(placed(dataset, words))
    inside = np.where(outside, words[~outside].flat[0], words)
    stored = _in_the_right_sign(placed(dataset, inside))
    return replace(stored, values=np.where(outside, np.int32(stored.range[0] - 1), stored.values))


def placed(dataset: Dataset, words: np.ndarray) -> Stored:
    """Return the values at their place in the words, with the sign that is stated; the numbers of a palette so."""
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    signed = dataset.PixelRepresentation == 1
    low, high = Stored(words, bits, signed).range
    shift = _shift(dataset, bits, allocated)
    if not shift and low <= int(words.min()) and int(words.max()) <= high:
        return Stored(words.astype(np.int32), bits, signed)
    raw = words.astype(np.int64) & (2**allocated - 1)
    if shift and int(raw.max()) < 2**bits:
        return Stored(_value(raw, 0, bits, signed), bits, signed, "values lie lower than the high bit says")
    stated = Stored(_value(raw, shift, bits, signed), bits, signed)
    if not shift and _is_left_aligned(raw, bits, allocated):
        aligned = _value(raw, allocated - bits, bits, signed)
        return Stored(aligned, bits, signed, "values lie higher than the high bit says")
    whole = Stored(_value(raw, 0, allocated, signed), allocated, signed, f"values fill all {allocated} bits")
    return whole if not shift and _goes_on(whole.values, stated.values, bits) else stated


def fitting(value: int, stored: Stored) -> int:
    """Return a number of the header as a stored value, where it was written with the other sign."""
    low, high = stored.range
    for other in (value, value - 2**16, value + 2**16, value - 2**stored.bits):
        if low <= other <= high:
            return other
    return value


def _padded(dataset: Dataset, words: np.ndarray) -> np.ndarray | None:
    """Return (rows, columns) bool of words that are the stated padding and no value of the stated bits, or None."""
    value = dataset.get("PixelPaddingValue")
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    if not isinstance(value, int) or _shift(dataset, bits, allocated):
        return None
    low, high = Stored(words, bits, dataset.PixelRepresentation == 1).range
    full = 2**allocated - 1
    outside: np.ndarray = ((words < low) | (words > high)) & ((words.astype(np.int64) & full) == value & full)
    return outside if outside.any() else None


def _is_left_aligned(raw: np.ndarray, bits: int, allocated: int) -> bool:
    """Return whether the lowest bits are all empty and the highest are a film's: an overlay has one or two of them."""
    empty = not (raw & (2 ** (allocated - bits) - 1)).any()
    return empty and np.unique(raw >> bits).size > _OVERLAYS


def _in_the_right_sign(stored: Stored) -> Stored:
    """Return the values with the other sign than stated, where the stated one tears the film at its middle greys.

    With the wrong sign, neighbours on both sides of the middle of the range become the lowest and the highest value.
    """
    torn = _tears(stored)
    if torn < _TORN:
        return stored
    other = (stored.values & (2**stored.bits - 1)).astype(np.int32)
    if not stored.signed:
        other -= (other >> (stored.bits - 1)) << stored.bits
    turned = Stored(other, stored.bits, not stored.signed)
    if _tears(turned) > torn / 10:
        return stored
    said = f"values are {'signed' if turned.signed else 'unsigned'} otherwise than stated"
    return replace(turned, remark=", ".join(one for one in (stored.remark, said) if one))


def _tears(stored: Stored) -> float:
    """Return the share of steps between neighbours over most of the range; values at its ends may be clipped."""
    step = max(1, max(stored.values.shape) // _COARSE)
    values: np.ndarray = stored.values[::step, ::step].astype(np.int32 if stored.bits <= 16 else np.int64)
    low, high = stored.range
    torn = total = 0
    for one, next_one in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
        wide = np.abs(one - next_one) > 0.75 * (high - low)
        if wide.any():
            first, second = one[wide], next_one[wide]
            torn += int(((first > low) & (first < high) & (second > low) & (second < high)).sum())
        total += wide.size
    return torn / max(1, total)


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
