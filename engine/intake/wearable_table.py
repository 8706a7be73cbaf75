"""Tables of wearables → Trace: an Apple Watch's ECG in any language, Polar's pulse wave, Fitbit's ECG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import Channel, assemble, check_announced
from engine.intake.labels import read_label
from engine.intake.leads import phrase
from engine.intake.recognise import decode
from engine.intake.table_trace import read_table
from engine.intake.units import scale_of
from engine.intake.upload import ReaderInput, Upload
from engine.intake.wearable_look import LIGHTS, RATES_HZ, RECORDED, VALUE, apple_rate, is_fitbit, is_polar, names_of
from engine.study import PPG_LEAD, IdentityRow, Study

FITBIT_HZ = 250.0  # where the reading does not say: 7,500 samples are 30 s
DELTA = "delta"  # the column of time in one kind of Polar's tables: a clock, or the step from the row before
MAX_JITTER = 0.05  # of a step of time, against the median
_UNITS_S = (1.0, 1e-3, 1e-6, 1e-9)  # a thousand apart: with one of them at most a step is of a rate in RATES_HZ
_START = IdentityRow("time of start", "replaced", "the year alone is kept")
_ABOUT = IdentityRow("name, date of birth, symptoms and device", "removed", "may identify a person")
_PRINTED = IdentityRow("what the device printed", "removed", "no label")
_DAMAGED = "The ECG of the wearable holds a line that is no number, so it is damaged: export it again."


def read_wearable(given: ReaderInput) -> Study:
    """Return the study in a table of a wearable; IntakeError where it is damaged, QuestionError for open units."""
    lines = [line.strip() for line in (decode(given.file.data) or "").splitlines() if line.strip()]
    if is_fitbit(lines):
        return _fitbit(given, lines)
    return _polar(given, lines) if is_polar(lines[0]) else _apple(given, lines)


def _apple(given: ReaderInput, lines: list[str]) -> Study:
    """Return the ECG below the lines of the head; its one lead is I, also where the language's word is not known."""
    first = next((i for i in range(len(lines) - 1) if all(map(VALUE.match, lines[i : i + 2]))), len(lines))
    above, fs = lines[:first], apple_rate(lines[:first]) or 0.0
    check_announced(len(lines) - first, 1, fs)
    said = [line.partition(",")[2].strip(' "') for line in above]
    lead = next((found.lead for words in said if (found := read_label(words)).lead), "I")
    units = next((words for words in reversed(said) if scale_of(words)), "")
    year = next((match[1][:4] for line in above if (match := RECORDED.match(line))), "")
    return _study(given, "Apple Watch", Channel(lead, _values(lines[first:]), fs, units, "column 1"), year)


def _values(lines: Sequence[str]) -> np.ndarray:
    """Return numbers as (n,) float64: the last sign of each is its decimal one, whichever the language has."""
    if not lines or not all(map(VALUE.match, lines)):
        raise IntakeError(_DAMAGED)
    marks = {re.sub(r"[^.,]", "", line)[-1:] for line in lines} - {""}
    if len(marks) > 1 or any(line.count(mark) > 1 for mark in marks for line in lines):
        raise IntakeError(
            "The numbers of the wearable's ECG have decimal commas and decimal points, so it is damaged: export it "
            "again."
        )
    decimal = next(iter(marks), ".")
    grouping = "." if decimal == "," else ","
    return np.array([float(line.replace(grouping, "").replace(decimal, ".").replace("−", "-")) for line in lines])


def _fitbit(given: ReaderInput, lines: list[str]) -> Study:
    """Return the ECG of one reading: a line of names, then a line whose bracket holds the samples."""
    before, _, rest = lines[1].partition("[")
    inside, closed, _ = rest.partition("]")
    cells = dict(zip(names_of(lines[0]), (cell.strip(' "') for cell in before.split(",")), strict=False))
    try:
        values = np.array([float(word) for word in re.split(r"[\s,]+", inside) if word])
    except ValueError:
        values = np.empty(0)
    if not closed or values.size == 0:
        raise IntakeError(_DAMAGED)
    fs, factor = _positive(cells.get("sampling_frequency", "")), _positive(cells.get("scaling_factor", ""))
    check_announced(values.size, 1, fs or FITBIT_HZ)
    year = re.search(r"\b(?:19|20)\d\d\b", cells.get("reading_time", ""))
    scaled, units = (values / factor, "mV") if factor else (values, "")
    return _study(given, "Fitbit", Channel("I", scaled, fs or FITBIT_HZ, units, "column 1"), year[0] if year else "")


def _positive(cell: str) -> float:
    """Return a number above 0, or 0 where a cell holds none."""
    try:
        value = float(cell)
    except ValueError:
        return 0.0
    return value if 0 < value < 1e9 else 0.0


def _study(given: ReaderInput, name: str, channel: Channel, year: str) -> Study:
    result = assemble([channel], given.answers)
    words = phrase(name, result.trace, result.remark)
    rows = (_START, _ABOUT, _PRINTED, *result.rows)
    return Study(result.modality, result.trace, words, rows, facts={"acquired_at": year} if year else {})


def _polar(given: ReaderInput, lines: list[str]) -> Study:
    """Return the pulse wave of the first light, read as any table is once its columns have the field's names."""
    names, answers = names_of(lines[0]), given.answers
    light = next(light for light in LIGHTS if light in names)
    between = next(sign for sign in ";\t," if sign in lines[0])
    if DELTA in names and answers.fs is None:
        answers = replace(answers, fs=_rate_of_steps(lines[1:], between, names.index(DELTA)))
    renamed = between.join(PPG_LEAD if name == light else "left out" if name == DELTA else name for name in names)
    table = Upload(given.file.name, "\n".join([renamed, *lines[1:]]).encode())
    study = read_table(replace(given, file=table, answers=answers))
    return replace(study, recognised=re.sub("^[CT]SV", "Polar", study.recognised))


def _rate_of_steps(rows: Sequence[str], between: str, column: int) -> float:
    """Return the rate, Hz, by a column that is a clock or holds the step from the row before, in whatever unit."""
    try:
        told = np.array([float(row.split(between)[column]) for row in rows])
    except (ValueError, IndexError) as error:
        raise IntakeError(
            "A column of the table has cells that are neither a number nor empty: export it again with plain numbers."
        ) from error
    steps = np.diff(told) if np.all(np.diff(told) > 0) else told[1:]
    step = float(np.median(steps)) if steps.size else 0.0
    fitting = [fs for unit in _UNITS_S if step > 0 and RATES_HZ[0] <= (fs := 1 / (step * unit)) <= RATES_HZ[1]]
    if not fitting or float(np.median(np.abs(steps - step))) > MAX_JITTER * step:
        raise IntakeError(
            "The steps of time in the table are uneven, or of no rate that a wearable has: export it again with a "
            "column of timestamps."
        )
    return fitting[0]
