"""The table of a manifest as spreadsheets write it → one row of cells each; a row that is no CSV carries its reason.

Commas, semicolons or tabs, UTF-8 or marked UTF-16, with or without Excel's line "sep=;".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from engine.errors import UsageError

NEEDED = ("file", "modality")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = ",;\t"
_STATED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_BOM = "\ufeff"

Row = dict[str, str] | str  # cells by column, with SURPLUS where there are more of them; or why it is no row
SURPLUS = ""


def table_rows(file: Path) -> list[Row]:
    """Return the rows of a manifest; UsageError where it is no table with the needed columns, or ends inside a cell."""
    text, wide = _text(file)
    stated = _STATED.match(text)
    text = text[stated.end() :] if stated else text
    records = _records(file, text, stated[1] if stated else _separator(text))
    head = next(records, [])
    if isinstance(head, str):
        raise UsageError(f"The first line of the manifest {file.name} is no header of a CSV file: {head}.")
    names = _names(file, head, wide)
    rows = [_row(names, record) for record in records if record]
    if not rows:
        raise UsageError(f"The manifest {file.name} has no rows: add one row per study.")
    return rows


def _text(file: Path) -> tuple[str, bool]:
    """Return the text, bytes that are no UTF-8 as surrogates, and whether it was UTF-16."""
    try:
        data = file.read_bytes()
        if data.startswith(_WIDE):
            return data.decode("utf-16"), True
    except FileNotFoundError as error:
        raise UsageError(f"There is no manifest {file}: name a manifest.csv or a folder that holds one.") from error
    except (OSError, UnicodeError) as error:
        raise _unreadable(file) from error
    return data.decode("utf-8", "surrogateescape").lstrip(_BOM), False


def _separator(text: str) -> str:
    """Return what stands between the names of the needed columns in the first line; a comma where nothing does."""
    line = text.partition("\n")[0].replace('"', "").lower()

    def names(separator: str) -> set[str]:
        return {name.strip() for name in line.split(separator)}

    return next((one for one in _SEPARATORS if set(NEEDED) <= names(one)), ",")


def _records(file: Path, text: str, separator: str) -> Iterator[list[str] | str]:
    """Yield each record's cells, or why it is none; the reader goes on with the line after a bad one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.line_num
            where = f"line {last}" if first == last else f"lines {first} to {last}"
            if "unexpected end" in str(error) or ("limit" in str(error) and first != last):
                raise UsageError(
                    f"The manifest {file.name} cannot be read: the quote that opens in line {first} is not closed."
                ) from error
            if "limit" in str(error):
                yield f"{where} holds a cell of more than {csv.field_size_limit():,} characters: shorten it"
            else:
                yield f"a quote is out of place in {where}: double each quote inside a quoted cell"


def _names(file: Path, head: list[str], wide: bool) -> list[str]:
    """Return the names of the columns, "" for one without; in lower case where only that makes them the needed ones."""
    names = [name.strip() for name in head]
    try:
        "".join(names).encode()
    except UnicodeError as error:
        raise _unreadable(file) from error
    if not set(NEEDED) <= set(names):
        names = [name.lower() for name in names]
    if missing := " and ".join(sorted(set(NEEDED) - set(names))):
        if wide:
            raise _unreadable(file)
        raise UsageError(f"The manifest {file.name} has no column {missing}: add it, with one row per study.")
    twice = next((name for name in names if name and names.count(name) > 1), "")
    if twice:
        raise UsageError(f"The manifest {file.name} has the column {twice} twice: leave one of them.")
    return names


def _row(names: list[str], record: list[str] | str) -> Row:
    if isinstance(record, str):
        return record
    cells = [*record, *[""] * (len(names) - len(record))]
    row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
    nameless = [cell for name, cell in zip(names, cells, strict=False) if not name] + cells[len(names) :]
    return row | ({SURPLUS: " ".join(nameless)} if any(cell.strip() for cell in nameless) else {})


def _unreadable(file: Path) -> UsageError:
    return UsageError(f"The manifest {file} cannot be read as UTF-8 CSV: save it as CSV (UTF-8) again.")
