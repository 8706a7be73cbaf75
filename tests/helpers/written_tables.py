"""One signal, written as a table in every way that programs write one."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from helpers.written_signals import FACTORS, Signal, Written, labelled, signals
from hypothesis import strategies as st

from engine.intake import Answers, Upload

RATES: tuple[Callable[[float], str], ...] = (
    lambda fs: f"Sampling rate: {fs:g} Hz",
    lambda fs: f"Sample Rate,{fs:g} hertz",
    lambda fs: f"fs={fs:g}",
    lambda fs: f"SampleRate = {fs:g}",
    lambda fs: f"Sampling Rate (Hz):= {fs:.2f}",
    lambda fs: f"sampling frequency [kHz]: {fs / 1000:g}",
    lambda fs: f"Sampling interval: {1000 / fs:.9g} ms",
    lambda fs: f"Sample interval (ms): {1000 / fs:.9g}",
    lambda fs: f"{1000 / fs:.9g} msec/sample",
    lambda fs: f"Sampling period;{1 / fs:.9g} s",
    lambda fs: f"{fs:g} samples/s",
    lambda fs: f"Sampled at {fs:g} Hz",
    lambda fs: f"Abtastrate: {fs:g} Hz",
    lambda fs: f"Frecuencia de muestreo (Hz): {fs:g}",
    lambda fs: f"Sample rate: {fs:g} Hz (ECG/PPG), 32 Hz (ACC)",
    lambda fs: f"Heart rate 71 bpm, sampling rate {fs:g} Hz, 12 bit",
)
DISTRACTIONS = (
    "Heart rate: 72 bpm",
    "Average Heart Rate,64 bpm",
    "Notch filter frequency: 50 Hz",
    "Low pass: 150 Hz; high pass: 0.05 Hz",
    "Frequency response: 0.05-150 Hz",
    "Mains: 60 Hz",
    "Samples: 5000",
    "Number of samples: 5000",
    "Device,Watch7 (11)",
    "Recorded Date,2026-08-26 18:15:35 +0100",
    "Pulse rate 61",
    "Respiration rate: 16",
    "Accelerometer sampling rate: 32 Hz",
    "Display refresh rate: 60 Hz",
    "Resolution: 12 bit",
    "Paper speed 25 mm/s",
    "Gain: 10 mm/mV",
    "Channels: 3",
    "Duration: 10 s",
    "Firmware 2.500",
    "Age: 67",
    "ID: 250",
)
MISSING = ("", "NaN", "NA", "null", "-", "#N/A", "-32768", "-99999", "-1000000000")
COUNTED = ("none", "count")  # tables without a clock
TIMES = (*COUNTED, "s", "ms", "us", "min", "plain s", "plain ms", "unix s", "unix ms", "clock", "am", "iso", "rdsamp")
_START = datetime.datetime(2024, 3, 1, 10, 0, 5, tzinfo=datetime.UTC)
_TIME_LABELS = {
    "s": ("time (s)", "Time [s]", "t_s", "seconds", "Zeit [s]"),
    "ms": ("Time [ms]", "time_ms", "timestamp (ms)"),
    "us": ("t_us", "time (us)"),
    "min": ("time (min)", "Time [min]"),
    "iso": ("datetime", "timestamp"),
    "rdsamp": ("Time and date",),
}


@dataclass(frozen=True)
class _Style:
    """How a table writes its cells.

    form : of the numbers, as for format()
    """

    delimiter: str
    decimal: str
    missing: str
    minus: str
    form: str
    grouped: bool
    quoting: int

    def number(self, value: float, missed: bool = False) -> str:
        """Return a number as a cell; the sign for a missing one where it is missed."""
        if missed:
            return self.missing
        text = f"{value:{',' if self.grouped else ''}{self.form}}"
        text = text.translate(str.maketrans(",.", ".,")) if self.decimal == "," else text
        return text.replace("-", self.minus)

    def value(self, value: float) -> float:
        """Return the number that the cell says."""
        return float(f"{value:{self.form}}")


@dataclass(frozen=True)
class _Columns:
    """Labels, units below them, and cells by column; values as the cells say them, (leads, n), signs undone."""

    labels: list[str]
    below: list[str]
    cells: list[list[str]]
    values: np.ndarray


@st.composite
def _styles(draw: st.DrawFn, unit: str, is_ecg: bool) -> _Style:
    delimiter, decimal = draw(st.sampled_from((",", ";", "\t", "|", " "))), draw(st.sampled_from((".", ",")))
    forms = (".1f", ".2f") if is_ecg and unit == "uV" else (".4f", ".5f", ".6f", ".7e")
    form = draw(st.sampled_from(forms))
    quoting = csv.QUOTE_ALL if decimal == delimiter else draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    return _Style(
        delimiter,
        decimal,
        draw(st.sampled_from(MISSING[1:] if delimiter == " " else MISSING)),
        draw(st.sampled_from(("-", "-", "\u2212"))),
        form,
        draw(st.booleans()) and is_ecg and unit == "uV" and delimiter in ";|\t",
        csv.QUOTE_MINIMAL if delimiter == " " else quoting,
    )


def _times(kind: str, fs: float, n: int, style: _Style) -> list[str]:
    """Return the cells of a time column."""
    t = np.arange(n) / fs
    stamps = [_START + datetime.timedelta(seconds=float(x)) for x in t]
    clocks = {
        "clock": "%H:%M:%S.%f",
        "am": "%I:%M:%S.%f %p",
        "iso": "%Y-%m-%dT%H:%M:%S.%f",
        "rdsamp": "[%H:%M:%S.%f 13/01/2020]",
    }
    if kind in clocks:
        cells = [stamp.strftime(clocks[kind]) for stamp in stamps]
        return [cell.replace(" ", "T") for cell in cells] if style.delimiter == " " and kind != "am" else cells
    first, factor, decimals = {
        "s": (0.0, 1.0, 6),
        "ms": (0.0, 1e3, 4),
        "us": (0.0, 1e6, 1),
        "min": (0.0, 1 / 60, 9),
        "plain s": (0.0, 1.0, 5),
        "plain ms": (0.0, 1e3, 3),
        "unix s": (1.7e9, 1.0, 5),
        "unix ms": (1.7e12, 1e3, 2),
        "count": (0.0, fs, 0),
    }[kind]
    return [f"{first + x * factor:.{decimals}f}".replace(".", style.decimal) for x in t]


@st.composite
def _columns(draw: st.DrawFn, signal: Signal, style: _Style, timed: str, unit: tuple[str, str]) -> _Columns:
    """Draw the columns of a signal, of its times and of what else stands there, in any order."""
    (unit_at, unit_word), n = unit, signal.stored.shape[1]
    names, signs = draw(labelled(signal))
    factor = FACTORS[unit_word] if signal.is_ecg else 1.0
    physical = signal.stored * signal.step_mv / factor
    columns, values = [], []
    for name, row, sign in zip(names, physical, signs, strict=True):
        said = {"(": f"{name} ({unit_word})", "[": f"{name} [{unit_word}]", "_": f"{name}_{unit_word}"}
        cells = [style.number(sign * value, missed) for value, missed in zip(row, signal.gaps, strict=True)]
        columns.append((said.get(unit_at, name), unit_word, cells))
        values.append([sign * style.value(sign * value) * factor for value in row])
    if timed != "none":
        name = draw(st.sampled_from(_TIME_LABELS.get(timed, ("time", "Timestamp", "timestamp"))))
        columns.append((name, timed if timed in ("s", "ms") else "", _times(timed, signal.fs, n, style)))
    columns = draw(st.permutations(columns))
    if style.delimiter == " ":
        columns = [(name.replace(" ", "_"), below, cells) for name, below, cells in columns]
    others = (("patient", ["Jane Roe"] * n), ("hr", ["72"] * n), ("marker", [""] * n), ("", [str(i) for i in range(n)]))
    for name, cells in others:
        if style.delimiter != " " and draw(st.integers(0, 6)) == 0:
            columns.insert(draw(st.integers(0, len(columns))), (name, "", cells))
    labels, below, texts = (list(part) for part in zip(*columns, strict=True))
    return _Columns(labels, below, texts, np.where(signal.gaps, np.nan, np.array(values)))


@st.composite
def _notes(draw: st.DrawFn, fs: float, stated: bool) -> tuple[list[str], Answers]:
    """Draw lines above a table: distractions, and the rate where there is no clock, or the user's answer."""
    notes = draw(st.lists(st.sampled_from(DISTRACTIONS), max_size=3, unique=True))
    if not stated:
        return notes, Answers()
    if draw(st.integers(0, 3)) == 0:
        return notes, Answers(fs=fs)
    notes.insert(draw(st.integers(0, len(notes))), draw(st.sampled_from(RATES))(fs))
    return notes, Answers()


@st.composite
def _file(draw: st.DrawFn, columns: _Columns, style: _Style, notes: list[str], unit_row: bool) -> bytes:
    """Draw the bytes of a table: comments, lines that spreadsheets are told by, ends of lines, encoding."""
    rows = [columns.labels]
    if unit_row:
        form = draw(st.sampled_from(("{}", "({})", "[{}]")))
        rows.append([form.format(unit) if unit else "-" for unit in columns.below])
    if len(columns.cells) == 1 and draw(st.integers(0, 3)) == 0:
        rows.append([str(len(columns.cells[0]))])  # how many samples follow
    rows += [list(row) for row in zip(*columns.cells, strict=True)]
    table = _lines(rows, style, padded=draw(st.booleans()))
    if style.delimiter != " " and draw(st.integers(0, 4)) == 0:
        table = [line + style.delimiter for line in table]
    comment = draw(st.sampled_from(("# ", "", "% ")))
    comment = comment or ("# " if any(style.delimiter in note for note in notes) else "")
    head = [comment + note for note in notes]
    if style.delimiter in ",;" and draw(st.integers(0, 4)) == 0:
        head = [f"sep={style.delimiter}", *head]
    foot = draw(st.sampled_from(([], [], ["", ""], ["# end"])))
    newline = draw(st.sampled_from(("\n", "\r\n", "\r")))
    text = newline.join([*head, *table, *foot]) + newline
    narrow = "utf-8" if "\u2212" in text else "latin-1"
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", narrow)))
    return text.encode(encoding)


def _lines(rows: list[list[str]], style: _Style, *, padded: bool) -> list[str]:
    """Return the lines of rows, quoted as CSV is; where blanks are between the columns, these may be equally wide."""
    if style.delimiter == " " and padded:
        return ["".join(cell.rjust(28) for cell in row) for row in rows]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=style.delimiter, quoting=style.quoting, lineterminator="\n").writerows(rows)
    return buffer.getvalue().splitlines()


@st.composite
def tables(draw: st.DrawFn) -> Written:
    """Draw a table of one signal."""
    signal = draw(signals())
    unit = draw(st.sampled_from(("mV", "uV")))
    style = draw(_styles(unit, signal.is_ecg))
    timed = draw(st.sampled_from([kind for kind in TIMES if style.delimiter != " " or kind not in ("am", "rdsamp")]))
    unit_at = draw(st.sampled_from(("(", "[", "_", "row", "note", "answer"))) if signal.is_ecg else "answer"
    columns = draw(_columns(signal, style, timed, (unit_at, unit)))
    notes, answers = draw(_notes(signal.fs, timed in COUNTED))
    if unit_at == "note":
        notes.append(f"Unit: {unit}")
    data = draw(_file(columns, style, notes, unit_at == "row"))
    if timed == "plain ms" and signal.fs == 1000:
        answers = Answers(fs=signal.fs)  # 0.000, 1.000, 2.000 … may count samples
    if unit_at == "answer" and signal.is_ecg:
        answers = Answers(fs=answers.fs, units=unit)
    how = {"style": style, "labels": columns.labels, "timed": timed, "unit_at": unit_at, "notes": notes}
    how |= {"head": data[:300]}
    decimals = 7 if style.form.endswith("e") else int(style.form[1])
    step = np.full(len(signal.leads), 10.0**-decimals * (FACTORS[unit] if signal.is_ecg else 1.0))
    return Written([Upload("x.csv", data)], answers, signal.leads, signal.fs, columns.values, step, how)
