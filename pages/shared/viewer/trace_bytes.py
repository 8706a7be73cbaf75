"""Traces on their way to the browser: int16 samples, maps in steps, and the outline of a whole recording."""

from __future__ import annotations

import numpy as np

from engine.study import Trace

MISSING = np.int16(-32768)  # browser/trace/signal.js reads it as a missing sample
FULL = 32000  # of the largest sample of a lead
LEVELS = 6  # steps of a map's size; browser/trace/ink.js draws them
MAP_HZ = 100.0  # of a map in the browser
COLUMNS = 600  # of an outline
OUTLINE_PERCENTILES = (0.05, 99.95)  # an artefact does not flatten the rest


def samples_int16(samples: np.ndarray) -> tuple[bytes, list[float]]:
    """Return (leads, n) samples as little-endian int16, lead after lead, and the unit of each lead's step."""
    size = np.abs(np.where(np.isfinite(samples), samples, 0.0)).max(axis=1, initial=0.0)
    scale = np.where(size > 0, size / FULL, 1.0)
    steps = np.where(np.isfinite(samples), np.rint(samples / scale[:, None]), MISSING)
    return steps.astype("<i2").tobytes(), [float(v) for v in scale]


def middles(trace: Trace) -> list[float]:
    """Return the median of each lead, which is drawn as its 0; 0 where nothing was recorded."""
    known = np.isfinite(trace.samples).any(axis=1, keepdims=True)
    return [float(v) for v in np.nanmedian(np.where(known, trace.samples, 0.0), axis=1)]


def map_levels(overlay: np.ndarray, trace: Trace) -> bytes:
    """Return a map (leads, n) in -1..1 in steps of its size as int8, at MAP_HZ at most: the largest of each stretch."""
    step = max(1, int(trace.fs // MAP_HZ))
    n = overlay.shape[1] // step * step
    parts = np.nan_to_num(overlay[:, :n]).reshape(len(overlay), -1, step)
    largest = np.take_along_axis(parts, np.abs(parts).argmax(axis=2)[..., None], axis=2)[..., 0]
    return np.rint(np.clip(largest, -1, 1) * LEVELS).astype(np.int8).tobytes()


def outline(row: np.ndarray, columns: int = COLUMNS) -> list[tuple[int, int] | tuple[None, None]]:
    """Return the lowest and highest of each of some columns of a recording (n,), as 0..100 of its usual range."""
    known = row[np.isfinite(row)]
    if not known.size:
        return []
    low, high = np.percentile(known, OUTLINE_PERCENTILES)
    edges = np.linspace(0, row.size, min(columns, row.size) + 1).astype(int)
    share = np.clip((row - low) / max(float(high - low), 1e-9), 0, 1) * 100
    lowest = np.fmin.reduceat(share, edges[:-1])
    highest = np.fmax.reduceat(share, edges[:-1])
    return [
        (round(a), round(b)) if np.isfinite(a) else (None, None)
        for a, b in zip(lowest.tolist(), highest.tolist(), strict=True)
    ]
