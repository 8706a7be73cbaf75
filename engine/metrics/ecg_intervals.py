"""PR, QRS and QT of an ECG, estimated on the median beats of all leads together; withheld where a wave is not clear.

The beginning and end of QRS are sought on the spatial velocity, the root of the summed squared slopes of all leads, as
it falls to its rest on either side (Kligfield et al. 2007, Circulation 115:1306: global intervals over all leads). The
end of T is where the tangent at the steepest descent of the leads' root mean square meets its rest (Lepeschkin and
Surawicz 1952, Circulation 6:378). The beginning of P is where the velocity rises to the P wave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import signals
from engine.metrics.median_beat import MedianBeat

HZ = 500.0  # at which the median beats are looked at
REST_S = 0.016  # for so long the velocity stays at rest outside of QRS
QRS_SHARE = 0.08  # of the largest velocity, that counts as rest
P_SHARE, P_CLEAR = 0.35, 2.5  # of P's velocity, where it begins; how far P stands out of the rest before QRS
P_WINDOW_S, P_GAP_S = 0.25, 0.03  # before QRS, in which P is sought
IRREGULAR = 0.12  # of the RR interval, that successive intervals differ by on average
T_AFTER_S, T_RR_SHARE = 0.06, 0.75  # from the end of QRS; of the RR interval, where T ends at the latest
LIMITS_MS = {"pr": (80.0, 400.0), "qrs": (40.0, 240.0), "qt": (200.0, 700.0)}  # outside them, it was no such wave


@dataclass(frozen=True)
class Intervals:
    """What was found, ms from the R wave, None for what was not clear; `rr` is the median interval between beats."""

    rr: float
    p_onset: float | None
    qrs_onset: float
    qrs_end: float
    t_end: float | None

    @property
    def pr(self) -> float | None:
        """From the beginning of P to that of QRS."""
        return None if self.p_onset is None else self.qrs_onset - self.p_onset

    @property
    def qrs(self) -> float:
        """From the beginning to the end of QRS."""
        return self.qrs_end - self.qrs_onset

    @property
    def qt(self) -> float | None:
        """From the beginning of QRS to the end of T."""
        return None if self.t_end is None else self.t_end - self.qrs_onset

    @property
    def qtc_bazett(self) -> float | None:
        """QT / √RR with RR in seconds (Bazett 1920, Heart 7:353)."""
        return None if self.qt is None else self.qt / (self.rr / 1000) ** 0.5

    @property
    def qtc_fridericia(self) -> float | None:
        """QT / ∛RR with RR in seconds (Fridericia 1920, Acta Med Scand 53:469)."""
        return None if self.qt is None else self.qt / (self.rr / 1000) ** (1 / 3)


def estimate_intervals(beat: MedianBeat, gaps_ms: np.ndarray) -> Intervals | None:
    """Return the intervals of median beats; None where no QRS stands out.

    gaps_ms : (beats - 1,) between successive beats. Where they are irregular, no P wave is sought: in atrial
              fibrillation there is none, and what stands before a median beat is chance.
    """
    rr_ms = float(np.median(gaps_ms))
    leads = signals.at_rate(signals.fill_gaps(beat.samples.astype(np.float64)), beat.fs, HZ)
    velocity = _smooth(np.sqrt((np.gradient(leads, axis=1) ** 2).sum(axis=0)) * HZ, 5)
    r = round(beat.before_s * HZ)
    near = slice(r - 25, r + 26)
    peak = r - 25 + int(np.argmax(velocity[near]))
    rest = max(QRS_SHARE * velocity[peak], 2 * float(np.median(velocity[: r - 40])))
    onset, end = _to_rest(velocity, min(peak, r), -1, rest), _to_rest(velocity, max(peak, r), 1, rest)
    if onset is None or end is None or not _likely("qrs", end - onset):
        return None
    p_onset, t_end = _p_onset(velocity, onset), _t_end(leads, onset, end, r + rr_ms / 1000 * T_RR_SHARE * HZ)
    irregular = float(np.abs(np.diff(gaps_ms)).mean()) > IRREGULAR * rr_ms
    if p_onset is not None and (irregular or not _likely("pr", onset - p_onset)):
        p_onset = None
    if t_end is not None and not _likely("qt", t_end - onset):
        t_end = None
    at = [None if point is None else (point - r) / HZ * 1000 for point in (p_onset, onset, end, t_end)]
    return Intervals(rr_ms, at[0], (onset - r) / HZ * 1000, (end - r) / HZ * 1000, at[3])


def _likely(name: str, samples: float) -> bool:
    low, high = LIMITS_MS[name]
    return low <= samples / HZ * 1000 <= high


def _smooth(row: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(row, np.ones(width) / width, "same")


def _to_rest(velocity: np.ndarray, start: int, step: int, rest: float) -> int | None:
    """Return where, from `start` on, the velocity comes to rest for REST_S; None where it never does."""
    still = 0
    for i in range(start, velocity.size - 1 if step > 0 else 0, step):
        still = still + 1 if velocity[i] < rest else 0
        if still >= REST_S * HZ:
            return i - step * (still - 1)
    return None


def _p_onset(velocity: np.ndarray, qrs: int) -> float | None:
    """Return the sample at which the P wave begins; None where no wave stands out before QRS."""
    first, last = max(5, qrs - int(P_WINDOW_S * HZ)), qrs - int(P_GAP_S * HZ)
    if last - first < 30:
        return None
    slow = _smooth(velocity, 9)
    i = first + int(np.argmax(slow[first:last]))
    least = P_SHARE * slow[i]
    if slow[i] <= P_CLEAR * np.percentile(slow[first:last], 15):
        return None
    while i > 5 and slow[i] > least:
        i -= 1
    return float(i)


def _t_end(leads: np.ndarray, onset: int, end: int, latest: float) -> float | None:
    """Return the sample at which the T wave ends; None where it has no descent before the next beat."""
    isoelectric = leads[:, max(onset - 20, 0) : onset].mean(axis=1, keepdims=True)
    size = _smooth(np.sqrt(((leads - isoelectric) ** 2).mean(axis=0)), 11)
    first, last = end + int(T_AFTER_S * HZ), min(size.size - 10, int(latest))
    if last - first < 50:
        return None
    top = first + int(np.argmax(size[first:last]))
    slope = np.gradient(size)[top:last]
    if slope.size < 10 or slope.min() >= 0:
        return None
    steepest = top + int(np.argmin(slope))
    ground = min(float(size[max(onset - 20, 0) : onset].mean()), float(np.percentile(size[steepest:last], 10)))
    ends = steepest + (ground - size[steepest]) / float(slope.min())
    return float(ends) if ends <= last + 20 else None
