"""The ratings file of another site, read row by row: what cannot stand is named with its row, in one sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from engine.errors import UsageError, brief
from engine.index.hamming import WORD_BITS
from engine.modalities import MODALITIES
from engine.plain_text import unescape_cell
from engine.report.ratings_csv import TABLE, decode_embedding
from engine.report.table_csv import dictionary
from engine.retrieval.answer import OPERATING_POINTS
from engine.store import ratings
from engine.store.records import Rating

MAX_BYTES, MAX_ROWS, MAX_CELL = 200_000_000, 200_000, 4000
OPTIONAL = ("guideline_version", "query_embedding", "embedding", "export_audit_id", "exported_at_utc", "notice")
Read = tuple[str, Callable[[str], Any]]


@dataclass(frozen=True, eq=False)
class ImportedRow:
    """One row of the file: the rating, with the site in its `source`, and what it says about the pair.

    number : of the row in the file, the header being 1
    query_vector, vector : (256,) float32, or None where the file holds no embeddings
    """

    number: int
    rating: Rating
    query_content: str
    query_modality: str
    query_labels: tuple[str, ...]
    query_synthetic: bool
    content: str
    modality: str
    labels: tuple[str, ...]
    synthetic: bool
    hamming: int | None
    query_encoder: str
    encoder: str
    query_vector: np.ndarray | None
    vector: np.ndarray | None


def read_ratings(data: bytes) -> list[ImportedRow]:
    """Return the rows of a file that `casebind ratings export` wrote; UsageError names the first that is wrong."""
    rows = [_row(number, cells) for number, cells in _cells(data)]
    first: dict[str, int] = {}
    for row in rows:
        seen = first.setdefault(row.rating.uid, row.number)
        if seen != row.number:
            raise UsageError(f"Row {row.number} has the uid of row {seen}, and each rating has its own: {_NOTHING}")
    return rows


_NOTHING = "nothing was imported; make the file anew with `casebind ratings export`."


def _cells(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield row number and cells by column."""
    table = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
    header: list[str] = []
    number = 0
    while True:
        number += 1
        try:
            cells = next(table)
        except StopIteration:
            break
        except csv.Error as error:
            raise UsageError(f"Row {number} is no row of a CSV file ({error}): {_NOTHING}") from error
        if number == 1:
            header = _header(cells)
        elif number > MAX_ROWS + 1:
            raise UsageError(f"The file has more than {MAX_ROWS:,} rows: import it in parts, nothing was imported.")
        elif cells:
            yield number, _named(number, header, cells)
    if not header:
        raise UsageError(f"The file is empty: {_NOTHING}")


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UsageError(f"The file has more than {MAX_BYTES // 1_000_000} MB: import it in parts.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"Row {row} is not UTF-8, so this is no file of exported ratings: {_NOTHING}") from error


def _header(cells: list[str]) -> list[str]:
    wanted = dictionary()[TABLE]
    missing = [name for name in wanted if name not in cells and name not in OPTIONAL]
    if missing:
        named = brief(", ".join(missing))
        raise UsageError(f"Row 1 lacks the columns {named}, so this is no file of exported ratings: {_NOTHING}")
    twice = [name for name in wanted if cells.count(name) > 1]
    if twice:
        raise UsageError(f"Row 1 has the column {twice[0]} twice: {_NOTHING}")
    return cells


def _named(number: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise UsageError(f"Row {number} has {len(cells)} cells under {len(header)} columns: {_NOTHING}")
    for name, cell in zip(header, cells, strict=True):
        if len(cell) > MAX_CELL:
            raise UsageError(f"Row {number} has {len(cell):,} characters in one cell ({brief(name)}): {_NOTHING}")
    return {name: unescape_cell(cell) for name, cell in zip(header, cells, strict=True)}


def _row(number: int, cells: dict[str, str]) -> ImportedRow:
    read: dict[str, Any] = {}
    for name, parse in COLUMNS.items():
        try:
            read[name] = parse(cells.get(name, ""))
        except (ValueError, OverflowError) as error:
            raise UsageError(f"Row {number} has '{brief(cells[name])}' as {name}: {_NOTHING}") from error
    if (read["query_embedding"] is None) != (read["embedding"] is None):
        raise UsageError(f"Row {number} has the embedding of one side only: {_NOTHING}")
    try:
        rating = ratings.checked(_rating(read))
    except UsageError as error:
        raise UsageError(f"Row {number} cannot stand, nothing was imported: {error}") from error
    if (rating.comment, rating.who) != (read["comment"], read["rater"]):
        raise UsageError(f"Row {number} holds control characters or space around words: {_NOTHING}")
    about = {name: read[name] for name in ImportedRow.__dataclass_fields__ if name in read}
    vectors = {"query_vector": read["query_embedding"], "vector": read["embedding"]}
    return ImportedRow(number, rating, hamming=read["hamming_bits"], **about, **vectors)


def _rating(read: dict[str, Any]) -> Rating:
    return Rating(
        0,
        read["query_id"],
        read["study_id"],
        read["mark"],
        read["rater"],
        read["release"],
        read["code_length_bits"],
        read["operating_point"],
        read["rated_at_utc"],
        read["why"],
        read["comment"],
        read["finding"],
        read["strategy"],
        read["random_share"],
        read["uid"],
        read["site"],
        guideline=read["guideline_version"],
    )


def _matching(pattern: str) -> Callable[[str], str]:
    """Return the reader of a cell that matches a pattern as a whole."""

    def read(cell: str) -> str:
        if not re.fullmatch(pattern, cell):
            raise ValueError(cell)
        return cell

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    return _matching("|".join(re.escape(word) for word in words))


def _line(most: int, least: int = 0) -> Callable[[str], str]:
    """Return the reader of printable words without space around them."""

    def read(cell: str) -> str:
        if ratings.printable(cell) != cell or not least <= len(cell) <= most:
            raise ValueError(cell)
        return cell

    return read


def _list(cell: str) -> tuple[str, ...]:
    return tuple(_line(MAX_CELL, 1)(one) for one in cell.split(";")) if cell else ()


def _yes(cell: str) -> bool:
    return _one_of("true", "false")(cell) == "true"


def _timestamp(cell: str) -> datetime:
    return datetime.strptime(cell, "%Y-%m-%dT%H:%M:%SZ")


def _bits(cell: str) -> int | None:
    return int(_matching(r"\d{1,3}")(cell)) if cell else None


def _vector(cell: str) -> np.ndarray | None:
    return decode_embedding(cell) if cell else None


COLUMNS: dict[str, Callable[[str], Any]] = {
    "uid": _matching(r"[0-9a-f]{32}"),
    "site": _line(ratings.MAX_NAME),
    "rater": str,
    "query_id": _line(200, 1),
    "query_content": _matching(r"[0-9a-f]{16}|"),
    "query_modality": _one_of(*MODALITIES),
    "query_labels": _list,
    "query_synthetic": _yes,
    "study_id": _line(200, 1),
    "content": _matching(r"[0-9a-f]{16}|"),
    "modality": _one_of(*MODALITIES),
    "labels": _list,
    "synthetic": _yes,
    "mark": str,
    "why": _list,
    "comment": str,
    "finding": str,
    "strategy": _matching(r"[a-z_]{0,40}"),
    "random_share": _yes,
    "guideline_version": lambda cell: int(_matching(r"\d{1,6}")(cell)) if cell else None,
    "rated_at_utc": _timestamp,
    "release": _line(ratings.MAX_NAME),
    "code_length_bits": lambda cell: int(_one_of(*(str(WORD_BITS * n) for n in (1, 2, 4)))(cell)),
    "operating_point": lambda cell: _one_of(*OPERATING_POINTS, "")(cell) or None,
    "hamming_bits": _bits,
    "query_encoder": _matching(r"[0-9a-f]{64}|"),
    "encoder": _matching(r"[0-9a-f]{64}|"),
    "query_embedding": _vector,
    "embedding": _vector,
}
