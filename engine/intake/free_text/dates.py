"""Dates of a day or a month, and ages of 90 and more; a year alone says little and stays (45 CFR 164.514(b)(2))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.intake.free_text.spans import Span, any_of, everywhere

_YEAR = r"(?:19|20)\d{2}"
_DAY, _MONTH_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_LOWER = any_of(  # in any case
    *(
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ),
    *("januar", "jänner", "februar", "feber", "märz", "maerz", "juni", "juli", "oktober", "dezember"),
    *("janvier", "février", "fevrier", "mars", "avril", "mai", "juin", "juillet", "août", "aout", "septembre"),
    *("octobre", "novembre", "décembre", "decembre"),
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "setiembre", "octubre"),
    *("noviembre", "diciembre"),
)
_SHORT = any_of(
    *("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sept?", "Oct", "Nov", "Dec", "Mrz", "Okt", "Dez"),
    *("janv", "févr", "avr", "juil", "déc", "ene", "abr", "ago", "dic"),
)
_NAME = rf"(?:(?i:{_LOWER})|May|Mai|(?i:{_SHORT})\b\.?)"
_TIME = r"(?:[T ,]{1,2}\d{1,2}[:.h]\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\b)?)?"
_OF = r"(?:\s+(?:of|de|del))?"
_ORDINAL = r"(?:st|nd|rd|th|er|º|ª|\.)?"
_BEFORE = any_of(r"\b(?i:on|since|from|dated|until|vom|am|seit|bis|zum|du|le|depuis|el|del|al|desde)")
_NUMERIC = (
    rf"{_YEAR}[-/.]{_MONTH_NUMBER}[-/.]{_DAY}",
    rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    rf"{_DAY}\.\s?{_MONTH_NUMBER}\.\s?(?:{_YEAR}|\d{{2}}(?!\d|[.,]\d))",
    rf"(?:{_DAY}[/]{_MONTH_NUMBER}|{_MONTH_NUMBER}[/]{_DAY})[/](?:{_YEAR}|\d{{2}}(?!\d))",
    rf"(?:{_DAY}-{_MONTH_NUMBER}|{_MONTH_NUMBER}-{_DAY})-{_YEAR}",
    rf"(?<![\d/.]){_MONTH_NUMBER}[/.]{_YEAR}",
)
_WRITTEN = (
    rf"{_DAY}{_ORDINAL}{_OF}[ -]?{_NAME}(?:{_OF},?[ -]?{_YEAR})?",
    rf"{_NAME}\s(?:the\s)?{_DAY}(?:st|nd|rd|th)?(?:,?\s{_YEAR})?(?!\d|[.,/:]\d|\s?(?:%|mm|cm|ms|m[lgV]))",
    rf"{_NAME}{_OF},?\s{_YEAR}",
)
_DATES = re.compile(rf"(?<![\w.,/-])(?:{'|'.join((*_NUMERIC, *_WRITTEN))}){_TIME}(?![\w]|[-/]\d)")
_WITHOUT_YEAR = re.compile(
    rf"{_BEFORE}\s(?P<it>(?:0?[1-9]|[12]\d|3[01])(?:\.{_MONTH_NUMBER}\.|/{_MONTH_NUMBER}(?![\d/])|/{_DAY}(?![\d/])))"
)
_AGES = re.compile(
    r"(?<![\d.,/])(?P<it>(?:9\d|1[0-2]\d)(?:[ -]?(?i:year|yr|jähr)\w*(?:[ -]old)?|\s?(?i:y/?o)\b"
    r"|[ -](?i:jahre?n?|ans|años)\b(?:\s(?i:alte?[rns]?)\b)?))"
)


def dates(text: str) -> Iterator[Span]:
    """Yield where a day, or a month of a year, is named."""
    yield from everywhere(_DATES, text)
    yield from everywhere(_WITHOUT_YEAR, text)


def ages(text: str) -> Iterator[Span]:
    """Yield where an age of 90 and more is named."""
    yield from everywhere(_AGES, text)
