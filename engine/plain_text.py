"""Foreign words on their way into a file: one line, no formulas, no glyph that silently disappears."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, "CSV injection": what a spreadsheet may run
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format and unassigned characters


def one_line(words: object, max_length: int = 2000) -> str:
    """Return words without line breaks and invisible characters, cut at `most` with an ellipsis."""
    spaced = re.sub(r"\s+", " ", str(words))
    kept = "".join(one for one in spaced if unicodedata.category(one) not in _INVISIBLE).strip()
    return kept if len(kept) <= max_length else kept[: max_length - 1].rstrip() + "…"


def paragraphs(words: object, max_length: int = 6000) -> str:
    """Return words with their line breaks, otherwise as `one_line` does."""
    lines = [one_line(line, max_length) for line in str(words).splitlines()]
    whole = "\n".join(lines).strip()
    return whole if len(whole) <= max_length else whole[: max_length - 1].rstrip() + "…"


def printable(words: str, glyphs: Container[int]) -> str:
    """Return words in which every character that a font lacks is replaced by a visible mark.

    glyphs : the code points that the font has
    """
    return "".join(one if one == "\n" or ord(one) in glyphs else _instead(one) for one in words)


def _instead(one: str) -> str:
    """Return what stands for a character without a glyph; marks that only change the one before are dropped."""
    return "" if unicodedata.category(one) == "Mn" else REPLACEMENT


def cell(value: object) -> str:
    """Return a value as a CSV cell that no spreadsheet takes for a formula: such text gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    words = str(value)
    return f"'{words}" if words.lstrip(" ").startswith(FORMULA) or words.startswith(FORMULA) else words
