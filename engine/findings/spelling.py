"""Words as they are compared: without case, accents and endings; and which known word a misspelt one may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

LONG_ENOUGH = 5  # letters of a word whose spelling is forgiven one edit
ANY_LETTER = 8  # letters from which that edit may be the first letter
SHORTEST_STEM = 4
# Plural and simple inflection of English, German, Spanish and French, in the order in which they are tried.
ENDINGS = ("aux", "es", "en", "em", "er", "os", "as", "is", "s", "e", "o", "a")
DIGRAPHS = {"ae": "a", "oe": "o", "ue": "u"}  # ä is written ae too, oedema is œdema
TOKEN = re.compile(r"[a-z0-9]+")


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Return a text in lower case without accents and digraphs, e.g. "Ödem" and "oedem" → "odem"."""
    lower = text.casefold().replace("œ", "oe").replace("æ", "ae")
    plain = "".join(char for char in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(char))
    for two, one in DIGRAPHS.items():
        plain = plain.replace(two, one)
    return plain


def words_of(text: str) -> tuple[str, ...]:
    """Return the folded words of a text, e.g. "ST-T changes" → st, t, changes."""
    return tuple(TOKEN.findall(folded(text)))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a folded word without its ending: effusion, effusions; Infiltrat, Infiltrate; pleural, pleurales."""
    if not word.isalpha():
        return word
    if len(word) <= SHORTEST_STEM:  # an abbreviation has a plural alone: PVCs
        return word[:-1] if len(word) == SHORTEST_STEM and word.endswith("s") and word[-2] not in "aeious" else word
    for ending in ENDINGS:
        root = word.removesuffix(ending)
        if root != word and len(root) >= SHORTEST_STEM and not (ending == "s" and root.endswith("s")):
            return root + "al" if ending == "aux" else _same_y(root)
    return _same_y(word)


def _same_y(root: str) -> str:
    """Return cardiomegal(y, ie, ies) as one root."""
    return root[:-1] + "i" if root.endswith("y") else root


def one_edit_away(word: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the known words of one insertion, deletion, substitution or swap; none for a short word.

    The first letter must be right in words of less than ANY_LETTER letters.
    """
    if len(word) < LONG_ENOUGH or not word.isalpha():
        return ()
    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=1, limit=None)
    return tuple(
        found
        for found, _, _ in near
        if len(found) >= LONG_ENOUGH and (found[0] == word[0] or min(len(word), len(found)) >= ANY_LETTER)
    )
