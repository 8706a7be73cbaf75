"""Facts about a patient and a recording as people write them in a table: what can be read is read, the rest is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

MAX_AGE = 130.0  # years; more is a slip of the pen
MAX_WORDS = 40  # characters of a view
SPACINGS_MM = (0.01, 10.0)  # between pixels of a film; beyond, the cell is in another unit
SEXES = {
    **dict.fromkeys(("f", "female", "w", "woman", "weiblich", "frau", "femme", "féminin", "mujer", "femenino"), "F"),
    **dict.fromkeys(("m", "male", "man", "männlich", "mann", "homme", "masculin", "hombre", "masculino"), "M"),
    **dict.fromkeys(("o", "other", "d", "divers", "diverse"), "O"),
}
UNITS = ("mV", "uV", "au", "sd")
_SPELT = {"mv": "mV", "uv": "uV", "µv": "uV", "μv": "uV", "au": "au", "a.u.": "au", "sd": "sd"}
_NUMBER = r"\d+(?:[.,]\d+)?"
_YEARS = {
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "yo", "y/o", "j", "jahr", "jahre", "an", "ans", "año"), 1.0),
    **dict.fromkeys(("años", "jahren", "year-old", "years old", "a"), 1.0),
    **dict.fromkeys(("m", "mo", "mos", "mon", "month", "months", "monat", "monate", "monaten", "mois", "mes"), 1 / 12),
    **dict.fromkeys(("meses", "mth", "mths"), 1 / 12),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "woche", "wochen", "semaine", "semaines"), 1 / 52.18),
    **dict.fromkeys(("semana", "semanas"), 1 / 52.18),
    **dict.fromkeys(("d", "day", "days", "tag", "tage", "tagen", "jour", "jours", "día", "días"), 1 / 365.25),
}
_UNIT = "|".join(sorted(map(re.escape, _YEARS), key=len, reverse=True))
_SPAN = re.compile(rf"({_NUMBER})\s*({_UNIT})(?![^\W\d])\.?[\s,]*(?:and\s+|und\s+)?")
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|–|to|bis)\s*({_NUMBER})\s*({_UNIT})?")
_LIMIT = re.compile(rf"(?:[>≥]=?\s*({_NUMBER})|({_NUMBER})\s*\+)\s*({_UNIT})?")
_HZ = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*(k?hz|sps|samples/s|samples per second)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")  # a thousand, or one with three decimals
_DATES = ("%Y%m%d", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d%H%M%S")


@dataclass(frozen=True)
class Fact:
    """What one cell says.

    value  : None where it cannot be read
    remark : what a reader of the table should know, such as "the age '1-5' is a range, read as its middle, 3"; "" where
             the cell says plainly what it means
    """

    value: Any
    remark: str = ""


def age_of(cell: str) -> Fact:
    """Read an age: years as a number, with a unit ("045Y", "6 months"), at least ("90+"), or a range ("1-5")."""
    words = " ".join(cell.lower().split())
    if re.fullmatch(_NUMBER, words):
        return _age(cell, _decimal(words))
    if parts := _spans(words):
        return _age(cell, sum(parts))
    if match := _LIMIT.fullmatch(words):
        years = _decimal(match[1] or match[2]) * _YEARS[match[3] or "y"]
        return _age(cell, years, "at least")
    if match := _RANGE.fullmatch(words):
        unit = _YEARS[match[3] or "y"]
        return _age(cell, (_decimal(match[1]) + _decimal(match[2])) / 2 * unit, "a range, read as its middle")
    return _unread("age", cell, "is no number of years")


def rate_of(cell: str) -> Fact:
    """Read a sampling rate: a number, with or without Hz or kHz."""
    match = _HZ.fullmatch(cell.strip())
    if match is None:
        return _unread("fs", cell, "is no rate in Hz")
    if _THOUSANDS.fullmatch(match[1]):
        return _unread("fs", cell, "has two meanings (a comma before three digits)")
    value = _decimal(match[1]) * (1000.0 if (match[2] or "").lower() == "khz" else 1.0)
    return Fact(value) if 0 < value < 1e6 else _unread("fs", cell, "cannot be")


def spacing_of(cell: str) -> Fact:
    """Read the distance of pixels in mm: one number, or those of rows and of columns with ";" between them."""
    words = [one.strip() for one in cell.lower().removesuffix("mm").split(";")]
    if len(words) > 2 or not all(re.fullmatch(_NUMBER, one) for one in words):
        return _unread("spacing_mm", cell, "is no distance in mm")
    values = [_decimal(one) for one in words]
    if not all(SPACINGS_MM[0] <= one <= SPACINGS_MM[1] for one in values):
        return _unread("spacing_mm", cell, "cannot be")
    return Fact((values[0], values[-1]))


def units_of(cell: str) -> Fact:
    """Read the units of a trace; one of UNITS."""
    known = _SPELT.get(cell.strip().lower())
    return Fact(known) if known else _unread("units", cell, f"are none of {', '.join(UNITS)}")


def sex_of(cell: str) -> Fact:
    """Read a sex: F, M or O, as letters or as words of four languages."""
    known = SEXES.get(cell.strip().lower())
    return Fact(known) if known else _unread("sex", cell, "is none of F, M and O")


def date_of(cell: str) -> Fact:
    """Read a date or a moment as ISO 8601; a year, or a year and a month, stand as they are."""
    words = cell.strip()
    if re.fullmatch(r"\d{4}", words) or (re.fullmatch(r"\d{4}-\d{2}", words) and _exists(f"{words}-01")):
        return Fact(words)
    if _exists(words) and "-" in words:
        return Fact(words)
    for form in _DATES:
        try:
            moment = datetime.strptime(words, form)
        except ValueError:
            continue
        return Fact(moment.isoformat() if "%H" in form else moment.date().isoformat())
    return _slashed(cell)


def view_of(cell: str) -> Fact:
    """Read the view of a film: some words on one line."""
    words = " ".join(cell.split())
    return Fact(words) if len(words) <= MAX_WORDS and words.isprintable() else _unread("view", cell, "is no view")


def _age(cell: str, years: float, how: str = "") -> Fact:
    if not 0 <= years <= MAX_AGE:
        return _unread("age", cell, "cannot be")
    value = round(years, 4)
    return Fact(value, f"the age '{_short(cell)}' is {how}{',' if ',' in how else ''} {value:g}" if how else "")


def _spans(words: str) -> list[float]:
    """Return the years of each span of "1 y 6 months"; none where something else stands between them."""
    at, parts = 0, []
    while at < len(words):
        match = _SPAN.match(words, at)
        if match is None:
            return []
        parts.append(_decimal(match[1]) * _YEARS[match[2]])
        at = match.end()
    return parts


def _slashed(cell: str) -> Fact:
    """Read 13/02/2024 or 02/13/2024, where only one order is a date."""
    match = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", cell.strip())
    if match is None:
        return _unread("acquired_at", cell, "is no date")
    first, second, year = (int(part) for part in match.groups())
    found = {(month, day) for month, day in ((first, second), (second, first)) if _is_day(year, month, day)}
    if len(found) != 1:
        return _unread("acquired_at", cell, "is no date of one meaning")
    ((month, day),) = found
    return Fact(date(year, month, day).isoformat())


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _exists(words: str) -> bool:
    try:
        datetime.fromisoformat(words)
    except ValueError:
        return False
    return True


def _decimal(digits: str) -> float:
    return float(digits.replace(",", "."))


def _unread(name: str, cell: str, why: str) -> Fact:
    return Fact(None, f"the {name} '{_short(cell)}' {why}, so {'they are' if name == 'units' else 'it is'} left out")


def _short(cell: str) -> str:
    words = "".join(char if char.isprintable() else "�" for char in " ".join(cell.split()))
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS - 1]}…"
