"""The font of exported files: matplotlib's DejaVu Sans, and which characters it can print."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from engine import plain_text as safe


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


def plain(words: object, most: int = 2000) -> str:
    """Return foreign words as one line that the font can print; what it lacks becomes a visible mark."""
    return safe.printable(safe.one_line(words, most), glyphs())


def paragraphs(words: object, most: int = 6000) -> str:
    """Return foreign words with their line breaks, otherwise as `plain` does."""
    return safe.printable(safe.paragraphs(words, most), glyphs())
