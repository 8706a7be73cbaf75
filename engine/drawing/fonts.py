"""The font of exported files: matplotlib's DejaVu Sans, and which characters it can print."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from engine import plain_text


def font_file(name: str) -> Path:
    """Return the path of one of matplotlib's fonts."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


@lru_cache(maxsize=1)
def glyphs() -> frozenset[int]:
    """Return the code points that both the regular and the bold font have."""
    from matplotlib.ft2font import FT2Font

    files = (font_file("DejaVuSans.ttf"), font_file("DejaVuSans-Bold.ttf"))
    regular, bold = (frozenset(FT2Font(str(file)).get_charmap()) for file in files)
    return regular & bold


def printable_line(words: object, max_length: int = 2000) -> str:
    """Return foreign words as one line that the font can print; what it lacks becomes a visible mark."""
    return plain_text.printable(plain_text.one_line(words, max_length), glyphs())


def paragraphs(words: object, max_length: int = 6000) -> str:
    """Return foreign words with their line breaks, otherwise as `plain` does."""
    return plain_text.printable(plain_text.paragraphs(words, max_length), glyphs())
