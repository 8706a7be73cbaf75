"""Names of people: behind a title or a role, beside who signs or is written to, or a given name with a surname.

Only words with a capital count. Words of medicine, eponyms of signs and German nouns are none (`no_names.toml`);
the words beside which names stand are in `name_words.toml`.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engine.intake.free_text.spans import CAPITALISED, CAPITALS, INITIAL, Span, any_of, everywhere

SHORTEST = 5  # letters of a name in capitals behind a role; fewer are an abbreviation: "Patient COPD"
LOCALES = ("en_US", "de_DE", "es_ES", "fr_FR")
_HERE = Path(__file__).parent
_WORDS = tomllib.loads((_HERE / "name_words.toml").read_text(encoding="utf-8"))


def _among(kind: str) -> str:
    """Return a pattern for any of the words of one kind."""
    return any_of(*filter(None, _WORDS[kind].split("\n")))


_PARTICLE, _TITLE = _among("particles"), _among("titles")
_WORD = rf"(?:{CAPITALISED}|{CAPITALS}|{INITIAL})"
_NAME = rf"(?:{_PARTICLE}\s){{0,3}}{_WORD}(?:\s(?:{_PARTICLE}\s){{0,2}}{_WORD}){{0,3}}"
_TITLES = rf"(?:{_TITLE}(?:[:\s]+(?:le |la )?(?=\S)))+"
_TITLED = re.compile(rf"(?<![\w.])(?P<it>{_TITLES}{_NAME})")
_NAMED = r"(?:\s(?:named|called|namens|llamad[oa]|nommée?))?"
_BY_ROLE = re.compile(rf"(?<![\w.])(?i:{_among('roles')}){_NAMED}\s(?P<it>{_NAME})")
_LABELLED = re.compile(
    rf"(?<!\w)(?i:{_among('labels')})\s?:\s?(?P<it>{_NAME}(?:,\s{_NAME}(?!\s?:|\w)|(?:\^{_WORD})+)?)"
)
_SIGNED = re.compile(rf"(?i:{_among('closings')})[,.]?\s{{0,4}}\n?\s*(?P<it>(?:{_TITLES})?{_NAME})")
_LAST = rf"(?:{_PARTICLE}\s)?(?P<last>{CAPITALISED})"
_PAIR = re.compile(rf"(?<![\w'’])(?P<given>{CAPITALISED})(?:\s{INITIAL})?\s{_LAST}")
_TURNED = re.compile(rf"(?<![\w'’])(?P<last>{CAPITALISED}),\s(?P<given>{CAPITALISED})(?!\w)")
_NOUNS = re.compile(f"{_among('nouns')}$")


def names(text: str) -> Iterator[Span]:
    """Yield where somebody seems to be named, with their titles."""
    for pattern in (_SIGNED, _TITLED, _LABELLED, _BY_ROLE):
        for start, end in everywhere(pattern, text):
            cut = _without_others(text[start:end])
            words = text[start : start + cut].split()
            is_short = pattern is _BY_ROLE and all(one.isupper() and len(one) < SHORTEST for one in words)
            if cut and not is_short:
                yield start, start + cut
    for pattern in (_PAIR, _TURNED):
        for match in pattern.finditer(text):
            known = match["given"].casefold() in given_names()
            if known and not _is_none(match["given"]) and not _is_none(match["last"]):
                yield match.span()


@lru_cache(maxsize=1)
def given_names() -> frozenset[str]:
    """Return the given names of four languages that faker lists, in small letters."""
    lists = (importlib.import_module(f"faker.providers.person.{one}").Provider for one in LOCALES)
    own = ("first_names", "first_names_female", "first_names_male")
    return frozenset(
        name.casefold() for provider in lists for kind in own for name in getattr(provider, kind, ()) if len(name) > 2
    )


@lru_cache(maxsize=1)
def no_names() -> frozenset[str]:
    """Return words with a capital that name nobody, in small letters."""
    listed = tomllib.loads((_HERE / "no_names.toml").read_text(encoding="utf-8"))
    return frozenset(word.casefold() for words in listed.values() for word in words.split())


def _is_none(word: str) -> bool:
    """Say whether a word with a capital is one of medicine or of every day."""
    bare = word.strip(".,").casefold()
    return bare in no_names() or (len(bare) > 5 and _NOUNS.search(bare) is not None)


def _without_others(found: str) -> int:
    """Return how many letters of what was found are a name with its titles; 0 where none is left.

    The name ends before the first word that is none, such as the noun that follows a German name.
    """
    titles = re.match(_TITLES, found)
    begins = titles.end() if titles else 0
    ends = begins
    for word in re.finditer(r"[^\s,^]+", found[begins:]):
        small = re.fullmatch(_PARTICLE, word[0].casefold()) is not None
        if not small and _is_none(word[0]):
            break
        if not small:
            ends = begins + word.end()
    return ends if ends > begins else 0
