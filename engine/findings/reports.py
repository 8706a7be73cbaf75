"""Reports → their sections and the findings that they affirm and deny, in the languages of names/.

What an indication asks for or a comparison tells of was not found on this recording and is not read. What is only
thought possible, asked for in a sentence, or of the history or a relative, is neither affirmed nor denied. Where one
clause affirms and another denies, it is affirmed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.findings.context import ReportRules
from engine.findings.measures import StatedMeasure, measured
from engine.findings.names import LANGUAGES, known_findings
from engine.findings.recogniser import recognise, says_none
from engine.findings.spelling import folded

WHOLE, BACKGROUND = "whole", "background"
# Not after "li.", "o. B." or "1. Grades". A question mark before a word asks for it: "? pneumonia".
CLAUSE_END = re.compile(
    r"(?:(?<=[^\W_]{3})|(?<=[^\W_]\d)|(?<=\b[NnSsJj][oiía])|(?<=[)%°²]))[.!](?=\s|$)|;|(?<=[^\W_][?])\s|(?<=[^\W_]\s[?])\s|\n"
)
ASKED, QUERY = "?", "query "
ASKED_BEFORE = re.compile(r"^\s*\?|(?<=[\s(,:/])\?(?=[^\W_])")


@dataclass(frozen=True)
class ReportFindings:
    """What a report says. affirmed, denied : names of vocabulary.toml in the order of the report; none is in both"""

    affirmed: tuple[str, ...]
    denied: tuple[str, ...]


def sections(text: str) -> dict[str, str]:
    """Return "findings", "impression" and "background" as far as a report has such headings; the rest is "whole"."""
    found: dict[str, list[str]] = {}
    name, last = WHOLE, 0
    for heading in _heading().finditer(text):
        found.setdefault(name, []).append(text[last : heading.start()])
        name, last = _names()[folded(re.sub(r"[\W_]+", " ", heading.group(1)))], heading.end()
    found.setdefault(name, []).append(text[last:])
    joined = {key: " ".join(part.strip() for part in parts if part.strip()) for key, parts in found.items()}
    return {key: words for key, words in joined.items() if words}


def read_report(text: str) -> ReportFindings:
    """Return what a report affirms and denies."""
    affirmed: dict[str, None] = {}
    denied: dict[str, None] = {}
    for name, words in sections(text).items():
        for finding, is_denied in _stated(words) if name != BACKGROUND else ():
            (denied if is_denied else affirmed)[finding] = None
    return ReportFindings(tuple(affirmed), tuple(one for one in denied if one not in affirmed))


def _stated(words: str) -> Iterator[tuple[str, bool]]:
    """Yield (finding, whether it is denied) of a section; "none is seen" denies what the sentence before asked for."""
    left: list[str] = []
    for clause in map(_with_queries, _clauses(words)):
        asked = clause.rstrip().endswith(ASKED)
        mentions = recognise(clause, _rules())
        if not mentions and says_none(clause, _rules()):
            yield from ((finding, True) for finding in left)
        open_ones = [one for one in mentions if (asked or one.hedged) and not one.negated]
        left = [one.finding for one in open_ones]
        yield from ((one.finding, one.negated) for one in mentions if one not in open_ones)
        yield from () if asked else measured(clause, _measures(), named=bool(mentions))


def labels_from_report(text: str, modality: str) -> tuple[str, ...]:
    """Return what a report affirms of the findings that a modality can show; of a text, all."""
    known = known_findings()
    return tuple(one for one in read_report(text).affirmed if modality == "text" or modality in known[one].modalities)


def _with_queries(clause: str) -> str:
    """Return a clause with what a question mark before a word asks for said in words: "?pneumonia"."""
    return ASKED_BEFORE.sub(QUERY, clause)


def _clauses(text: str) -> Iterator[str]:
    return (clause for clause in CLAUSE_END.split(text) if clause.strip())


@lru_cache(maxsize=1)
def _rules() -> ReportRules:
    """Return what keeps a finding from being stated."""
    return ReportRules.of({code: _said()[code] for code in LANGUAGES})


@lru_cache(maxsize=1)
def _measures() -> tuple[StatedMeasure, ...]:
    return tuple(StatedMeasure.of(one) for one in _said()["measures"].values())


@lru_cache(maxsize=1)
def _said() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("reports.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Return folded heading → section."""
    return {folded(heading): name for name, headings in _said()["headings"].items() for heading in headings}


@lru_cache(maxsize=1)
def _heading() -> re.Pattern[str]:
    """Return what finds a heading: at the start of a line or after the end of a sentence, before a colon."""
    longest = sorted((one for headings in _said()["headings"].values() for one in headings), key=len, reverse=True)
    spelt = "|".join("".join(_accented(letter) for letter in heading) for heading in longest)
    return re.compile(rf"(?:^|(?<=[.;?!\n])\s*)[ \t]*({spelt})[ \t]*:", re.IGNORECASE | re.MULTILINE)


def _accented(letter: str) -> str:
    """Return a pattern of a letter of a heading with any accent."""
    accents = {"a": "aàâäá", "e": "eéèêë", "i": "iíîï", "o": "oóôö", "u": "uúùûü", "c": "cç", "n": "nñ", " ": " \\-'’"}
    return f"[{accents[letter]}]" if letter in accents else letter
