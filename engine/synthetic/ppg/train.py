"""Single pulses → a pulse train."""

from __future__ import annotations

import numpy as np

from engine.synthetic.ppg.beats import LEAD, POINTS

SAMPLES = 1250  # 10 s at 125 Hz
RUN_OFF_S = 0.45  # time constant of the fall that goes on after the usual end of a pulse
CREST = 0.2  # share of the pulse's length in which its rise is over


def superposed(
    t: np.ndarray, feet: np.ndarray, lengths: np.ndarray, heights: np.ndarray, shapes: np.ndarray
) -> np.ndarray:
    """Return the sum of pulses, each over its own length and then falling on until the next. t (m,) → (m,).

    feet, lengths (s), heights : (n,); shapes (n, POINTS). A pulse that is overtaken adds its rest to the next one.
    """
    out, grid = np.zeros_like(t), np.linspace(0, 1, POINTS)
    for k, (foot, length) in enumerate(zip(feet, lengths, strict=True)):
        since = t - foot + LEAD * length
        out += heights[k] * np.interp(since / length, grid, shapes[k], left=0.0, right=0.0)
        following = feet[k + 1] if k + 1 < feet.size else np.inf
        out += heights[k] * run_off(since - length, shapes[k], length, following - foot - length)
    return out


def run_off(after: np.ndarray, shape: np.ndarray, length: float, until: float) -> np.ndarray:
    """Return the fall (m,) that goes on `after` (s) the usual end of a pulse, and is filled up by the next rise.

    It begins with the slope at the pulse's end and dies away with RUN_OFF_S; `until` (s) is the next foot.
    """
    last = POINTS // 10
    slope = min(0.0, float(shape[-1] - shape[-1 - last]) / (last / POINTS * length))
    fall = slope * RUN_OFF_S * (1 - np.exp(-np.maximum(after, 0.0) / RUN_OFF_S))
    risen = np.clip((after - until) / (CREST * length), 0.0, 1.0)
    return fall * (1 - risen**2 * (3 - 2 * risen))


def wandering(
    size: int | tuple[int, ...], deviation: float, correlation: float, rng: np.random.Generator
) -> np.ndarray:
    """Return normal numbers of a deviation whose neighbours along the first axis correlate by `keep`."""
    out = rng.standard_normal(size)
    for k in range(1, len(out)):
        out[k] = correlation * out[k - 1] + np.sqrt(1 - correlation**2) * out[k]
    return deviation * out


def heavy(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return scales (n,) of median 1 that give normal numbers Student's tails (3 degrees of freedom), cut at 2.2."""
    median = 2.366  # of the chi-squared distribution
    return np.clip(np.sqrt(median / rng.chisquare(3, n)), 0.4, 2.2)


def through(t: np.ndarray, knot_times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a smooth curve (m,) at times t (m,) through values (n,) at times (n,) that rise, but for jitter."""
    from scipy.interpolate import PchipInterpolator

    where = np.maximum.accumulate(knot_times) + 1e-6 * np.arange(knot_times.size)
    return np.asarray(PchipInterpolator(where, values, extrapolate=True)(t))
