"""A table's time column → sampling rate, and gaps in it → missing samples."""

from __future__ import annotations

import re

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import MISSING_LIMIT

_TIME = {
    "time",
    "t",
    "timestamp",
    "timestamps",
    "times",
    "seconds",
    "second",
    "sec",
    "secs",
    "s",
    "ms",
    "msec",
    "milliseconds",
    "us",
    "elapsedtime",
    "elapsed",
    "timesec",
    "timeseconds",
    "timems",
    "timeus",
    "timens",
    "datetime",
    "clock",
    "timeofday",
    "ts",
    "unixtime",
    "epoch",
    "recordedat",
    "zeit",
    "temps",
    "tiempo",
}
_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "hh:mm:ss.mmm": 1.0,
}
_QUOTES = " '[]\""
_NUMBER = re.compile(r"^[-+]?[\d.,]+(e[-+]?\d+)?$", re.IGNORECASE)
_CLOCK = re.compile(r"^\d{1,3}(:\d{2})?:\d{2}([.,]\d+)?$")
_PLAUSIBLE_HZ = (10.0, 20_000.0)
_GAP = 1.5  # a step longer than this many samples leaves samples out
_DAY_S = 86_400.0
_WHOLE = 0.002  # a rate this close to a whole number is that number: time stamps are rounded


def is_time(label: str) -> bool:
    """Return whether a column label means time."""
    key = re.sub(r"[^a-z]", "", label.lower())
    return key in _TIME


def sampled(values: np.ndarray, times: list[str] | np.ndarray, label: str) -> tuple[np.ndarray, float]:
    """Return (leads, n) values on an even grid, NaN where the time column leaves samples out, and the rate in Hz."""
    raw, known = _seconds(times)
    if raw.size < 2 or not np.isfinite(raw).all():
        raise IntakeError(
            "The time column has cells that are no time: fill them, or leave the column out and give the sampling rate."
        )
    steps = np.diff(raw)
    if (steps < 0).any() or raw[-1] <= raw[0]:
        raise IntakeError(
            "The time column does not increase from row to row: sort the rows by time, or leave the column out."
        )
    seconds = raw * (1.0 if known else _unit(steps, label))
    return _on_grid(values, seconds - seconds[0])


def _seconds(times: list[str] | np.ndarray) -> tuple[np.ndarray, bool]:
    """Return (n,) times and whether they are seconds for certain (clock and calendar stamps are)."""
    import pandas as pd

    if isinstance(times, np.ndarray):
        return times.astype(np.float64), False
    texts = pd.Series(times, dtype=object)
    example = str(times[0]).strip().strip(_QUOTES)
    if _NUMBER.match(example):
        numbers = pd.to_numeric(texts.str.strip(_QUOTES).str.replace(",", ".", regex=False), errors="coerce")
        return np.array(numbers, dtype=np.float64), False
    if _CLOCK.match(example):
        seconds = np.array([_clock(text) for text in times], dtype=np.float64)
        return seconds + _DAY_S * np.concatenate(
            [[0], np.cumsum(np.diff(seconds) < -_DAY_S / 2)]
        ), True  # past midnight
    for form in ("ISO8601", "mixed"):
        stamps = pd.to_datetime(texts.str.strip(_QUOTES), errors="coerce", format=form, utc=True)
        if stamps.notna().all():
            return (stamps - stamps.iloc[0]).dt.total_seconds().to_numpy(dtype=np.float64), True
    return np.full(2, np.nan), True


def _clock(text: str) -> float:
    """Return seconds of "[hours:]minutes:seconds", NaN where it is none."""
    seconds = 0.0
    try:
        for part in text.strip().strip(_QUOTES).replace(",", ".").split(":"):
            seconds = 60 * seconds + float(part)
    except ValueError:
        return float("nan")
    return seconds


def _unit(steps: np.ndarray, label: str) -> float:
    """Return seconds per unit of a numeric time column: as labelled, else the one that gives a plausible rate."""
    step = float(np.mean(steps))
    for word in re.split(r"[^a-zµμ:.]+", label.lower()):
        if word in _SECONDS and word not in ("time", "times"):
            return _SECONDS[word]
    for unit in (1.0, 1e-3, 1e-6, 1e-9):
        if _PLAUSIBLE_HZ[0] <= 1 / (step * unit) <= _PLAUSIBLE_HZ[1]:
            return unit
    return 1.0


def _on_grid(values: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, float]:
    """Place samples on an even grid; coarse stamps (many rows per stamp) are spread evenly instead."""
    steps = np.diff(seconds)
    typical = float(np.median(steps))
    fine = steps[(steps > 0) & (steps <= _GAP * typical)] if typical > 0 else np.empty(0)
    if fine.size < 0.5 * steps.size:
        return values, _whole(_rate_of_coarse(seconds))
    gapless = bool((steps <= 2 * _GAP * typical).all() and abs(steps.mean() / typical - 1) < 0.5)
    fs = _whole(steps.size / float(seconds[-1]) if gapless else 1 / float(fine.mean()))
    at = np.rint(seconds * fs).astype(np.int64)
    n = int(at[-1]) + 1
    if n > values.shape[1] / (1 - MISSING_LIMIT) + 1:
        raise IntakeError(
            f"The time column leaves out {1 - values.shape[1] / n:.0%} of the samples and at most "
            f"{MISSING_LIMIT:.0%} may be missing: "
            "export a stretch without gaps."
        )
    if n <= values.shape[1] * (1 + 1e-3) + 1 and gapless:
        return values, fs
    grid = np.full((values.shape[0], n), np.nan)
    grid[:, at] = values
    return grid, fs


def _rate_of_coarse(seconds: np.ndarray) -> float:
    """Return rows per second where many rows share a stamp; the first and last stamp may be incomplete."""
    stamps, counts = np.unique(seconds, return_counts=True)
    if stamps.size < 4:
        return (seconds.size - 1) / float(seconds[-1])
    return float(counts[1:-1].sum() / (stamps[-1] - stamps[1]))


def _whole(fs: float) -> float:
    return float(round(fs)) if fs >= 1 and abs(fs - round(fs)) <= _WHOLE * fs else fs
