"""A text as clauses of items of words, each with the folded words that it may be.

A clause ends at . ; and line ends, an item at a comma. A word that nobody knows may be misspelt by one edit. In reports
a German compound that is no name is parted where it ends or begins with one: "Unterlappenatelektase", "ergussfrei".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.findings.names import forgiven_words, grammar, language, names_by_first, spoken_words
from engine.findings.spelling import folded, one_edit_away, stem

WORD_OR_MARK = re.compile(r"[^\W_]+|[.,;\n!?]")
CLAUSE_END, ITEM_END = ".;\n!?", ","
LINKS = ("", "s", "n", "en", "e")  # between the parts of a compound
ANSWERS = {"no", "si", "ja"}  # short words that end a sentence
INFLECTED = ("", "e", "er", "es", "en", "em")


@dataclass(frozen=True)
class TextWord:
    """A word of a text: as written, and the folded words that it may be; `spelt` where it is one as it stands."""

    raw: str
    readings: tuple[str, ...]
    spelt: bool = True

    @property
    def stems(self) -> tuple[str, ...]:
        """Return the stems that a name may have here; an everyday word has none."""
        return tuple(stem(one) for one in self.readings if one not in grammar().everyday)

    def is_any(self, listed: frozenset[str]) -> bool:
        """Say whether a reading is listed."""
        return any(reading in listed for reading in self.readings)


def clauses(text: str, report: frozenset[str] | None = None) -> list[list[list[TextWord]]]:
    """Return clauses of items of words; a dot after one or two letters ("li.", "o. B.") ends nothing.

    report : the words that a report's rules know; compounds are parted in a report. None for what somebody types
    """
    found: list[list[list[TextWord]]] = [[[]]]
    last = ""
    for one in WORD_OR_MARK.finditer(text):
        mark = one.group()
        inside = text[one.end() : one.end() + 1].isalnum() and mark in ".,"  # 7.5, d.h
        if mark in CLAUSE_END and not inside and not (mark == "." and _is_shortened(last)):
            found.append([[]])
        elif mark in ITEM_END and not inside:
            found[-1].append([])
        elif mark not in CLAUSE_END + ITEM_END:
            found[-1][-1] += _words(mark, report)
            last = mark
    return found


def _is_shortened(word: str) -> bool:
    """Say whether a dot after a word may belong to it: "li.", "o. B.", "1. Grades"; not "no." nor "V6."."""
    return len(word) <= 2 and folded(word) not in ANSWERS and not (len(word) == 2 and word[-1].isdigit())


def _words(raw: str, report: frozenset[str] | None) -> list[TextWord]:
    plain = folded(raw)
    parts = parted(plain) if report is not None and plain.isascii() else ()
    if plain in spoken_words() or plain in grammar().everyday or stem(plain) in _stems() or plain in (report or ()):
        return [TextWord(raw, (plain, *parts) if len(parts) == 1 and parts[0] != plain else (plain,))]
    if parts:
        return [TextWord(raw if n == 0 else part, (part,)) for n, part in enumerate(parts)]
    near = _corrected(plain) if plain.isascii() else ()
    return [TextWord(raw, near or (plain,), spelt=not near)]


@lru_cache(maxsize=1)
def _stems() -> frozenset[str]:
    return frozenset(stem(word) for word in spoken_words())


@lru_cache(maxsize=16384)
def _corrected(plain: str) -> tuple[str, ...]:
    return one_edit_away(plain, forgiven_words())


@lru_cache(maxsize=16384)
def parted(plain: str) -> tuple[str, ...]:
    """Return the parts of a folded German compound of a finding; () of another word.

    "unterlappenatelektase" → atelektase; "ergussfreie" → erguss, frei; "ergussbildung" → erguss
    """
    table = language("de")["compounds"]
    for ending, said in table["endings"].items():
        for inflected in INFLECTED:
            first = plain.removesuffix(ending + inflected)
            if first != plain and (name := _named(first)):
                return (name, said) if said else (name,)
    name = _named(plain, table["modifiers"])
    return (name,) if name else ()


def _named(word: str, modifiers: Sequence[str] = ()) -> str:
    """Return the name in which a word ends: what is left without a link, or after a modifier; "" of another word."""
    for link in LINKS:
        if word.endswith(link) and _is_name(whole := word[: len(word) - len(link)]):
            return whole
    for modifier in modifiers or language("de")["compounds"]["modifiers"]:
        rest = word.removeprefix(modifier)
        if rest != word:
            for link in LINKS:
                if rest.startswith(link) and _is_name(rest[len(link) :]):
                    return rest[len(link) :]
    return ""


def _is_name(word: str) -> bool:
    """Say whether a word is a finding's name of its own."""
    return len(word) > 4 and any(len(name.stems) == 1 for name in names_by_first().get(stem(word), ()))
