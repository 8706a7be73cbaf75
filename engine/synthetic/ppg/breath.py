"""Pulses of bedside recordings → how height, base and arrival change with breathing, with the rhythm and by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.synthetic.ppg.segments import Segment

MAX_TRANSIT_S = 0.8  # from the R peak to the foot, monitor's delay included
UNEVEN = 0.15  # deviation of the log interval from which a rhythm counts as irregular
MIN_IRREGULAR_PULSES = 100  # pulses
MIN_PULSES = 30  # good ones of a segment whose breathing is read
PULSE_CORRELATION = 0.35  # typical correlation of what is left with the pulse before


def wave_fit(t: np.ndarray, y: np.ndarray, hz: float) -> tuple[float, np.ndarray]:
    """Fit a wave of about `hz` and a parabola to y (n,) at t (n,) s: (amplitude of the wave, what is left (n,))."""
    best, left = 0.0, y - y.mean()
    for try_hz in np.linspace(max(hz - 0.05, 0.08), hz + 0.05, 21):
        angle = 2 * np.pi * try_hz * t
        x = np.stack([np.ones_like(t), t, t**2, np.sin(angle), np.cos(angle)], axis=1)
        weights = np.linalg.lstsq(x, y, rcond=None)[0]
        if (size := float(np.hypot(weights[3], weights[4]))) > best:
            best, left = size, y - x @ weights
    return best, left


def series(segment: Segment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (foot times s, log height over its median, base over the median height) of the good pulses, (n,) each."""
    p, good = segment.pulses, segment.pulses.good
    middle = float(np.median(p.height[good]))
    logs = np.clip(np.log(p.height[good] / middle), -2, 2)
    return p.foot_s[good], logs, p.base[good] / middle


def _breathing(segments: list[Segment]) -> Iterator[list[tuple[float, np.ndarray]]]:
    """Yield (swing with the breath, what is left of it) of height and base, for every segment with enough pulses."""
    for segment in segments:
        t, height, base = series(segment)
        if len(t) >= MIN_PULSES:
            hz = float(segment.row["rr"] or 18) / 60
            yield [wave_fit(t, y, hz) for y in (height, base)]


def swings(segments: list[Segment]) -> np.ndarray:
    """Return one person's SWINGS (4,), the median over the segments."""
    rows = [
        np.log([*(swing for swing, _ in both), *(_by_chance(left) for _, left in both)])
        for both in _breathing(segments)
    ]
    return np.median(rows, axis=0)


def _by_chance(residual: np.ndarray) -> float:
    """Standard deviation from the steps between neighbours that correlate by KEPT: slow drifts do not count."""
    return _spread(np.diff(residual)) / float(np.sqrt(2 * (1 - PULSE_CORRELATION)))


def _spread(x: np.ndarray) -> float:
    """Standard deviation that single artefacts do not blow up."""
    return float(1.4826 * np.median(np.abs(x - np.median(x)))) + 1e-4


def memory(segments: list[Segment]) -> np.ndarray:
    """Return the correlation of what is left of height and base with the pulse before, (2,)."""
    rows = [[np.corrcoef(left[:-1], left[1:])[0, 1] for _, left in both] for both in _breathing(segments)]
    return np.clip(np.median(rows, axis=0), 0.0, 0.95)


def irregular(segments: list[Segment]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (log height (n,), log of the last two intervals (n, 2)) of an irregular pulse; None for a regular one."""
    heights, intervals = [], []
    for segment in segments:
        p = segment.pulses
        follows = np.abs(np.diff(p.foot_s) - p.interval_s[:-1]) < 1e-6
        for k in np.flatnonzero(follows[1:] & follows[:-1] & p.good[2:]) + 2:
            heights.append(np.log(p.height[k]))
            intervals.append(np.log(p.interval_s[[k - 1, k - 2]]))
    x = np.array(intervals)
    if len(x) < MIN_IRREGULAR_PULSES or x[:, 0].std() < UNEVEN:
        return None
    return np.array(heights), x


def filling(height: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Return slopes (2,) of log height on the log intervals, robust against missed pulses (Huber)."""
    from sklearn.linear_model import HuberRegressor

    x = intervals - intervals.mean(0)
    return np.asarray(HuberRegressor().fit(x, height - np.median(height)).coef_)


def transit_jitter(segments: list[Segment]) -> float:
    """Return the spread of the time from R peak to foot from beat to beat, s; slow changes do not count."""
    import neurokit2 as nk

    changes = []
    for segment in segments[:3]:
        if segment.ecg is None:
            continue
        clean = nk.ecg_clean(segment.ecg, sampling_rate=int(segment.fs))
        r = np.asarray(nk.ecg_peaks(clean, sampling_rate=int(segment.fs))[1]["ECG_R_Peaks"], float) / segment.fs
        foot = segment.pulses.foot_s[segment.pulses.good]
        before = np.searchsorted(r, foot) - 1
        transit = np.where(before >= 0, foot - r[np.maximum(before, 0)], np.nan)
        changes.append(np.diff(transit[transit < MAX_TRANSIT_S]))
    return _spread(np.concatenate(changes)) / np.sqrt(2)
