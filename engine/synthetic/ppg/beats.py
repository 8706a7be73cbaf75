"""A PPG → its pulses: feet by intersecting tangents, each pulse brought to one length, height 1 and a level base.

Peaks come from NeuroKit2 (Makowski et al., Behav Res Methods 53:1689, 2021; method of Elgendi et al., PLoS ONE
8:e76585, 2013). The foot is where the tangent at the steepest rise meets the level before it (Chiu et al., Am Heart J
121:1460, 1991), which noise and a flat run-off disturb less than the lowest sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.signal import butter, find_peaks, resample_poly, sosfiltfilt

FS = 125.0  # Hz
POINTS = 128  # samples of a normalised pulse
LEAD = 0.06  # share of the interval before the foot at which a pulse is cut, so that its bend belongs to it
SMOOTH_HZ = 15.0  # everything a pulse is made of lies below (Elgendi, Curr Cardiol Rev 8:14, 2012)
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.3, 2.0  # foot to foot
MIN_CORRELATION = 0.7  # correlation with the median pulse from which a pulse counts


@dataclass(frozen=True, eq=False)
class Pulses:
    """The pulses of one recording.

    foot_s, peak_s : (n,) start and systolic peak, seconds
    interval_s     : (n,) to the next foot, seconds
    height         : (n,) highest sample above the line between the two cuts, in units of the recording
    base           : (n,) level at the cut
    shape          : (n, POINTS) pulse over its interval, LEAD earlier than foot to foot, from 0 to 0, highest 1
    alike          : (n,) correlation with the median pulse
    """

    foot_s: np.ndarray
    peak_s: np.ndarray
    interval_s: np.ndarray
    height: np.ndarray
    base: np.ndarray
    shape: np.ndarray
    correlation: np.ndarray

    @property
    def good(self) -> np.ndarray:
        """(n,) bool: the pulses that resemble the others."""
        return self.correlation >= MIN_CORRELATION


def at_125(samples: np.ndarray, fs: float) -> np.ndarray:
    """Return one trace at 125 Hz without its straight line being bent at the ends. (n,) → (m,) float64."""
    x = np.asarray(samples, np.float64)
    if fs == FS:
        return x
    ratio = Fraction(FS / fs).limit_denominator(1000)
    return resample_poly(x, ratio.numerator, ratio.denominator, padtype="line")


def smooth(x: np.ndarray, high_hz: float = SMOOTH_HZ) -> np.ndarray:
    """Zero-phase low-pass at 125 Hz. (n,) → (n,)."""
    sos = butter(3, high_hz, fs=FS, output="sos")
    return sosfiltfilt(sos, x, padlen=min(x.size - 1, 125))


def peaks(x: np.ndarray, usual: bool = False) -> np.ndarray:
    """Return the systolic peaks of a trace at 125 Hz as sample numbers (n,).

    usual : filter as NeuroKit2 does by itself; otherwise with ends padded for recordings as short as PPG-BP's
    """
    import neurokit2 as nk

    if usual:
        clean = nk.ppg_clean(x, sampling_rate=int(FS))
    else:
        sos = butter(3, (0.5, 8.0), "bandpass", fs=FS, output="sos")
        clean = sosfiltfilt(sos, x, padlen=min(x.size - 1, 250))
    found = nk.ppg_findpeaks(clean, sampling_rate=int(FS), method="elgendi", show=False)["PPG_Peaks"]
    return np.asarray(found, int)


def foot(x: np.ndarray, peak: int, earliest: int) -> float | None:
    """Return the foot before a peak as a fractional sample number, or None where the rise is cut off."""
    rise = np.gradient(x[earliest : peak + 1])
    if rise.size < 5:
        return None
    steep, _ = find_peaks(rise, height=0.5 * rise.max())
    at = earliest + int(steep[-1] if steep.size else np.argmax(rise))
    low = earliest + int(np.argmin(x[earliest : at + 1]))
    if at - low < 2:
        return None
    return float(max(at - (x[at] - x[low]) / rise[at - earliest], earliest))


def find_pulses(samples: np.ndarray, fs: float) -> Pulses:
    """Return the whole pulses of one PPG. samples : (n,) in any unit, at least 2 s."""
    x = smooth(at_125(samples, fs))
    tops = peaks(x)
    reach = round(0.45 * FS)
    pairs = [(foot(x, top, max(0, top - reach)), top) for top in tops]
    feet = [(at, top) for at, top in pairs if at is not None and at > 0]
    rows = [_pulse(x, a, top, b) for (a, top), (b, _) in pairwise(feet)]
    kept = [row for row in rows if row is not None]
    shapes = np.array([row[-1] for row in kept]).reshape(-1, POINTS)
    start, top, length, height, base = np.array([row[:-1] for row in kept], float).reshape(-1, 5).T
    return Pulses(start, top, length, height, base, shapes, _alike(shapes))


def _pulse(
    x: np.ndarray, start: float, top: int, end: float
) -> tuple[float, float, float, float, float, np.ndarray] | None:
    """Return (foot, peak, interval, height, base, shape) of one pulse, or None where it can be none."""
    length = end - start
    if not MIN_INTERVAL_S * FS <= length <= MAX_INTERVAL_S * FS:
        return None
    first = max(start - LEAD * length, 0.0)
    cut = np.interp(first + np.linspace(0, 1, POINTS) * length, np.arange(x.size), x)
    shape = cut - np.linspace(cut[0], cut[-1], POINTS)
    height = float(shape.max())
    if height <= 0:
        return None
    return start / FS, top / FS, length / FS, height, float(cut[0]), shape / height


def _alike(shapes: np.ndarray) -> np.ndarray:
    """Correlation of every pulse with their median. (n, POINTS) → (n,)."""
    if not len(shapes):
        return np.zeros(0)
    middle = np.median(shapes, axis=0)
    a = shapes - shapes.mean(1, keepdims=True)
    b = middle - middle.mean()
    return a @ b / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b), 1e-9)
