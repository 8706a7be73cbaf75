"""CSV and TSV → Trace: one row a sample, leads in the header; other columns never leave this module."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.assemble import assemble, channel
from engine.intake.gaps import without_gaps
from engine.intake.labels import GENERIC_ECG, read_label, says_nothing
from engine.intake.leads import phrase
from engine.intake.table_cells import Cells, numbers, plain_cells
from engine.intake.table_layout import TableLayout, lay_out, split
from engine.intake.table_notes import stated, stated_rates
from engine.intake.table_numbers import NumberStyle, number_style
from engine.intake.table_time import SAME_RATE, Timed, is_time, sampled
from engine.intake.units import is_trend
from engine.intake.upload import Answers, ReaderInput
from engine.study import PPG_LEAD, IdentityRow, Study

_NOT_A_LEAD = "no lead or pulse wave; other columns may hold names or numbers of a person"
_APART = 1.6  # rates of two time columns contradict each other by more; coarse stamps of a short trace by less


@dataclass(frozen=True)
class _Columns:
    """Which columns hold what; labels and units as written, one per column."""

    labels: list[str]
    units: list[str]
    timed: list[int]
    signal: list[int]


def read_table(given: ReaderInput) -> Study:
    """Return the study in a table; QuestionError for rate or units that it leaves open."""
    layout, answers = lay_out(given.file.data), given.answers
    columns = _columns(layout, answers)
    looked_at = layout.looked_at()
    style = number_style(looked_at[i] for i in columns.signal + columns.timed)
    cells = _cells(layout, columns.signal + columns.timed, style)
    values = np.stack([without_gaps(_numbers(cells[i], style)) for i in columns.signal])
    timed = _timed(values, (layout, columns, cells), style, answers)
    units = stated(layout.notes, ("unit", "einheit"))
    channels = [
        channel(columns.labels[i], row, timed.fs, units=columns.units[i] or units, position=f"column {i + 1}")
        for i, row in zip(columns.signal, timed.values, strict=True)
    ]
    result = assemble(channels, answers)
    remark = ", ".join(said for said in (result.remark, timed.remark, style.remark) if said)
    kind = "TSV" if layout.delimiter == "\t" else "CSV"
    rows = _identity(layout, columns) + result.rows
    return Study(result.modality, result.trace, phrase(kind, result.trace, remark), rows)


def _columns(layout: TableLayout, answers: Answers) -> _Columns:
    """Return the columns by their labels; a single unnamed column is named by the lines above it or the answer."""
    labels = list(layout.header) or [""] * layout.width
    units = list(layout.unit_row) or [""] * layout.width
    free = [i for i, label in enumerate(labels) if layout.width == 1 or not is_time(label)]
    at = free[0] if free else 0
    open_label = len(free) == 1 and (layout.width == 1 or says_nothing(labels[at]))
    if open_label and read_label(labels[at]).lead is None and not is_trend(read_label(labels[at]).units):
        stated_lead = stated(layout.notes, ("lead", "channel", "label", "signal", "kanal", "ableitung"))
        units[at] = units[at] or read_label(labels[at]).units
        labels[at] = stated_lead or {"ppg": PPG_LEAD, "ecg": GENERIC_ECG}.get(answers.modality or "", "")
        if not labels[at]:
            raise QuestionError(
                "The table has one column without a lead's name: say whether it is an ECG or a PPG.",
                field="modality",
                choices=("ecg", "ppg"),
            )
    if not any(labels):
        raise IntakeError(
            "The table has no header line, so its leads are unknown: name the columns (I, II, … V6, or PPG) in "
            "the first line."
        )
    timed = [i for i, label in enumerate(labels) if is_time(label) and read_label(label).lead is None]
    signal = [i for i, label in enumerate(labels) if i not in timed and _is_signal(label, units[i])]
    if not signal:
        raise IntakeError(
            "No column of the table is named as an ECG lead (I, II, … V6) or PPG: name the columns in the "
            "first line, one row per sample."
        )
    return _Columns(labels, units, timed, signal)


def _is_signal(label: str, units: str) -> bool:
    """Return whether a column is named as a wave; one that is named so and holds a trend is refused later."""
    found = read_label(label)
    return found.lead is not None or (is_trend(units or found.units) and bool(_without(label, found.units)))


def _without(label: str, units: str) -> str | None:
    return read_label(label.replace(units, "") if units else label).lead


def _cells(layout: TableLayout, used: list[int], style: NumberStyle) -> Cells:
    """Return the cells of some columns: float arrays where all are plain numbers, else texts."""
    if not layout.delimiter:
        return {0: [split(line, "", layout.quote)[0] for line in layout.rows]}
    _check_widths(layout, max(used) + 1)
    if style.plain and not any(layout.quote in line for line in layout.rows):
        return plain_cells(layout.rows, layout.delimiter, layout.width, used)
    if layout.delimiter == " ":
        rows: list[list[str]] = layout.cells(layout.rows)
    else:
        rows = list(csv.reader(layout.rows, delimiter=layout.delimiter, quotechar=layout.quote, skipinitialspace=True))
    return {i: [row[i].strip() if i < len(row) else "" for row in rows] for i in used}


def _check_widths(layout: TableLayout, needed: int) -> None:
    """Raise IntakeError where a row has more cells than the first one, or too few; the last may have been cut off.

    The last delimiter of a line begins no cell.
    """
    if layout.delimiter == " ":
        counted = [len(line.split()) for line in layout.rows]
    elif any(layout.quote in line for line in layout.rows):
        counted = [len(cells) for cells in layout.cells(layout.rows)]
    else:
        counted = [line.count(layout.delimiter) + 1 for line in layout.rows]
    longest = max(n - _ends(line, layout.delimiter) for n, line in zip(counted, layout.rows, strict=True))
    if longest > layout.width or min(counted[:-1], default=needed) < needed:
        raise IntakeError(
            "The rows of the table have different numbers of columns: export it again with one row per sample."
        )


def _ends(line: str, delimiter: str) -> bool:
    return delimiter != " " and line.rstrip(" ").endswith(delimiter)


def _numbers(column: Sequence[str] | np.ndarray, style: NumberStyle) -> np.ndarray:
    """Return a column as (n,) float64; cells that are no number are missing (NaN)."""
    return column if isinstance(column, np.ndarray) else numbers(column, style)


def _timed(
    values: np.ndarray, table: tuple[TableLayout, _Columns, Cells], style: NumberStyle, answers: Answers
) -> Timed:
    """Return the values at their times: by the time column, at the rate that is answered or stated without one."""
    layout, columns, cells = table
    if answers.fs is not None and not (np.isfinite(answers.fs) and answers.fs > 0):
        raise IntakeError(
            f"The sampling rate {answers.fs:g} Hz is not a positive number: give the number of samples per second."
        )
    rates = stated_rates(layout.notes)
    known = answers.fs if answers.fs is not None else rates[0] if len(rates) == 1 else None
    problem: IntakeError | None = None
    found: list[Timed] = []
    for i in columns.timed:
        try:
            label = f"{layout.header[i]} {columns.units[i]}"
            found.append(sampled(values, cells[i], label, style=style, stated=known))
        except IntakeError as error:
            problem = problem or error
    if found:
        return found[0] if answers.fs is not None else _agreeing(found, rates)
    if answers.fs is not None:
        return Timed(values, float(answers.fs))
    if problem is not None:
        raise problem
    if known is None:
        listed = " and ".join(f"{rate:g} Hz" for rate in rates[:3])
        raise QuestionError(
            f"The lines above the table state several sampling rates ({listed}): say which one is the trace's."
            if rates
            else "The table has no time column, so its rate is open: say how many samples there are per second.",
            field="fs",
        )
    return Timed(values, float(known))


def _agreeing(found: list[Timed], rates: list[float]) -> Timed:
    """Return the first time column's reading that no stated rate and no other time column contradicts."""
    if not rates and max(one.fs for one in found) > _APART * min(one.fs for one in found):
        listed = " and ".join(f"{one.fs:.4g} Hz" for one in found)
        raise QuestionError(f"The time columns of the table give {listed}: say which is right.", field="fs")
    agreeing = [one for one in found if not rates or any(abs(one.fs / rate - 1) <= SAME_RATE for rate in rates)]
    if not agreeing:
        raise QuestionError(
            f"The lines above the table state {rates[0]:g} Hz and its time column {found[0].fs:.4g} Hz: say which is "
            "right.",
            field="fs",
        )
    return agreeing[0]


def _identity(layout: TableLayout, columns: _Columns) -> tuple[IdentityRow, ...]:
    """Return what became of every line above the table and of every column."""
    rows = [IdentityRow(f"line {n} above the table", "removed", "free text may hold a name") for n in layout.preamble]
    used = columns.signal + columns.timed
    rows += [IdentityRow(f"column {i + 1}", "removed", _NOT_A_LEAD) for i in range(layout.width) if i not in used]
    for i in columns.signal:
        lead = read_label(columns.labels[i]).lead
        rows += [IdentityRow(f"column {i + 1}", "kept", f"read as {lead}")] if lead else []
    for i in columns.timed:
        reason = "kept as sampling rate; the time of day is dropped"
        rows.append(IdentityRow(f"column {i + 1} (time)", "replaced", reason))
    return tuple(rows)
