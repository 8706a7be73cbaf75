"""A table's time column → sampling rate, and gaps in it → missing samples. A count of samples is no clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.assemble import MISSING_LIMIT
from engine.intake.table_cells import numbers, since_first
from engine.intake.table_numbers import NUMBER, NumberStyle

_TIME = {
    *(
        "time",
        "t",
        "timestamp",
        "timestamps",
        "times",
        "ts",
        "datetime",
        "clock",
        "timeofday",
        "elapsedtime",
        "elapsed",
    ),
    *("unixtime", "epoch", "recordedat", "zeit", "zeitstempel", "uhrzeit", "temps", "tiempo", "tempo", "hora", "heure"),
    *("timesec", "timeseconds", "timems", "timeus", "timens", "tms", "localtime", "systime"),
}
_UNITS_ALONE = {"seconds", "second", "sec", "secs", "s", "ms", "msec", "milliseconds", "us", "microseconds"}
_BESIDE = {  # words that may stand beside one for time
    *(
        "in",
        "of",
        "and",
        "the",
        "since",
        "start",
        "from",
        "relative",
        "absolute",
        "local",
        "utc",
        "gmt",
        "unix",
        "system",
    ),
    *(
        "device",
        "sensor",
        "phone",
        "formatted",
        "cal",
        "raw",
        "day",
        "date",
        "rel",
        "abs",
        "hh",
        "h",
        "mm",
        "ss",
        "mmm",
    ),
    *("fff", "yyyy", "dd", "min", "m", "recording", "sample", "measurement", "shimmer", "iso"),
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
    "microseconds": 1e-6,
    "usec": 1e-6,
    "nanoseconds": 1e-9,
    "min": 60.0,
    "minutes": 60.0,
}
_QUOTES = " '[]\""
_CLOCK = re.compile(r"^(\d{1,3}:)?\d{1,2}:\d{2}([.,:]\d+)?( ?[ap]m)?$", re.IGNORECASE)
_STAMP = re.compile(
    r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}[\d:.,]*(?: ?[ap]m)?(?: ?Z| ?[-+]\d\d:?\d\d)?)?$|"
    r"^\d+ days [\d:.]+$",
    re.IGNORECASE,
)
_CLOCK_FIRST = re.compile(r"^\d{1,2}:\d{2}:\d{2}[.,]?\d* \d{1,2}[/.-]\d{1,2}[/.-]\d{4}$")  # as rdsamp prints it
_DEVICE = re.compile(r"^shimmer_[0-9a-f]{4}_", re.IGNORECASE)
_LIKELY_HZ = (20.0, 5000.0)
_PLAUSIBLE_HZ = (10.0, 20_000.0)
_GAP = 1.5  # a step longer than this many samples leaves samples out
_DAY_S = 86_400.0
_UNIX = ((1e9, 4e9, 1.0), (1e12, 4e12, 1e-3), (1e15, 4e15, 1e-6), (1e18, 4e18, 1e-9))  # since 1970, from 2001 to 2096
_WHOLE = 0.002  # a rate from coarse stamps this close to a whole number is that number
_EXACT = 1e-6  # the same for exact stamps
_ON_GRID = 0.1  # stamps are exact where every step is this close to a whole number of samples
SAME_RATE = 0.02  # a stated rate this close to the time column's is the same one
_NAMES = {1.0: "s", 1e-3: "ms", 1e-6: "µs", 1e-9: "ns", _DAY_S: "days"}  # days as spreadsheets count them


@dataclass(frozen=True, eq=False)
class Timed:
    """Values on an even grid: (leads, n), NaN where the time column leaves samples out; the rate, Hz; what to say."""

    values: np.ndarray
    fs: float
    remark: str = ""


def is_time(label: str) -> bool:
    """Return whether a column label means time."""
    words = re.findall(r"[a-zµμ]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _DEVICE.sub("", label)).lower())
    compact = re.sub(r"[^a-z]", "", label.lower())
    if compact in _TIME | _UNITS_ALONE:
        return True
    return bool(set(words) & _TIME) and set(words) <= _TIME | _BESIDE | set(_SECONDS)


def is_stamp(cell: str) -> bool:
    """Return whether a cell is a time of day, a date, or both."""
    text = cell.strip(_QUOTES)
    return any(form.match(text) for form in (_CLOCK, _STAMP, _CLOCK_FIRST))


def sampled(
    values: np.ndarray, times: Sequence[str] | np.ndarray, label: str, *, style: NumberStyle, stated: float | None
) -> Timed:
    """Return (leads, n) values as their time column places them.

    stated : the rate that the user or the lines above the table state, Hz, or None; it settles what the column leaves
             open. QuestionError where the rate stays open, as for a count of samples.
    """
    raw, certain = _read(times, style)
    if raw.size < 2 or not np.isfinite(raw).all():
        raise IntakeError(
            "The time column has cells that are no time: fill them, or leave the column out and give the sampling rate."
        )
    steps = np.diff(raw)
    if (steps < 0).any() or raw[-1] <= raw[0]:
        raise IntakeError(
            "The time column does not increase from row to row: sort the rows by time, or leave the column out."
        )
    unit = 1.0 if certain else _unit(raw, label, stated)
    if unit is None:
        return _counted(values, raw, stated)
    said = "" if certain or unit == 1.0 or _named_unit(label) else f"time column read in {_NAMES[unit]}"
    placed, fs = _on_grid(values, (raw - raw[0]) * unit)
    return Timed(placed, fs, said)


def _read(times: Sequence[str] | np.ndarray, style: NumberStyle) -> tuple[np.ndarray, bool]:
    """Return (n,) times and whether they are seconds for certain (clock and calendar stamps are)."""
    if isinstance(times, np.ndarray):
        return times, False
    example = times[0].strip(_QUOTES)
    if NUMBER.match(example):
        return numbers([text.strip(_QUOTES) for text in times], style), False
    dated = _CLOCK_FIRST.match(example) is not None
    if dated or _CLOCK.match(example):
        clocks = [text.strip(_QUOTES).split(" ")[0] for text in times] if dated else times
        seconds = np.array([_clock(text) for text in clocks], dtype=np.float64)
        return seconds + _DAY_S * np.concatenate(
            [[0], np.cumsum(np.diff(seconds) < -_DAY_S / 2)]
        ), True  # past midnight
    return since_first([re.sub(r"(?<=\d),(?=\d)", ".", text.strip(_QUOTES)) for text in times]), True


def _clock(text: str) -> float:
    """Return seconds of "[hours:]minutes:seconds", NaN where it is none; a third colon stands before milliseconds."""
    text = text.strip(_QUOTES).lower().replace(",", ".")
    afternoon = 12 * 3600.0 if text.endswith("pm") else 0.0
    parts = re.sub(r" ?[ap]m$", "", text).split(":")
    if len(parts) == 4:
        parts = [*parts[:2], f"{parts[2]}.{parts[3]}"]
    seconds = 0.0
    try:
        for part in parts:
            seconds = 60 * seconds + float(part)
    except ValueError:
        return float("nan")
    if text.endswith(("am", "pm")) and seconds >= 12 * 3600.0:
        seconds -= 12 * 3600.0
    return seconds + afternoon


def _named_unit(label: str) -> float | None:
    """Return seconds per unit as a label says it, or None."""
    words = re.split(r"[^a-zµμ]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).lower())
    compact = re.sub("[^a-z]", "", label.lower())
    if "hh" in words:
        return None
    if compact in ("timems", "timeus", "timens", "tms"):
        return _SECONDS[compact[-2:]]
    return next((_SECONDS[word] for word in words if word in _SECONDS), None)


def _unit(raw: np.ndarray, label: str, stated: float | None) -> float | None:
    """Return seconds per unit of a numeric time column, or None where it counts samples.

    It is as labelled, else as Unix times are large, else the one that gives the stated or a likely rate.
    """
    if (named := _named_unit(label)) is not None:
        return named
    if (unix := next((unit for low, high, unit in _UNIX if low <= raw[0] < high), None)) is not None:
        return unix
    step = float((raw[-1] - raw[0]) / (raw.size - 1))
    rates = {unit: 1 / (step * unit) for unit in _NAMES}
    fitting = [unit for unit, rate in rates.items() if stated and abs(rate / stated - 1) <= SAME_RATE]
    if fitting:
        return fitting[0]
    if _counts(raw):
        return None
    for low, high in (_LIKELY_HZ, _PLAUSIBLE_HZ):
        likely = [unit for unit, rate in rates.items() if low <= rate <= high]
        if len(likely) == 1:
            return likely[0]
        if likely:
            raise _open_rate()
    return 1.0


def _counts(raw: np.ndarray) -> bool:
    """Return whether times are 0, 1, 2 … (or start at another whole number), with a few left out perhaps."""
    return bool((raw == np.rint(raw)).all()) and float(np.median(np.diff(raw))) == 1.0


def _counted(values: np.ndarray, raw: np.ndarray, stated: float | None) -> Timed:
    """Return the values where a count of samples places them, at the stated rate."""
    if stated is None:
        raise _open_rate()
    return Timed(_placed(values, np.rint(raw - raw[0]).astype(np.int64)), stated)


def _open_rate() -> QuestionError:
    return QuestionError(
        "The time column has no unit and may count samples, so the rate is open: say how many samples there are per "
        "second.",
        field="fs",
    )


def _on_grid(values: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, float]:
    """Place samples on an even grid; coarse stamps (many rows per stamp) are spread evenly instead."""
    steps = np.diff(seconds)
    typical = float(np.median(steps))
    fine = steps[(steps > 0) & (steps <= _GAP * typical)] if typical > 0 else np.empty(0)
    if fine.size < 0.5 * steps.size:
        return values, _whole(_rate_of_coarse(seconds), _WHOLE)
    multiples = np.rint(steps / typical)
    if (multiples >= 1).all() and (np.abs(steps / typical - multiples) < _ON_GRID).all():
        at = np.concatenate([[0], np.cumsum(multiples)]).astype(np.int64)
        return _placed(values, at), _rate_of(seconds, at)
    gapless = bool((steps <= 2 * _GAP * typical).all() and abs(steps.mean() / typical - 1) < 0.5)
    fs = _rate_of(seconds, np.arange(seconds.size)) if gapless else _whole(1 / float(fine.mean()), _WHOLE)
    at = np.rint(seconds * fs).astype(np.int64)
    if int(at[-1]) + 1 <= values.shape[1] * (1 + 1e-3) + 1 and gapless:
        return values, fs
    return _placed(values, at), fs


def _placed(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return (leads, n) values at their places, NaN between them; IntakeError where too many are left out."""
    n = int(at[-1]) + 1
    if n > values.shape[1] / (1 - MISSING_LIMIT) + 1:
        raise IntakeError(
            f"The time column leaves out {1 - values.shape[1] / n:.0%} of the samples and at most "
            f"{MISSING_LIMIT:.0%} may be missing: "
            "export a stretch without gaps."
        )
    if n == values.shape[1]:
        return values
    grid = np.full((values.shape[0], n), np.nan)
    grid[:, at] = values
    return grid


def _rate_of(seconds: np.ndarray, at: np.ndarray) -> float:
    """Return the rate of samples `at` places, Hz: a whole number where the rounding of the stamps allows for it."""
    fs = float(at[-1]) / float(seconds[-1])
    rounding = float(np.abs(seconds - at / fs).max()) / float(seconds[-1])
    return _whole(fs, max(_EXACT, 2 * rounding))


def _rate_of_coarse(seconds: np.ndarray) -> float:
    """Return rows per second where many rows share a stamp; the first and last stamp may be incomplete."""
    stamps, counts = np.unique(seconds, return_counts=True)
    if stamps.size < 4:
        return (seconds.size - 1) / float(seconds[-1])
    return float(counts[1:-1].sum() / (stamps[-1] - stamps[1]))


def _whole(fs: float, within: float) -> float:
    return float(round(fs)) if fs >= 1 and abs(fs - round(fs)) <= within * fs else fs
