"""The median beat of every lead: what the beats of a recording have in common, without the noise of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.study import Trace

BEFORE_S, AFTER_S = 0.3, 0.6  # of the R wave: a P wave before and a T wave after it at any usual rate
LEAST_BEATS = 3  # the median of fewer is one of them


@dataclass(frozen=True, eq=False)
class MedianBeat:
    """The median beats of a recording, aligned on the R wave.

    samples  : (leads, n) from `before_s` before the R wave on, in the recording's unit, about each lead's median
    n_beats  : how many beats they are the median of
    """

    samples: np.ndarray
    leads: tuple[str, ...]
    fs: float
    before_s: float
    n_beats: int

    @property
    def trace(self) -> Trace:
        """The median beats as a trace whose first sample lies `before_s` before the R wave."""
        return Trace(self.samples, self.leads, self.fs, "mV")


def median_beat(
    trace: Trace, beats_s: np.ndarray, *, before_s: float = BEFORE_S, after_s: float = AFTER_S
) -> MedianBeat | None:
    """Return the median over beats at each time from R and in each lead; None with fewer than LEAST_BEATS whole beats.

    m[lead, k] = median over beats b of x[lead, r_b + k] - median of x[lead], with r_b the sample of the R wave of b and
    k from -before_s · fs to after_s · fs. A premature or noisy beat moves a median little as long as most beats are
    alike, as in the representative beats of electrocardiographs (Kligfield et al. 2007, part I, 2.4).

    beats_s : (beats,) seconds of the R waves from the trace's first sample
    """
    before, after = round(before_s * trace.fs), round(after_s * trace.fs)
    at = np.rint(np.asarray(beats_s) * trace.fs).astype(int)
    at = at[(at >= before) & (at + after < trace.samples.shape[1])]
    if at.size < LEAST_BEATS:
        return None
    windows = trace.samples[:, at[:, None] + np.arange(-before, after + 1)]
    middle = _medians(trace.samples, axis=1)[:, None]
    return MedianBeat((_medians(windows, axis=1) - middle).astype(np.float32), trace.leads, trace.fs, before_s, at.size)


def _medians(samples: np.ndarray, axis: int) -> np.ndarray:
    """Return medians of what is there; NaN where nothing is."""
    known = np.isfinite(samples).any(axis=axis, keepdims=True)
    middle: np.ndarray = np.nanmedian(np.where(known, samples, 0.0), axis=axis)
    return np.where(known.squeeze(axis), middle, np.nan)
