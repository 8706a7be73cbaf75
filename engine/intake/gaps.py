"""Values that stand for "no sample": the ends of a type's scale and rows of nines, where they cannot be samples."""

from __future__ import annotations

import numpy as np

# Smallest and largest value of the types that converters and files use; tables may hold them in thousandths (uV as mV).
_TYPE_ENDS = tuple(
    float(sign * 2**bits + low) for bits in (11, 15, 23, 31) for sign, low in ((-1, 0), (-1, 1), (1, -1), (1, 0))
)
_ENDS = _TYPE_ENDS + tuple(value / 1000 for value in _TYPE_ENDS) + (65535.0, 16777215.0, 4294967295.0)
_NINES = tuple(-float(nines) for nines in (999, 9999, 99999, 999999)) + (
    -999.9,
    -999.99,
    -999.25,
    9999.0,
    99999.0,
    999999.0,
)
_FILLS = (1e20, 1e30, 1e35, 1e36, 1e37, 1e38, 9.96921e36, 9.969209968386869e36)  # of netCDF and others, for floats
_SIGNS = frozenset(_ENDS + _NINES + _FILLS) - {0.0}


def is_gap(values: np.ndarray, *stated: float) -> np.ndarray:
    """Return (n,) bool: which samples stand for a missing one; `stated` are values that a file says to stand for it.

    A value is such a sign where it is NaN or infinite, or where it is stated, the end of a type's scale or a row of
    nines, and lies outside of the rest of the trace by more than the rest's own range. Half the range is enough where
    the trace jumps to it in one sample, and nowhere else as far. A true extreme sample has neighbours of nearly its
    size, so it is none.
    """
    gaps = ~np.isfinite(values)
    rest, suspects = _without_outermost(values[~gaps], _SIGNS.union(stated))
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


def _without_outermost(values: np.ndarray, signs: frozenset[float]) -> tuple[np.ndarray, list[float]]:
    """Return the samples without the outermost values that may be signs, and these values."""
    suspects: list[float] = []
    while values.size and (found := [v for v in (float(values.min()), float(values.max())) if v in signs]):
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
