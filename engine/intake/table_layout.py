"""Where a table's header, units and rows are: delimiter, decimal sign, preamble, comments."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from engine.errors import IntakeError
from engine.intake.leads import lead_of, scale_of
from engine.intake.recognise import decode, is_manifest

_LOOKED_AT = 200  # lines searched for the start of the rows
_COMMENT = ("#", "%", "//")
_NUMBER = re.compile(r"^[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?$", re.IGNORECASE)
_BLANKS = {"", "-", "nan", "na", "n/a", "null", "none", "?"}
_UNIX_TIME = 1e9  # seconds; September 2001, before any wristband
_WRISTBAND_HZ = (16.0, 1000.0)
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_RATE = re.compile(
    r"(?:sampl\w*[ _]*(?:rate|freq\w*)?|frequency|freq|fs|rate)\W*(?:\(hz\)\W*)?[\s,;:=]+\"?(\d+(?:[.,]\d+)?)\s*(k?)",
    re.IGNORECASE,
)
_KEYED = re.compile(r"^\W*(lead|units?|channel)\W*[,;:=\t]\W*([^,;\t\"]+)", re.IGNORECASE)


@dataclass(frozen=True)
class TableLayout:
    """How a table is laid out.

    body     : the rows as text, without header
    header   : labels, one per column, or empty
    unit_row : units, one per column, where a line of units follows the header
    preamble : 1-based numbers of the lines above the table
    fs, lead, units : what the lines above the table say, or None, "", ""
    """

    body: str
    delimiter: str
    decimal: str
    quote: str
    width: int
    header: tuple[str, ...]
    unit_row: tuple[str, ...]
    preamble: tuple[int, ...]
    fs: float | None
    lead: str
    units: str


def lay_out(data: bytes) -> TableLayout:
    """Find a table's layout; IntakeError for a manifest and for text without rows of numbers."""
    text = decode(data) or ""
    if text.endswith("\x00"):
        text = text.rstrip("\x00")
    lines = text.splitlines()
    if is_manifest([line for line in lines if line.strip()][:1]):
        raise IntakeError("This is a manifest of many studies, not a recording: take it in with `casebind ingest`.")
    comments = [i for i, line in enumerate(lines[:_LOOKED_AT]) if line.lstrip().startswith(_COMMENT)]
    head = [i for i, line in enumerate(lines[:_LOOKED_AT]) if line.strip() and i not in comments]
    delimiter, quote = _delimiter([lines[i] for i in head])
    cells = {i: _split(lines[i], delimiter, quote) for i in head}
    first = _first_row(head, cells)
    width = len(cells[first])
    labels_at, units_at = _header(head, cells, first, width)
    stamped = None if labels_at is not None or width > 1 else _wristband(head, cells, first)
    if stamped is not None:
        first = head[head.index(first) + 2]
    above = tuple(sorted(set(comments) | {i for i in head if i < first and i not in (labels_at, units_at)}))
    notes = [lines[i].lstrip("#%/ \t") for i in above]
    start = [line for i, line in enumerate(lines[first:_LOOKED_AT], start=first) if i not in comments]
    body = "\n".join(start + lines[max(first, _LOOKED_AT) :])
    return TableLayout(
        body,
        delimiter,
        _decimal(cells, first, delimiter),
        quote,
        width,
        () if labels_at is None else tuple(cells[labels_at]),
        () if units_at is None else tuple(cells[units_at]),
        tuple(i + 1 for i in above),
        _stated_rate(notes) if stamped is None else stamped,
        _stated(notes, ("lead", "channel")),
        _stated(notes, ("unit", "units")),
    )


def _delimiter(lines: list[str]) -> tuple[str, str]:
    """Return delimiter and quote: the sign that splits the last lines into most and equally many cells."""
    quote = "'" if lines and lines[0].lstrip().startswith("'") else '"'
    tail = lines[-20:]
    best, most = ",", 0
    for sign in (";", "\t", "|", ",", " "):
        counts = {len(_split(line, sign, quote)) for line in tail}
        if len(counts) == 1 and (n := counts.pop()) > max(1, most):
            best, most = sign, n
            if sign in ";\t|":
                break
    return best, quote


def _split(line: str, delimiter: str, quote: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [
        cell.strip()
        for cell in next(csv.reader([line], delimiter=delimiter, quotechar=quote, skipinitialspace=True), [])
    ]


def _numeric(cells: list[str]) -> bool:
    """Return whether a line looks like a row of samples: at least one number, and no fewer numbers than words."""
    numbers = sum(bool(_NUMBER.match(cell)) for cell in cells)
    words = sum(cell.lower() not in _BLANKS and not _NUMBER.match(cell) and not _CLOCK.search(cell) for cell in cells)
    return (numbers >= 1 and numbers * 3 >= words) or (numbers == 0 and words == 0 and len(cells) > 1)


def _first_row(head: list[int], cells: dict[int, list[str]]) -> int:
    """Return the first line after which everything looked at is rows of one width."""
    first = None
    for i in reversed(head):
        if not _numeric(cells[i]) or (first is not None and len(cells[i]) != len(cells[first])):
            break
        first = i
    if first is None:
        raise IntakeError(
            "The table has no rows of numbers: export the trace with one row per sample and the leads in the "
            "first line."
        )
    return first


def _header(head: list[int], cells: dict[int, list[str]], first: int, width: int) -> tuple[int | None, int | None]:
    """Return the line of labels and the line of units below it; either may be absent."""
    above = [i for i in head if i < first and len(cells[i]) == width]
    if not above:
        return None, None
    last = above[-1]
    if (
        len(above) > 1
        and any(scale_of(cell) for cell in cells[last])
        and any(lead_of(cell) for cell in cells[above[-2]])
    ):
        return above[-2], last
    if width == 1 and not lead_of(cells[last][0]) and (_KEYED.match(cells[last][0]) or scale_of(cells[last][0])):
        return None, None
    return last, None


def _wristband(head: list[int], cells: dict[int, list[str]], first: int) -> float | None:
    """Return the rate of a wristband's export, whose one column starts with a Unix time and the rate, else None."""
    at = head.index(first)
    top = [cells[i][0].replace(",", ".") for i in head[at : at + 2]]
    if len(head) < at + 3 or not all(_NUMBER.match(cell) for cell in top):
        return None
    start, rate = map(float, top)
    return rate if start > _UNIX_TIME and _WRISTBAND_HZ[0] <= rate <= _WRISTBAND_HZ[1] else None


def _decimal(cells: dict[int, list[str]], first: int, delimiter: str) -> str:
    """Return the decimal sign; a comma only where it does not also separate the cells."""
    rows = [cell for i, row in cells.items() if i >= first for cell in row]
    commas = sum("," in cell for cell in rows if _NUMBER.match(cell))
    points = sum("." in cell for cell in rows if _NUMBER.match(cell))
    return "," if delimiter != "," and commas > points else "."


def _stated_rate(notes: list[str]) -> float | None:
    for note in notes:
        if match := _RATE.search(note):
            return float(match[1].replace(",", ".")) * (1000 if match[2] else 1)
    return None


def _stated(notes: list[str], keys: tuple[str, ...]) -> str:
    """Return what a line such as "Unit,µV" or "# lead: II" says; only leads and units are ever taken."""
    for note in notes:
        match = _KEYED.match(note)
        if match and match[1].lower() in keys and (lead_of(match[2]) or scale_of(match[2])):
            return match[2].strip()
    return ""
