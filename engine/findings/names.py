"""The findings that people type: what each is (vocabulary.toml), and how it is written (names/<language>.toml)."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.findings.spelling import stem, words_of

LANGUAGES = ("en", "de", "es", "fr")
CONJUNCTIONS = frozenset({"and", "or", "und", "oder", "y", "e", "o", "u", "et", "ou"})
SHORT = 3  # letters up to which an abbreviation may be an everyday word
Phrase = tuple[str, ...]  # folded words


@dataclass(frozen=True)
class Finding:
    """One row of vocabulary.toml, which says what each field means; `name` is its key."""

    name: str
    modalities: tuple[str, ...]
    broader: tuple[str, ...] = ()
    otherwise: str = ""
    scp: tuple[str, ...] = ()


@dataclass(frozen=True)
class Name:
    """One way to write a finding.

    stems    : its words without endings
    weak     : an everyday word too, which counts among clinical words alone
    capitals : the words as they must be written, of a code; () for a name in any case
    absent   : whether it says that the finding is not there ("heart of normal size")
    """

    finding: str
    written: str
    language: str
    stems: Phrase
    weak: bool = False
    capitals: Phrase = ()
    absent: bool = False


@dataclass(frozen=True)
class Grammar:
    """The words around findings, of all languages together.

    adverbs : may stand inside a denial or a name;  inside : deny within a name
    """

    function: frozenset[str]
    context: frozenset[str]
    everyday: frozenset[str]
    before: tuple[Phrase, ...]
    after: tuple[Phrase, ...]
    unless: tuple[Phrase, ...]
    until: tuple[Phrase, ...]
    inside: frozenset[str]
    alternatives: frozenset[str]
    adverbs: frozenset[str]
    sides: dict[Phrase, str]


@lru_cache(maxsize=1)
def known_findings() -> dict[str, Finding]:
    """Return every finding by its name, in the order of vocabulary.toml."""
    rows = _toml("vocabulary.toml")
    return {
        name: Finding(
            name,
            modalities=tuple(row["modalities"]),
            broader=tuple(row.get("broader", ())),
            otherwise=row.get("otherwise", ""),
            scp=tuple(row.get("scp", ())),
        )
        for name, row in rows.items()
    }


@lru_cache(maxsize=len(LANGUAGES))
def language(code: str) -> dict[str, Any]:
    """Return names/<code>.toml."""
    return _toml(f"names/{code}.toml")


@lru_cache(maxsize=1)
def all_names() -> tuple[Name, ...]:
    """Return every way to write every finding."""
    names = [_name(finding, finding, "en") for finding in known_findings()]
    for code in LANGUAGES:
        for finding, written in language(code)["names"].items():
            names += [_name(finding, one, code) for one in written]
    for one in known_findings().values():
        names += [_code(one.name, code) for code in one.scp]
    return tuple(names)


@lru_cache(maxsize=1)
def names_by_first() -> dict[str, tuple[Name, ...]]:
    """Return first stem → the names that begin with it, the longest first; turned and absent ones among them."""
    found: dict[str, list[Name]] = defaultdict(list)
    for name in (*all_names(), *_turned_names(), *_absent_names()):
        found[name.stems[0]].append(name)
    return {first: tuple(sorted(names, key=lambda name: -len(name.stems))) for first, names in found.items()}


def _turned_names() -> Iterator[Name]:
    """Yield the names that begin or end with a predicate, turned: "enlarged heart" → "heart enlarged"."""
    predicates = {stem(word) for code in LANGUAGES for one in language(code)["predicates"] for word in words_of(one)}
    for name in all_names():
        first, *middle, last = name.stems if len(name.stems) > 1 else ("", "")
        if not name.capitals and first in predicates:
            yield replace(name, stems=(*middle, last, first))
        elif not name.capitals and last in predicates:
            yield replace(name, stems=(last, first, *middle))


def _absent_names() -> Iterator[Name]:
    """Yield the ways to write that a finding is not there."""
    for code in LANGUAGES:
        for finding, written in language(code)["absent"].items():
            yield from (replace(_name(finding, one, code), absent=True) for one in written)


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """Return the words around findings."""
    tables = [language(code) for code in LANGUAGES]

    def phrases(section: str, key: str) -> tuple[Phrase, ...]:
        every = {words_of(one) for table in tables for one in table[section][key]}
        return tuple(sorted(every, key=lambda words: (-len(words), words)))

    def words(key: str) -> frozenset[str]:
        return frozenset(word for table in tables for one in table[key] for word in words_of(one))

    sides = ("left", "right", "bilateral")
    return Grammar(
        function=words("function"),
        context=words("context"),
        everyday=words("everyday"),
        before=phrases("negation", "before"),
        after=phrases("negation", "after"),
        unless=phrases("negation", "unless"),
        until=phrases("negation", "until"),
        inside=frozenset(word for table in tables for word in table["negation"]["inside"]),
        alternatives=frozenset(word for table in tables for word in table["negation"]["or"]),
        adverbs=frozenset(word for table in tables for word in table["negation"]["adverbs"]),
        sides={words_of(one): side for table in tables for side in sides for one in table["sides"][side]},
    )


@lru_cache(maxsize=1)
def spoken_words() -> frozenset[str]:
    """Return every folded word that a name or the words around it hold."""
    rules = grammar()
    phrases = (*rules.before, *rules.after, *rules.unless, *rules.until, *rules.sides)
    around = (
        rules.function
        | rules.context
        | rules.alternatives
        | rules.adverbs
        | {word for phrase in phrases for word in phrase}
    )
    return around | {word for name in (*all_names(), *_absent_names()) for word in words_of(name.written)}


@lru_cache(maxsize=1)
def forgiven_words() -> tuple[str, ...]:
    """Return the folded words for which a misspelt one may stand: those of names, denials and sides."""
    rules = grammar()
    around = {word for phrase in (*rules.before, *rules.after, *rules.sides) for word in phrase}
    inside = {word for name in all_names() if not name.capitals for word in words_of(name.written)}
    return tuple(sorted((around | inside) - rules.function))


@lru_cache(maxsize=1024)
def with_narrower(finding: str) -> frozenset[str]:
    """Return a finding and every kind of it."""
    kinds = [one.name for one in known_findings().values() if finding in one.broader]
    return frozenset({finding}).union(*(with_narrower(kind) for kind in kinds))


def _name(finding: str, written: str, code: str) -> Name:
    """Return a name without the words that join; they stay where nothing else would."""
    words, skipped = words_of(written), _joining(code)
    stems = tuple(stem(word) for word in words if word not in skipped) or tuple(map(stem, words))
    return Name(finding, written, code, stems, words in _weak(code) or len("".join(words)) <= SHORT)


@lru_cache(maxsize=len(LANGUAGES))
def _joining(code: str) -> frozenset[str]:
    """Return the words that are left out of a language's names; "and" stays."""
    return frozenset(word for one in language(code)["function"] for word in words_of(one)) - CONJUNCTIONS


@lru_cache(maxsize=len(LANGUAGES))
def _weak(code: str) -> frozenset[Phrase]:
    return frozenset(words_of(one) for one in language(code)["weak"])


def _code(finding: str, code: str) -> Name:
    capitals = tuple(re.findall("[A-Z0-9]+", code))
    return Name(finding, code, "scp", tuple(map(stem, words_of(code))), len(capitals[0]) <= SHORT + 1, capitals)


def _toml(path: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / path).read_text(encoding="utf-8"))
