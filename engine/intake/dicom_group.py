"""The samples of one DICOM multiplex group: padding at its ends, and channels that begin later than others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.signals import fill_gaps

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_RUN_S = 0.1  # a shorter run of the padding value may be samples
_EXACT = 1e-6  # of a sample: a skew this close to a whole number is one


def padding_value(group: Dataset) -> int | None:
    """Return the value that stands for a missing sample, None where the group states none."""
    value = group.get("WaveformPaddingValue")
    if not isinstance(value, bytes) or not value:
        return int(value) if isinstance(value, int) else None
    size = min(len(value), int(group.WaveformBitsAllocated) // 8)
    signed = str(group.WaveformSampleInterpretation).strip().upper() in ("SB", "SS", "SL", "SV")
    return int.from_bytes(value[:size], "little", signed=signed)


def is_padding(stored: np.ndarray, value: int | None, fs: float) -> np.ndarray:
    """Return (n,) bool for (n, channels) stored values: runs of the padding value in all channels at start and end.

    The value is often 0, which is a true sample elsewhere; a run that is shorter than 0.1 s is taken for samples.
    """
    padded = np.zeros(len(stored), dtype=bool)
    if value is None:
        return padded
    other = np.flatnonzero((stored != value).any(axis=1))
    first, last = (int(other[0]), int(other[-1])) if other.size else (len(stored), -1)
    shortest = max(1, round(_RUN_S * fs))
    padded[:first] = first >= shortest
    padded[last + 1 :] |= len(stored) - 1 - last >= shortest
    return padded


def aligned(samples: np.ndarray, skew: float) -> np.ndarray:
    """Return (n,) samples moved later by `skew` ≥ 0 samples, NaN before their start.

    Parts of a sample are met by a cubic spline (channels that one converter reads in turn, PS3.3 C.10.9.1.4.5).
    """
    whole = int(np.floor(skew + _EXACT))
    part = skew - whole
    if part > _EXACT:
        from scipy.interpolate import CubicSpline

        at = np.arange(samples.size)
        missing = ~np.isfinite(samples)
        spline = CubicSpline(at, fill_gaps(samples[None])[0])
        gone = missing | np.concatenate([[True], missing[:-1]])
        samples = np.where(gone, np.nan, spline(at - part))
    if whole == 0:
        return samples
    out = np.full(samples.size, np.nan)
    out[whole:] = samples[: max(0, samples.size - whole)]
    return out
