"""The name of a finding in the reader's language: the first of names/<language>.toml, or what its [shown] says."""

from __future__ import annotations

from functools import lru_cache

from engine.findings.names import LANGUAGES, Phrase, known_findings, language
from engine.findings.spelling import words_of


def shown(label: str, code: str) -> str:
    """Return a published label in the language `code`; the label itself where the vocabulary has no word for it.

    A label is translated where it is one of the English names of a finding, whole, or stands in [shown] itself, as one
    that means less or more than the finding does; it is left alone elsewhere.
    """
    if code == "en":
        return label
    known, words = _known(code), words_of(label)
    return known.get(words) or known.get(words_of(_english().get(words, "")), label)


@lru_cache(maxsize=1)
def _english() -> dict[Phrase, str]:
    """Return the words of an English name → its finding."""
    found: dict[Phrase, str] = {}
    for finding, written in language("en")["names"].items():
        for name in written:
            found.setdefault(words_of(name), finding)
    return found | {words_of(finding): finding for finding in known_findings()}


@lru_cache(maxsize=len(LANGUAGES))
def _known(code: str) -> dict[Phrase, str]:
    """Return the words of a finding's key, or of a label of [shown] → what it is called."""
    table = language(code)
    first = {finding: written[0] for finding, written in table["names"].items()}
    return {words_of(name): word for name, word in (first | table.get("shown", {})).items()}
