"""Excel tables of data sets that publish no other."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import UsageError


def sheet_rows(file: Path, first: str, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a workbook's first sheet as text, from the row on that holds the heading `first`.

    Raises UsageError, one sentence, where the workbook is missing, damaged or lacks a column.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    if not file.is_file():
        raise UsageError(f"The folder {file.parent.name} has no {file.name}: download it from the data set's page.")
    try:
        sheet = load_workbook(file, read_only=True, data_only=True).worksheets[0]
        read = sheet.iter_rows(values_only=True)
        cells = [["" if cell is None else str(cell).strip() for cell in row] for row in read]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise UsageError(f"The workbook {file.name} cannot be read: download it again.") from error
    start = next((number for number, row in enumerate(cells) if first in row), None)
    header = cells[start] if start is not None else []
    absent = sorted({first, *columns} - set(header))
    if absent or start is None:
        raise UsageError(f"The workbook {file.name} has no column {absent[0]}: use the file as it was published.")
    for row in cells[start + 1 :]:
        if any(row):
            yield dict(zip(header, row, strict=False))
