"""Cells of a table → numbers: one decimal sign and one grouping sign for the whole table, or a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import IntakeError

BLANKS = {"", "-", "--", "nan", "na", "n/a", "null", "none", "?", "inf", "-inf", "missing"}
BLANKS |= {"#n/a", "#num!", "#div/0!", "#value!", "#ref!", "#name?", "#null!"}  # errors of a spreadsheet
GROUPING = " '’\u00a0\u202f"
NUMBER = re.compile(
    rf"^[-+]?(?:(?:[1-9]\d{{0,2}}(?:[.,{GROUPING}]\d{{3}})+|\d+)(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?$", re.IGNORECASE
)
_ONE_SIGN = re.compile(r"^[-+]?(\d*)([.,])(\d*)(e[-+]?\d+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class NumberStyle:
    """How a table writes numbers; `remark` says which reading was taken where two can be defended."""

    decimal: str = "."
    grouping: str = ""
    remark: str = ""

    @property
    def plain(self) -> bool:
        """Whether every number is as a program writes it."""
        return self.decimal == "." and not self.grouping


def number_style(columns: Iterable[Sequence[str]]) -> NumberStyle:
    """Return how the numbers in a table's columns are written; IntakeError where they contradict each other.

    One cell can settle it for all: "0,5" has a decimal comma, "1.234,5" points between the thousands. Cells such as
    "20,014" settle nothing; where all of a column are like that, the comma is taken for a decimal sign, which is said.
    Beside whole numbers such as "986" in the same column, "2.700" has its point between the thousands.
    """
    settled: set[tuple[str, str]] = set()  # (decimal sign, grouping sign) that some cell can only mean
    open_columns = []  # of those with "20,014" alone, whether each cell has its comma
    for cells in columns:
        numbers = [cell for cell in cells if NUMBER.match(cell)]
        own = {found for cell in numbers if (found := _settles(cell)) is not None}
        settled |= own or _grouped_by_points(numbers)
        if any(_is_open(cell) for cell in numbers):
            open_columns.append(all("," in cell for cell in numbers))
    decimals = {decimal for decimal, _ in settled if decimal}
    groupings = {grouping for _, grouping in settled if grouping}
    if len(decimals) > 1 or len(groupings) > 1 or decimals & groupings:
        raise IntakeError(
            "The signs in the numbers of the table contradict each other (decimal points, commas, thousands): export "
            "it again with one decimal sign and none between thousands."
        )
    grouping = next(iter(groupings), "")
    if decimals or grouping in (".", ","):
        decimal = next(iter(decimals), "," if grouping == "." else ".")
        return NumberStyle(decimal, grouping or ("," if open_columns and decimal == "." else ""))
    if not open_columns:
        return NumberStyle(".", grouping)
    if all(open_columns):
        return NumberStyle(",", grouping, "commas read as decimal signs")
    return NumberStyle(".", ",")


def checked_words(words: Iterable[str]) -> None:
    """Raise IntakeError where one of the cells that are no numbers only looks like one."""
    if any(re.search(r"\d", word) and word.lower() not in BLANKS and not re.match(r"^-?1\.#", word) for word in words):
        raise IntakeError(
            "A column of the table has cells that are neither a number nor empty: export it again with plain numbers."
        )


def _settles(cell: str) -> tuple[str, str] | None:
    """Return the (decimal sign, grouping sign) that a cell can only mean, each "" where it says nothing of it."""
    body = cell.lower().partition("e")[0]
    signs = [char for char in body if not char.isdigit() and char not in "+-"]
    spaced = next((sign for sign in signs if sign in GROUPING), "")
    marks = [sign for sign in signs if sign in ".,"]
    if len(set(marks)) == 2:
        return marks[-1], marks[0]
    if len(marks) > 1:
        return "", marks[0]
    if not marks:
        return ("", spaced) if spaced else None
    if spaced:
        return marks[0], spaced
    match = _ONE_SIGN.match(cell)
    if match is None or (len(match[3]) == 3 and 1 <= len(match[1]) <= 3 and match[1][0] != "0" and not match[4]):
        return None  # "20,014" and "20.014"
    return match[2], ""


def _grouped_by_points(numbers: Sequence[str]) -> set[tuple[str, str]]:
    """Return the grouping sign of a column where whole numbers of up to three digits stand beside "2.700"."""
    grouped = [cell.lstrip("+-") for cell in numbers if "." in cell]
    whole = [cell.lstrip("+-") for cell in numbers if cell.lstrip("+-").isdigit()]
    mixed = grouped and any(cell != "0" for cell in whole) and all(len(cell) <= 3 for cell in whole)
    return {("", ".")} if mixed and all(re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", cell) for cell in grouped) else set()


def _is_open(cell: str) -> bool:
    """Return whether a cell is like "20,014": a comma that may be a decimal or a grouping sign."""
    return "," in cell and _settles(cell) is None


def normal(cell: str, style: NumberStyle) -> str:
    """Return a cell as a program writes the number; unchanged where it is no number in this style."""
    whole = cell.partition(style.decimal)[0]
    if style.grouping and style.grouping in whole:
        if not re.fullmatch(rf"[-+]?\d{{1,3}}(?:{re.escape(style.grouping)}\d{{3}})+", whole):
            return cell
        cell = whole.replace(style.grouping, "") + cell[len(whole) :]
    if style.decimal == "," and "." in cell:
        return f"{cell}?"  # a point without meaning in this table
    return cell.replace(style.decimal, ".", 1)
