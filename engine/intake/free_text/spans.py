"""What the rules share: words that begin with a capital, and where a pattern stands in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]  # first character, and the one after the last
UPPER, LOWER = "A-ZÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒÅŞĞİŁŚŻČŠŽ", "a-zà-öø-ÿœşğıłśżčšžąęćńő"
CAPITALISED = rf"(?:(?:[DLO]['’]|Mc|Mac|Saint-|St\.?[- ])?[{UPPER}][{LOWER}]+(?:[-'’][{UPPER}]?[{LOWER}]+)*)"
CAPITALS = rf"(?:[{UPPER}]{{2,}}(?:[-'’][{UPPER}]{{2,}})*)"
INITIAL = rf"(?:[{UPPER}]\.(?:[ -]?[{UPPER}]\.)*)"


def everywhere(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yield where a pattern stands: its group `it`, or all of it where it has none."""
    group: int | str = "it" if "it" in pattern.groupindex else 0
    for match in pattern.finditer(text):
        yield match.span(group)


def any_of(*words: str) -> str:
    """Return a pattern for any of the words, each a pattern, the longest first."""
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"
