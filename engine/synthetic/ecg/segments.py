"""A beat ↔ its parts: P, QRS and ST-T on their own time axes, and the intervals between them.

P is kept in a window of fixed length around its peak; QRS is stretched from its onset to its end; ST-T from the end of
the QRS to the peak of T and from there to its end. All curves are (8, samples) for the leads I, II, V1 … V6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from engine.synthetic.ecg.leads import FS

P_POINTS, QRS_POINTS, ST_POINTS, T_POINTS = 48, 64, 40, 48
P_WINDOW_S = 0.22
USUAL_T_S, USUAL_P_S = 0.28, 0.13  # peak of T after R (at 60 beats per minute), peak of P before QRS onset
MARGIN_S = 0.008  # the QRS curve begins and ends this much outside its onset and end


@dataclass(frozen=True)
class Landmarks:
    """Seconds after the R peak; `p` is the peak of P, NaN where none stands out."""

    p: float
    onset: float
    end: float
    t: float
    t_end: float


@dataclass(frozen=True, eq=False)
class Parts:
    """P (8, P_POINTS), QRS (8, QRS_POINTS) and ST-T (8, ST_POINTS + T_POINTS), in one unit; ST-T ends at zero."""

    p: np.ndarray
    qrs: np.ndarray
    st_t: np.ndarray


def _scaled(eight: np.ndarray) -> np.ndarray:
    return eight / (eight.std(axis=1, keepdims=True) + 1e-9)


def _smooth(rows: np.ndarray, hz: float) -> np.ndarray:
    return signal.sosfiltfilt(signal.butter(2, hz, "low", fs=FS, output="sos"), rows, axis=1)


def qrs_limits(eight: np.ndarray, r: int) -> tuple[int, int]:
    """Return the samples of QRS onset and end, from the spatial speed of all leads.

    Onset and end are where the speed first and last exceeds a share of its peak, looking outward from R until it stays
    below for 20 ms.
    """
    speed = np.sqrt((np.gradient(_scaled(eight), axis=1) ** 2).sum(axis=0))
    speed = signal.savgol_filter(speed, 9, 2)
    peak = speed[r - 40 : r + 45].max()
    quiet = np.quantile(speed[r - 100 : r + 200], 0.1)
    still = round(0.020 * FS)
    onset = _walk(speed[: r + 1][::-1] > quiet + 0.07 * (peak - quiet), still, 55, 8)
    end = _walk(speed[r:] > quiet + 0.08 * (peak - quiet), still, 75, 10)
    return r - onset, r + end


def _walk(moving: np.ndarray, still: int, max_steps: int, min_steps: int) -> int:
    """Return how many steps to go until `still` steps in a row do not move; at least `least`, at most `most`."""
    for step in range(min_steps, max_steps):
        if not moving[step : step + still].any():
            return step
    return max_steps


def landmarks(eight: np.ndarray, r: int, rr_s: float) -> Landmarks:
    """Return where the waves of a median beat (8, n) lie; R is at sample r."""
    onset, end = qrs_limits(eight, r)
    smooth = _smooth(_scaled(eight), 15.0)
    level = smooth[:, onset - 6 : onset].mean(axis=1, keepdims=True)
    size = np.sqrt(((smooth - level) ** 2).mean(axis=0))
    last = min(eight.shape[1] - 1, r + round(min(0.60, 0.72 * rr_s + 0.02) * FS))
    first = end + round(0.07 * FS)
    hump = size[first:last]
    peaks, found = signal.find_peaks(hump, prominence=0.15 * np.ptp(hump))
    usual = np.exp(-(((first + peaks - r) / FS / rr_s ** (1 / 3) - USUAL_T_S) ** 2) / (2 * 0.07**2))
    t = first + int(peaks[np.argmax(found["prominences"] * usual)] if peaks.size else np.argmax(hump))
    return Landmarks(
        _p_peak(smooth, r, onset, rr_s), (onset - r) / FS, (end - r) / FS, (t - r) / FS, _t_end(size, t, last, r)
    )


def _t_end(size: np.ndarray, t: int, last: int, r: int) -> float:
    """End of T by the tangent at its steepest fall (Lepeschkin & Surawicz, Circulation 6:1952), seconds after R."""
    fall = np.gradient(size)[t + 5 : min(last + 40, size.size - 1)]
    if fall.size == 0:
        return (t - r) / FS + 0.09
    at = t + 5 + int(np.argmin(fall[: round(0.16 * FS)]))
    floor = size[t : min(last + 60, size.size)].min()
    end = at + (size[at] - floor) / max(-float(np.gradient(size)[at]), 1e-6)
    return float(np.clip((end - r) / FS, (t - r) / FS + 0.05, (t - r) / FS + 0.20))


def _p_peak(smooth: np.ndarray, r: int, onset: int, rr_s: float) -> float:
    """Peak of P (seconds after R, negative): the largest hump over the line from the window's start to its end."""
    first = max(5, r - round(min(0.40, 0.5 * rr_s + 0.04) * FS))
    last = onset - round(0.025 * FS)
    if last - first < 20:
        return float("nan")
    part = smooth[:, first:last]
    hump = np.sqrt(((part - np.median(part, axis=1, keepdims=True)) ** 2).mean(axis=0))
    size = np.sqrt(((part - part[:, :3].mean(axis=1, keepdims=True)) ** 2).mean(axis=0))
    peaks, found = signal.find_peaks(size, prominence=0.0)
    if peaks.size == 0:
        return float("nan")
    usual = np.exp(-(((onset - first - peaks) / FS - USUAL_P_S) ** 2) / (2 * 0.07**2))
    score = (found["prominences"] + 0.3 * hump[peaks]) * usual
    return float((first + peaks[np.argmax(score)] - r) / FS)


def cut(eight: np.ndarray, r: int, at: Landmarks) -> Parts:
    """Cut a median beat (8, n) at its landmarks; every part starts or ends at the level just before the QRS."""
    t = (np.arange(eight.shape[1]) - r) / FS
    level = np.stack([np.interp(np.linspace(at.onset - 0.016, at.onset, 5), t, row).mean() for row in eight])
    rows = eight - level[:, None]
    qrs = _resample(rows, t, np.linspace(at.onset - MARGIN_S, at.end + MARGIN_S, QRS_POINTS))
    st_t = _resample(rows, t, st_t_times(at))
    centre = at.p if np.isfinite(at.p) else at.onset - 0.12
    around = centre + np.linspace(-0.5, 0.5, P_POINTS) * P_WINDOW_S
    p = _resample(rows, t, np.minimum(around, at.onset - 0.004))  # P may last until the QRS, which is not part of it
    p = p - np.linspace(0, 1, P_POINTS) * (p[:, -1:] - p[:, :1]) - p[:, :1]
    return Parts(p, qrs, st_t - np.clip(np.linspace(-1, 1, st_t.shape[1]), 0, 1) * st_t[:, -1:])


def st_t_times(at: Landmarks) -> np.ndarray:
    """Return the (ST_POINTS + T_POINTS,) times of the ST-T curve, seconds after R."""
    start, stop = at.end + MARGIN_S, at.t_end + 0.03
    up = np.linspace(start, at.t, ST_POINTS, endpoint=False)
    return np.concatenate([up, np.linspace(at.t, stop, T_POINTS)])


def _resample(rows: np.ndarray, t: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(at, t, row) for row in rows])
