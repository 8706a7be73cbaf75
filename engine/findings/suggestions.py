"""Findings whose names are spelt like words that name none."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from engine.findings.names import all_names
from engine.findings.spelling import words_of

ALIKE = 0.66  # share of letters that need no edit
SHORTEST = 4  # letters; below it everything is spelt like everything


def near_in_spelling(text: str, most: int = 3) -> tuple[str, ...]:
    """Return at most so many findings with a name spelt like the text, the most alike first."""
    asked = " ".join(words_of(text))
    if len(asked) < SHORTEST:
        return ()
    spellings = _spellings()
    near = process.extract(
        asked, list(spellings), scorer=OSA.normalized_similarity, score_cutoff=ALIKE, limit=20 * most
    )
    return tuple(dict.fromkeys(spellings[name] for name, _, _ in near))[:most]


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """Return folded name → finding of every name that is long enough."""
    names = ((" ".join(words_of(name.written)), name.finding) for name in all_names() if not name.capitals)
    return {words: finding for words, finding in names if len(words) >= SHORTEST}
