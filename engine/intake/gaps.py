"""Values that stand for "no sample": ends of a type's scale, nines, powers of ten, where they cannot be samples."""

from __future__ import annotations

import re

import numpy as np

# Smallest and largest value of the types that converters and files use; tables may hold them in thousandths (uV as mV).
_TYPE_ENDS = tuple(
    float(sign * 2**bits + low) for bits in (11, 15, 23, 31) for sign, low in ((-1, 0), (-1, 1), (1, -1), (1, 0))
)
_ENDS = _TYPE_ENDS + tuple(value / 1000 for value in _TYPE_ENDS) + (65535.0, 16777215.0, 4294967295.0)
_AT_ENDS = frozenset(_ENDS)
_NINES = re.compile(r"9{3,}")  # -999, 9999.0, 99.99
_POWER = re.compile(r"10{5,}")  # -1000000000
_MOST_SIGNS = 16  # of one trace; more are no signs but damage
_HUGE = 1e20  # the fills of netCDF and others, for floats, lie above


def _is_sign(value: float) -> bool:
    """Return whether a value is one that files write for a missing sample: an end of scale, nines, a power of ten."""
    if value in _AT_ENDS or abs(value) >= _HUGE:
        return value != 0
    digits = f"{abs(value):.9f}".rstrip("0").replace(".", "") if value != round(value) else f"{abs(value):.0f}"
    return bool(_NINES.fullmatch(digits) or _POWER.fullmatch(digits))


def is_gap(values: np.ndarray, *stated: float) -> np.ndarray:
    """Return (n,) bool: which samples stand for a missing one; `stated` are values that a file says to stand for it.

    A value is such a sign where it is NaN or infinite, or where it is stated, the end of a type's scale, a row of
    nines or a power of ten, and lies outside of the rest of the trace by more than the rest's own range. Half the
    range is enough where the trace jumps to it in one sample, and nowhere else as far. A true extreme sample has
    neighbours of nearly its size, so it is none.
    """
    gaps = ~np.isfinite(values)
    rest, suspects = _without_outermost(values[~gaps], frozenset(stated))
    if not suspects:
        return gaps
    suspected = gaps | np.isin(values, suspects)
    if rest.size == 0:
        return suspected if len(suspects) == 1 else gaps
    low, high = float(rest.min()), float(rest.max())
    for value in suspects:
        distance = max(low - value, value - high)
        if distance > high - low or (distance > 0.5 * (high - low) and _jumps(values, value, suspected)):
            gaps |= values == value
    return gaps


def _without_outermost(values: np.ndarray, stated: frozenset[float]) -> tuple[np.ndarray, list[float]]:
    """Return the samples without the outermost values that may be signs, and these values."""
    suspects: list[float] = []
    while values.size and len(suspects) < _MOST_SIGNS:
        found = [v for v in (float(values.min()), float(values.max())) if v in stated or _is_sign(v)]
        if not found:
            break
        suspects += found
        values = values[~np.isin(values, found)]
    return values, suspects


def without_gaps(values: np.ndarray) -> np.ndarray:
    """Return the samples with NaN for every sign of a missing one; the array itself where there is none."""
    gaps = is_gap(values)
    return np.where(gaps, np.nan, values) if gaps.any() else values


def _jumps(values: np.ndarray, value: float, suspected: np.ndarray) -> bool:
    """Return whether every step to `value` is larger than any step between the samples that are above suspicion."""
    steps = np.abs(np.diff(values))
    usual = steps[~suspected[1:] & ~suspected[:-1]]
    at = values == value
    edges = steps[at[1:] != at[:-1]]
    edges = edges[np.isfinite(edges)]
    return usual.size > 0 and edges.size > 0 and float(edges.min()) > float(usual.max())
