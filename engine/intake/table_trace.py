"""CSV and TSV → Trace: one row a sample, leads in the header; other columns never leave this module."""

from __future__ import annotations

import io

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.assemble import assemble, channel
from engine.intake.leads import GENERIC_ECG, lead_of, phrase, split_units
from engine.intake.table_layout import TableLayout, lay_out
from engine.intake.table_time import is_time, sampled
from engine.intake.upload import Answers, ReaderInput
from engine.study import PPG_LEAD, IdentityRow, Study

_NOT_A_LEAD = "no lead or pulse wave; other columns may hold names or numbers of a person"


def read_table(given: ReaderInput) -> Study:
    """Return the study in a table; QuestionError for rate or units that it leaves open."""
    layout, answers = lay_out(given.file.data), given.answers
    columns = _columns(layout)
    labels, units = _labels(layout, answers)
    timed = next((i for i, label in enumerate(labels) if is_time(label) and lead_of(label) is None), None)
    signal = [i for i, label in enumerate(labels) if i != timed and lead_of(label) is not None]
    if not signal:
        raise IntakeError(
            "No column of the table is named as an ECG lead (I, II, … V6) or PPG: name the columns in the "
            "first line, one row per sample."
        )
    values = np.stack([_numbers(columns[i]) for i in signal])
    if timed is None:
        fs = _stated_rate(layout, answers)
    else:
        values, fs = sampled(values, columns[timed], units[timed] or labels[timed])
    channels = [
        channel(labels[i], values[row], fs, units=units[i] or layout.units, position=f"column {i + 1}")
        for row, i in enumerate(signal)
    ]
    result = assemble(channels, answers)
    rows = tuple(
        IdentityRow(f"line {n} above the table", "removed", "free text may hold a name") for n in layout.preamble
    )
    rows += tuple(
        IdentityRow(f"column {i + 1}", "removed", _NOT_A_LEAD)
        for i in range(len(labels))
        if i not in signal and i != timed
    )
    rows += tuple(IdentityRow(f"column {i + 1}", "kept", f"read as {lead_of(labels[i])}") for i in signal)
    if timed is not None:
        rows += (
            IdentityRow(f"column {timed + 1} (time)", "replaced", "kept as sampling rate; the time of day is dropped"),
        )
    kind = "TSV" if layout.delimiter == "\t" else "CSV"
    return Study(result.modality, result.trace, phrase(kind, result.trace, result.remark), rows + result.rows)


def _columns(layout: TableLayout) -> list[list[str] | np.ndarray]:
    """Parse the body; numeric columns become float arrays, others stay text."""
    import pandas as pd

    whitespace = layout.delimiter == " "
    try:
        frame = pd.read_csv(
            io.StringIO(layout.body),
            sep=r"\s+" if whitespace else layout.delimiter,
            header=None,
            names=range(layout.width),
            index_col=False,
            decimal=layout.decimal,
            quotechar=layout.quote,
            skipinitialspace=True,
            comment="#",
            skip_blank_lines=layout.width == 1 or whitespace,
            on_bad_lines="error",
            low_memory=False,
        )
    except (pd.errors.ParserError, ValueError) as error:
        raise IntakeError(
            "The rows of the table have different numbers of columns: export it again with one row per sample."
        ) from error
    return [
        frame[i].to_numpy() if frame[i].dtype.kind in "fiub" else frame[i].astype(str).to_list()
        for i in range(layout.width)
    ]


def _numbers(column: list[str] | np.ndarray) -> np.ndarray:
    """Return a column as (n,) float64; cells that are no number are missing (NaN)."""
    import pandas as pd

    if isinstance(column, np.ndarray):
        return column.astype(np.float64)
    values = pd.to_numeric(pd.Series(column, dtype="string").str.strip(), errors="coerce")
    return np.array(values, dtype=np.float64)


def _labels(layout: TableLayout, answers: Answers) -> tuple[list[str], list[str]]:
    """Return label and unit of each column; a single unnamed column is named by the preamble or the answer."""
    if layout.header:
        split = [split_units(cell) for cell in layout.header]
        units = [own or below for (_, own), below in zip(split, layout.unit_row or [""] * layout.width, strict=False)]
        labels = [label for label, _ in split]
    else:
        labels, units = [""] * layout.width, [""] * layout.width
    if layout.width == 1 and lead_of(labels[0]) is None:
        labels = [layout.lead or {"ppg": PPG_LEAD, "ecg": GENERIC_ECG}.get(answers.modality or "", "")]
        if not labels[0]:
            raise QuestionError(
                "The table has one column without a lead's name: say whether it is an ECG or a PPG.",
                field="modality",
                choices=("ecg", "ppg"),
            )
    if not layout.header and not any(labels):
        raise IntakeError(
            "The table has no header line, so its leads are unknown: name the columns (I, II, … V6, or PPG) in "
            "the first line."
        )
    return labels, units


def _stated_rate(layout: TableLayout, answers: Answers) -> float:
    """Return the rate of a table without a time column, Hz: from the lines above it, else from the answer."""
    fs = layout.fs if layout.fs is not None else answers.fs
    if fs is None:
        raise QuestionError(
            "The table has no time column, so its rate is open: say how many samples there are per second.", field="fs"
        )
    if not np.isfinite(fs) or fs <= 0:
        raise IntakeError(
            f"The sampling rate {fs:g} Hz is not a positive number: give the number of samples per second."
        )
    return float(fs)
