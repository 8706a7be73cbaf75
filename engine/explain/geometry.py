"""From the model's axes back to the film's pixels and the trace's own time: sums are kept, positions are exact."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from engine.model.cxr import SIDE, padding
from engine.study import ECG_LEADS, Trace

FILM_SIGMA_PX = 7.0  # pixels of the 224 grid: half of a 14-pixel patch, so that patch seams do not show
TRACE_SIGMA_S = 0.020  # seconds; half a narrow QRS stays in place


def to_film(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Carry a map (224, 224) on the padded square back to a film of `shape`: (h, w) float32 with the same total.

    Undoes engine.model.cxr.prepare: the margins of the square are cut off, the rest is resized bilinearly, and
    divided by the film pixels per map pixel. What lay in the margins is not on the film.
    """
    from PIL import Image

    side, top, left = padding(*shape)
    left_edge, top_edge = left * SIDE / side, top * SIDE / side
    box = (left_edge, top_edge, left_edge + shape[1] * SIDE / side, top_edge + shape[0] * SIDE / side)
    resized = Image.fromarray(values.astype(np.float32)).resize(shape[::-1], Image.Resampling.BILINEAR, box=box)
    return np.asarray(resized, np.float32) * np.float32((SIDE / side) ** 2)


def film_box(shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return rows and columns of the 224 grid that a film of `shape` fills; the rest of the square is margin."""
    side, top, left = padding(*shape)
    edges = [
        (math.floor(first * SIDE / side), math.ceil((first + length) * SIDE / side))
        for first, length in ((top, shape[0]), (left, shape[1]))
    ]
    return slice(*edges[0]), slice(*edges[1])


def blur_film(values: np.ndarray, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Return an array (224, 224) after a Gaussian of sigma pixels within the film; margins stay, the sum is kept."""
    out, box = values.copy(), film_box(shape)
    out[box] = gaussian_filter(values[box], sigma, mode="reflect")
    return out


def to_trace(values: np.ndarray, model_fs: float, trace: Trace, start_s: float, searched_s: float) -> np.ndarray:
    """Carry a map (12 or 1, m) at model_fs back to `trace`: (leads, n) float32 per sample of its own, same total.

    start_s, searched_s : the stretch of the trace that was encoded; the rest was not looked at and stays 0
    """
    rows = [ECG_LEADS.index(lead) if lead in ECG_LEADS else 0 for lead in trace.leads]
    reached = min(searched_s, values.shape[1] / model_fs)
    first, last = round(start_s * trace.fs), round((start_s + reached) * trace.fs)
    last = min(last, trace.samples.shape[1])
    at = np.arange(last - first) / trace.fs
    times = np.arange(values.shape[1]) / model_fs
    out = np.zeros(trace.samples.shape, np.float32)
    for row, source in enumerate(rows):
        out[row, first:last] = np.interp(at, times, values[source]) * model_fs / trace.fs
    return out


def smooth_trace(values: np.ndarray, fs: float, sigma_s: float = TRACE_SIGMA_S) -> np.ndarray:
    """Return a map (leads, n) after a Gaussian along time that keeps its sum."""
    return gaussian_filter1d(values, sigma_s * fs, axis=1, mode="reflect")
