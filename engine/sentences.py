"""Sentences that arise below the screens, in the language of whoever reads them.

An error, a reason of the quality gate and the phrase that says what a file is are English where they arise: in the
process that reads an upload, in the shell, and in the record, where they outlive the session that asked. `spoken` says
one in the reader's language where it is shown. As in gettext the English sentence is the key: assets/sentences holds it
with its {places} and, in the order of LANGUAGES, the same in every other language.

A place holds a name or another part that is looked up likewise, {n} a number and {lead} one word. A place in capitals
holds a part that is in the catalogue too: "{CLAIM}: {REMEDY}." translates a sentence whose halves are known, no other.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache

from engine.settings import ASSETS
from engine.strings import ENGLISH, LANGUAGES, language

PLACE = re.compile(r"\{(\w+)\}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_LIST = ", "
_HOLDS = {"n": r"-?[\d.,]*\d", "lead": r"\S+"}


@dataclass(frozen=True)
class Entry:
    """One sentence of the catalogue.

    english : with {places}
    said    : code of every other language → the sentence with the same places
    pattern : matches the English sentence with its places filled in
    """

    english: str
    said: dict[str, str]
    pattern: re.Pattern[str]


@lru_cache(maxsize=1)
def catalogue() -> tuple[Entry, ...]:
    """Return every sentence, those with the most letters of their own first."""
    found = []
    for path in sorted((ASSETS / "sentences").glob("*.toml")):
        for english, others in tomllib.loads(path.read_text(encoding="utf-8")).items():
            said = dict(zip(LANGUAGES[1:], others, strict=True))
            found.append(Entry(english, said, re.compile(_pattern(english))))
    return tuple(sorted(found, key=lambda one: (-len(PLACE.sub("", one.english)), one.english)))


def spoken(sentence: object) -> str:
    """Return a sentence, or an error's, in the language that is spoken; as it is where the catalogue lacks it."""
    words, code = str(sentence), language()
    return words if code == ENGLISH else _in(code, words) or _plain(words)


def is_known(words: str) -> bool:
    """Return whether the catalogue has a sentence."""
    return _in(LANGUAGES[1], words) is not None


@lru_cache(maxsize=1024)
def _in(code: str, words: str) -> str | None:
    for entry in catalogue():
        if (match := entry.pattern.fullmatch(words)) and (filled := _filled(code, match)) is not None:
            return PLACE.sub(lambda place: filled[place[1]], entry.said[code])
    return None


def _filled(code: str, match: re.Match[str]) -> dict[str, str] | None:
    """Return place → what stands there, in a language; None where a part in capitals is not in the catalogue."""
    filled = {}
    for name, words in match.groupdict().items():
        said = _in(code, words)
        if said is None and name.isupper():
            return None
        filled[name] = _listed(code, words) if said is None else said
    return filled


def _listed(code: str, words: str) -> str:
    """Return a list part by part, numbers as `engine.strings.number` writes them."""
    return _LIST.join(_in(code, part) or _THOUSANDS.sub("\u202f", part) for part in words.split(_LIST))


def _plain(words: str) -> str:
    """Return words that are no sentence of the catalogue: a list part by part, as what was recognised of a file is."""
    code = language()
    known = [_in(code, part) for part in words.split(_LIST)]
    return words if not any(known) else _listed(code, words)


def _pattern(english: str) -> str:
    """Return the regular expression of a sentence: its letters, and in its places what may stand there."""
    parts = PLACE.split(english)
    return "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>{_may_hold(part)})" for i, part in enumerate(parts))


def _may_hold(place: str) -> str:
    """Return the regular expression of what stands in a place; only another sentence ends with a full stop."""
    return _HOLDS.get(place, ".+?" if place.isupper() else r".*?[^.]")
