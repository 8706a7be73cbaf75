"""Filters and peaks of traces in numpy alone, so that a device without scipy judges and prepares as the hospital does.

The definitions are those of scipy.signal and scipy.ndimage, with which the tests compare every function.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_BLOCK = 128  # samples that a recursive filter computes in one product of matrices
_TAPS = 10  # on each side of a resampling filter, at the lower rate
_KAISER = 5.0
_CHUNK = 1 << 22  # numbers that a resampling holds at a time


@dataclass(frozen=True, eq=False)
class RecursiveFilter:
    """A linear recursive filter of s states, in the form that filters `_BLOCK` samples at once.

    response : (block, block) samples → output from a state of rest
    carried  : (s, block) state → its part of the output
    state    : (s, s) state → state a block later
    entered  : (block, s) samples → their part of the state at the block's end
    steady   : (s,) the state at which a constant input of 1 leaves the filter
    """

    response: np.ndarray
    carried: np.ndarray
    state: np.ndarray
    entered: np.ndarray
    steady: np.ndarray


@lru_cache(maxsize=64)
def _band_filter(fs: float, low_hz: float, high_hz: float) -> RecursiveFilter:
    """Return the Butterworth band-pass of second order (four poles), by the bilinear transform with warped edges."""
    low, high = (2 * fs * np.tan(np.pi * edge / fs) for edge in (low_hz, high_hz))
    width, centre = high - low, np.sqrt(low * high)
    prototype = np.exp(1j * np.pi * np.array([3, 5]) / 4) * width / 2
    poles = np.concatenate([prototype + sign * np.sqrt(prototype**2 - centre**2) for sign in (1, -1)])
    digital = (2 * fs + poles) / (2 * fs - poles)
    gain = float(np.real(width**2 * (2 * fs) ** 2 / np.prod(2 * fs - poles)))
    upper = sorted(digital[digital.imag > 0], key=abs) if (digital.imag > 1e-12).sum() == 2 else None
    pairs = [(one, np.conj(one)) for one in upper] if upper is not None else _real_pairs(digital)
    sections = [(-float(np.real(a + b)), float(np.real(a * b))) for a, b in pairs]
    return _in_blocks(sections, gain)


def _real_pairs(poles: np.ndarray) -> list[tuple[complex, complex]]:
    """Return conjugate pairs, and real poles in pairs, as a wide band has them."""
    upper = [pole for pole in poles if pole.imag > 1e-12]
    real = sorted((pole for pole in poles if abs(pole.imag) <= 1e-12), key=abs)
    return [(one, np.conj(one)) for one in upper] + list(zip(real[::2], real[1::2], strict=True))


def _in_blocks(sections: list[tuple[float, float]], gain: float) -> RecursiveFilter:
    """Return sections with zeros at 1 and −1 and denominators 1 + a z⁻¹ + b z⁻², one after the other, as one filter."""
    size = 2 * len(sections)
    step, enter = np.zeros((size, size)), np.zeros(size)
    out, through = np.zeros(size), gain  # the signal between two sections, from the states and from the input
    for i, (a, b) in enumerate(sections):
        first, second = 2 * i, 2 * i + 1
        result = out.copy()
        result[first] += 1.0
        step[first] = -a * result
        step[first, second] += 1.0
        enter[first] = -a * through
        step[second] = -out - b * result
        enter[second] = -through - b * through
        out = result
    carried, entered = np.empty((size, _BLOCK)), np.empty((_BLOCK, size))
    power, impulse = np.eye(size), enter.copy()
    response = np.empty(_BLOCK)
    response[0] = through
    for at in range(_BLOCK):
        carried[:, at] = out @ power
        entered[_BLOCK - 1 - at] = impulse
        if at + 1 < _BLOCK:
            response[at + 1] = out @ impulse
        power, impulse = step @ power, step @ impulse
    lags = np.arange(_BLOCK)[None] - np.arange(_BLOCK)[:, None]
    toeplitz = np.where(lags >= 0, response[np.maximum(lags, 0)], 0.0)
    steady = np.linalg.solve(np.eye(size) - step, enter)
    return RecursiveFilter(toeplitz, carried, power.T, entered, steady)


def band_passed(samples: np.ndarray, fs: float, low_hz: float, high_hz: float, pad: int) -> np.ndarray:
    """Return (…, n) samples through a second-order Butterworth band-pass in both directions, float64.

    pad : samples, below n, by which the ends are extended by their point reflections
    """
    by = _band_filter(fs, low_hz, high_hz)
    flat = np.asarray(samples, np.float64).reshape(-1, samples.shape[-1])
    if pad > 0:
        before = 2 * flat[:, :1] - flat[:, pad:0:-1]
        after = 2 * flat[:, -1:] - flat[:, -2 : -pad - 2 : -1]
        flat = np.concatenate([before, flat, after], axis=1)
    there = _filtered(flat, by)[:, ::-1]
    back = _filtered(there, by)[:, ::-1]
    return back[:, pad : back.shape[1] - pad].reshape(samples.shape)


def _filtered(rows: np.ndarray, by: RecursiveFilter) -> np.ndarray:
    """Return (r, n) rows through the filter, which begins as if the first sample had always been there."""
    count, n = rows.shape
    blocks = -(-n // _BLOCK)
    padded = np.zeros((count, blocks * _BLOCK))
    padded[:, :n] = rows
    cut = padded.reshape(count, blocks, _BLOCK)
    out, entered = cut @ by.response, cut @ by.entered
    state = rows[:, :1] * by.steady
    states = np.empty((count, blocks, state.shape[1]))
    for block in range(blocks):
        states[:, block] = state
        state = state @ by.state + entered[:, block]
    out += states @ by.carried
    return out.reshape(count, -1)[:, :n]


def at_ratio(rows: np.ndarray, up: int, down: int) -> np.ndarray:
    """Return (…, n) rows at up/down times their rate, (…, ceil(n · up / down)), of the same type.

    A Kaiser-windowed low-pass removes what lies above the lower Nyquist rate; the ends go on along the line through the
    first and the last sample (scipy.signal.resample_poly with padtype="line").
    """
    common = int(np.gcd(up, down))
    up, down = up // common, down // common
    if up == down == 1:
        return rows.copy()
    flat = np.asarray(rows, np.float64).reshape(-1, rows.shape[-1])
    n = flat.shape[1]
    m = -(-n * up // down)
    taps = _low_pass(up, down)
    reach = -(-taps.size // up)
    by_phase = np.zeros((reach, up))
    by_phase.reshape(-1)[: taps.size] = taps
    slope = (flat[:, -1:] - flat[:, :1]) / max(1, n - 1)
    beyond = slope * np.arange(1, reach + 2)
    padded = np.concatenate([flat[:, :1] - beyond[:, reach - 1 :: -1], flat, flat[:, -1:] + beyond], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=1)
    out = np.empty((len(flat), m))
    for first in range(min(up, m)):  # outputs that lie alike between the samples have the same taps
        centre = first * down + (taps.size - 1) // 2
        phase, last = centre % up, centre // up
        wanted = len(range(first, m, up))
        out[:, first::up] = _products(windows[:, last + 1 :: down][:, :wanted], by_phase[::-1, phase])
    return out.reshape(*rows.shape[:-1], m).astype(rows.dtype if rows.dtype.kind == "f" else np.float64)


def _products(windows: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Return (r, w) sums of windows (r, w, taps) by taps, in parts that fit into memory."""
    out = np.empty(windows.shape[:2])
    part = max(1, _CHUNK // (windows.shape[0] * windows.shape[2]))
    for start in range(0, windows.shape[1], part):
        out[:, start : start + part] = windows[:, start : start + part] @ taps
    return out


@lru_cache(maxsize=32)
def _low_pass(up: int, down: int) -> np.ndarray:
    """Return the taps, (2 · 10 · max(up, down) + 1,), of the filter at the common rate; their sum is `up`."""
    longest = max(up, down)
    half = _TAPS * longest
    at = np.arange(-half, half + 1)
    taps = np.sinc(at / longest) * np.kaiser(2 * half + 1, _KAISER)
    return taps * (up / taps.sum())


def peaks(row: np.ndarray, distance: int) -> np.ndarray:
    """Return where a row (n,) is higher than beside it, (p,) int; the lower of two nearer than `distance` is left out.

    A level top counts once, in its middle.
    """
    edges = np.flatnonzero(np.diff(row)) + 1  # where a stretch of equal samples ends
    starts, ends = np.append(0, edges), np.append(edges, row.size)
    levels = row[starts]
    top = np.flatnonzero((levels[1:-1] > levels[:-2]) & (levels[1:-1] > levels[2:])) + 1
    found = (starts[top] + ends[top] - 1) // 2
    keep = np.ones(found.size, bool)
    for at in np.argsort(row[found])[::-1]:
        if keep[at]:
            near = slice(*np.searchsorted(found, (found[at] - distance + 1, found[at] + distance)))
            keep[near] = False
            keep[at] = True
    return found[keep]


def moving_maximum(rows: np.ndarray, width: int) -> np.ndarray:
    """Return the largest of `width` samples around each, (…, n), the ends extended by themselves."""
    width = max(1, width)
    return np.apply_along_axis(_moving_maximum, -1, rows, width)


def _moving_maximum(row: np.ndarray, width: int) -> np.ndarray:
    before = width // 2
    padded = np.pad(row, (before, width - 1 - before), mode="edge")
    count = -(-padded.size // width)
    cut = np.pad(padded, (0, count * width - padded.size), mode="edge").reshape(count, width)
    from_start = np.maximum.accumulate(cut, axis=1).reshape(-1)
    to_end = np.maximum.accumulate(cut[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    return np.maximum(to_end[: row.size], from_start[width - 1 : width - 1 + row.size])


def moving_median(row: np.ndarray, width: int) -> np.ndarray:
    """Return the middle one (the upper of two) of `width` samples around each, (n,), the ends mirrored."""
    before = width // 2
    padded = np.pad(row, (before, width - 1 - before), mode="symmetric").tolist()
    within = sorted(padded[:width])
    out = np.empty(row.size)
    for at in range(row.size):
        out[at] = within[width // 2]
        leaves, comes = padded[at], padded[at + width] if at + width < len(padded) else padded[at]
        if leaves != comes:
            del within[bisect_left(within, leaves)]
            insort(within, comes)
    return out
