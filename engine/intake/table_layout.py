"""Where a table's header, units and rows are: delimiter, quotes, preamble, comments."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import IntakeError
from engine.intake.labels import read_label
from engine.intake.recognise import decode, is_manifest
from engine.intake.table_notes import is_keyed, listed_channels, named_columns, stated
from engine.intake.table_numbers import BLANKS, NUMBER
from engine.intake.table_time import is_stamp, is_time
from engine.intake.units import is_trend, scale_of

_LOOKED_AT = 200  # lines searched for the start of the rows
_TAIL = 20  # of these, the last ones show what a row is
_SAMPLED = 2000  # further rows looked at for the way in which numbers are written
_COMMENT = ("#", "%", "//")
_CELL_ERROR = re.compile(r"\s*#(?:n/a|num!|div/0!|value!|ref!|name\?|null!)", re.IGNORECASE)  # of a spreadsheet
_SEPARATOR_LINE = re.compile(r"""^["']?sep=(\\t|.)["']?$""", re.IGNORECASE)  # how spreadsheets are told
_OPENED = re.compile(r'(?:^|[,;\t|])\s*"[^"]*$')  # a quoted cell that the line does not end
_WHOLE_PAIR = re.compile(
    r"^[-+]?\d+,\d+(?:e[-+]?\d+)?$", re.IGNORECASE
)  # one number with a decimal comma, or two whole numbers


@dataclass(frozen=True)
class TableLayout:
    """How a table is laid out.

    rows      : the lines of the rows, without header, comments and blank lines
    delimiter : between cells; "" where there is one column, " " for any number of blanks
    quote     : around cells
    width     : cells of a row
    header    : labels, one per column, or empty
    unit_row  : units, one per column, where a line of units follows the header
    preamble  : 1-based numbers of the lines above the table
    notes     : the text of these lines
    """

    rows: list[str]
    delimiter: str
    quote: str
    width: int
    header: tuple[str, ...]
    unit_row: tuple[str, ...]
    preamble: tuple[int, ...]
    notes: tuple[str, ...]

    def cells(self, lines: Iterable[str]) -> list[list[str]]:
        """Return the cells of lines."""
        return [split(line, self.delimiter, self.quote) for line in lines]

    def looked_at(self) -> list[list[str]]:
        """Return the cells of the first rows and of some along the table, by column."""
        step = max(1, len(self.rows) // _SAMPLED)
        rows = self.cells(self.rows[:_LOOKED_AT] + self.rows[_LOOKED_AT::step])
        return [[cells[i] if i < len(cells) else "" for cells in rows] for i in range(self.width)]


def lay_out(data: bytes) -> TableLayout:
    """Find a table's layout; IntakeError for a manifest and for text without rows of numbers."""
    text = (decode(data) or "").rstrip("\x00")
    lines = re.split("\r\n|\r|\n", re.sub("[\u2212\u2013](?=[\\d.,])", "-", text) if "\u2212" in text else text)
    lines = _joined(lines[:_LOOKED_AT]) + lines[_LOOKED_AT:]
    if is_manifest([line for line in lines if line.strip()][:1]):
        raise IntakeError("This is a manifest of many studies, not a recording: take it in with `casebind ingest`.")
    head = [i for i, line in enumerate(lines[:_LOOKED_AT]) if line.strip() and not _is_comment(line)]
    said = _SEPARATOR_LINE.match(lines[head[0]].strip()) if head else None
    if said is not None:
        head = head[1:]
    quote = "'" if head and lines[head[0]].lstrip().startswith("'") else '"'
    texts = [lines[i] for i in head]
    notes_of_comments = [_bare(line) for line in lines[:_LOOKED_AT] if _is_comment(line)]
    delimiter = said[1].replace("\\t", "\t") if said else _delimiter(texts, notes_of_comments, quote)
    cells = {i: split(lines[i], delimiter, quote) for i in head}
    first, width = _first_row(head, cells)
    if delimiter == " ":
        cells |= {i: _words(lines[i], quote) for i in head if i < first and len(cells[i]) != width}
    named = _named(head, cells, (first, width), notes_of_comments)
    rows = _rows(lines[first:], width)
    counted = _is_count(cells[first], len(rows) - 1)
    above = [
        i
        for i, line in enumerate(lines[:_LOOKED_AT])
        if _is_comment(line) or (line.strip() and i < first + counted and i not in named.lines)
    ]
    return TableLayout(
        rows[counted:],
        delimiter,
        quote,
        width,
        _filled(named.header, width),
        _filled(named.units, width),
        tuple(i + 1 for i in above),
        tuple(_bare(lines[i]) for i in above),
    )


def _joined(lines: list[str]) -> list[str]:
    """Return lines with those joined between which a quoted cell of a header goes on, such as "II\\n(mV)"."""
    joined: list[str] = []
    opened = 0  # lines that the open cell has
    for line in lines:
        odd = line.count('"') % 2 == 1
        if opened:
            joined[-1] += f" {line}"
            opened = 0 if odd or opened > 5 else opened + 1
        else:
            joined.append(line)
            opened = int(odd and _OPENED.search(line) is not None)
    return joined


@dataclass(frozen=True)
class _Named:
    """Labels and units of the columns, each empty where there are none, and the lines that hold them."""

    header: Sequence[str] = ()
    units: Sequence[str] = ()
    lines: tuple[int, ...] = ()


def _named(head: list[int], cells: dict[int, list[str]], start: tuple[int, int], comments: list[str]) -> _Named:
    """Return what names the columns of a table whose first row and width are `start`.

    It is a list of channels, a line of the table, or a comment, in this order.
    """
    first, width = start
    labels_at, units_at, by_lead = _header(head, cells, first, width)
    before = [",".join(cells[i]) for i in head if i < first]
    listed = listed_channels(before)
    if listed and width - len(listed) in (0, 1):
        timed = [f"time ({cells[labels_at][0]})"] if width > len(listed) and labels_at is not None else []
        labels, units = zip(*listed, strict=True)
        return _Named((*timed, *labels), (*([""] * len(timed)), *units))
    if not by_lead and (in_comment := named_columns(comments, width)):
        return _Named(in_comment)
    lines = tuple(i for i in (labels_at, units_at) if i is not None)
    return _Named(
        () if labels_at is None else cells[labels_at], () if units_at is None else _unbracketed(cells[units_at]), lines
    )


def _filled(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Return exactly `width` cells, or none where there are none."""
    return tuple([*cells, *([""] * width)][:width]) if cells else ()


def _is_count(cells: list[str], n: int) -> bool:
    """Return whether a row says how many rows follow, as some exports do above the samples."""
    counts = [cell for cell in cells if cell]
    return n > 0 and bool(counts) and all(cell == str(n) for cell in counts)


def split(line: str, delimiter: str, quote: str) -> list[str]:
    """Return the cells of one line by the rules of CSV, without the empty one after a last delimiter."""
    if delimiter == "":
        return [line.strip().strip(quote).strip()]
    if delimiter == " ":
        return [cell.strip(quote) for cell in line.split()]
    return [
        cell.strip()
        for cell in next(csv.reader([line], delimiter=delimiter, quotechar=quote, skipinitialspace=True), [])
    ]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(_COMMENT) and not _CELL_ERROR.match(line)


def _bare(line: str) -> str:
    return line.strip().lstrip("#%/ \t")


def _rows(lines: list[str], width: int) -> list[str]:
    """Return the rows below the first one; a blank line in a table of one column is a missing sample."""
    rows = [line for line in lines if not _is_comment(line)]
    while rows and not rows[-1].strip():
        rows.pop()
    blank = sum(not line.strip() for line in rows)
    doubled = blank >= 0.4 * len(rows)  # every line is followed by a blank one
    return rows if blank == 0 or (width == 1 and not doubled) else [line for line in rows if line.strip()]


def _delimiter(lines: list[str], comments: list[str], quote: str) -> str:
    """Return the sign that splits the last lines into equally many cells, most of them numbers; "" for one column."""
    tail = lines[-_TAIL:]
    best, most = "", (0.0, 0)
    for sign in (";", "\t", "|", ",", " "):
        rows = [_trimmed(split(line, sign, quote)) for line in tail]
        width = max((len(row) for row in rows), default=0)
        if max((len(split(line, sign, quote)) for line in tail), default=0) < 2:
            continue
        full = [row for row in rows if len(row) == width]
        values = [cell for row in full for cell in row]
        share = sum(_is_value(cell) for cell in values) / max(1, len(values))
        if sign == "," and quote not in "".join(tail) and any(_is_two(cell) for cell in values):
            share = 0.0
        numeric = share * len(full) / max(1, len(rows))
        if (round(numeric, 1), width) > most and width * len(full) > 0:
            best, most = sign, (round(numeric, 1), width)
            if sign in ";\t|" and numeric > 0.3:
                break
    return "" if best == "," and _is_decimal_comma(lines, comments, quote) else best


def _is_decimal_comma(lines: list[str], comments: list[str], quote: str) -> bool:
    """Return whether lines such as "20,014" are one column with decimal commas and not two columns.

    Raises IntakeError where nothing in the table settles it.
    """
    tail = [line.strip() for line in lines if _WHOLE_PAIR.match(line.strip())]
    if not all(_WHOLE_PAIR.match(line.strip()) for line in lines[-_TAIL:]):
        return False
    others = [line for line in lines if not _WHOLE_PAIR.match(line.strip())]
    header = split(others[-1], ",", quote) if others and not is_keyed(others[-1]) else []
    two = len(header) == 2 and any(read_label(cell).lead or is_time(cell) for cell in header)
    one = len(header) == 1 and read_label(header[0]).lead is not None
    named = one or bool(stated([*others, *comments], ("lead", "channel", "label", "signal")))
    surely = any(re.match(r"^-0,|^[-+]?\d+,0\d", line) for line in tail)
    if two and not surely:
        return False
    if named or (surely and not two):
        return True
    raise IntakeError(
        "The commas of the table may be decimal signs or stand between two columns: export it again with a header "
        "line, or with semicolons between the columns."
    )


def _is_value(cell: str) -> bool:
    return cell.lower() in BLANKS or NUMBER.match(cell) is not None or is_stamp(cell)


def _is_two(cell: str) -> bool:
    """Return whether a cell between commas is two numbers: the middle of "8,5 190,2", with decimal commas."""
    return " " in cell and _is_value(cell) and not is_stamp(cell)


def _trimmed(cells: list[str]) -> list[str]:
    """Return cells without the empty ones after the last delimiter."""
    return cells[:-1] if len(cells) > 1 and cells[-1] == "" else cells


def _first_row(head: list[int], cells: dict[int, list[str]]) -> tuple[int, int]:
    """Return the first line from which on lines are rows, and the cells of a row."""
    tail = head[-_TAIL:]
    width = max((len(cells[i]) for i in tail), default=0)
    full = [cells[i] for i in tail if len(cells[i]) == width]
    numeric = [sum(_is_number(row[k]) for row in full) * 2 > len(full) for k in range(width)]

    def is_row(i: int) -> bool:
        row = cells[i]
        values = [cell for cell, wanted in zip(row, numeric, strict=False) if wanted]
        return len(row) == width and all(_is_number(cell) for cell in values)

    for at, i in enumerate(head):
        says = any(_is_value(cell) and cell not in ("", "-", "--") for cell in cells[i])
        if any(numeric) and says and all(is_row(k) for k in head[at : at + 3]):
            ended = width > 1 and all(row[-1] == "" for row in full)  # by a delimiter, or the last column is empty
            named = any(len(_trimmed(cells[k])) == width and _names_leads(cells[k]) for k in head[:at])
            return i, width - (ended and not named)
    raise IntakeError(
        "The table has no rows of numbers: export the trace with one row per sample and the leads in the first line."
    )


def _is_number(cell: str) -> bool:
    return cell.lower() in BLANKS or NUMBER.match(cell) is not None


def _header(
    head: list[int], cells: dict[int, list[str]], first: int, width: int
) -> tuple[int | None, int | None, bool]:
    """Return the line of labels and the line of units below it, either may be absent, and whether a label is a lead."""
    above = as_wide = [i for i in head if i < first and width in (len(cells[i]), len(_trimmed(cells[i])))]
    if width == 1:
        above = [
            i for i in above if read_label(cells[i][0]).lead or not (is_keyed(cells[i][0]) or scale_of(cells[i][0]))
        ]
    if not above:
        _check_header(cells[above_all[-1]] if (above_all := [i for i in head if i < first]) else [], width)
        return None, None, False
    leads = {i: sum(read_label(cell).lead is not None for cell in cells[i]) for i in above}
    named = [i for i in above if leads[i] and not (width == 2 and is_keyed(",".join(cells[i])))]
    labels = named[-1] if named else above[-1]
    units = [i for i in as_wide if i > labels and any(scale_of(c) or is_trend(c) for c in _unbracketed(cells[i]))]
    return labels, units[0] if units else None, bool(named)


def _check_header(last: list[str], width: int) -> None:
    """Raise IntakeError where the line above the rows names leads, and not as many columns as there are cells."""
    if len(last) > 1 and width > 1 and _names_leads(last):
        raise IntakeError(
            f"The header of the table has {len(last)} columns and its rows have {width}: export it again, with "
            "semicolons between the columns where numbers have decimal commas."
        )


def _names_leads(cells: list[str]) -> bool:
    """Return whether a line is a header with leads, and not one such as "Lead,II" above a table."""
    return any(read_label(cell).lead for cell in cells) and not is_keyed(",".join(cells))


def _words(line: str, quote: str) -> list[str]:
    """Return the cells of a header between blanks, of which a bracket belongs to what stands before it."""
    parts = re.findall(r"[^\s(\[]*(?:\s?[(\[][^)\]]*[)\]])?", line.strip())
    return [part.strip(quote) for part in parts if part]


def _unbracketed(cells: list[str]) -> list[str]:
    return [cell.strip("()[]{}<> ") for cell in cells]
