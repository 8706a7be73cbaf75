"""Foreign words on their way into a file: one line, no formulas, no glyph that silently disappears."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from numbers import Integral, Real

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# OWASP, "CSV injection": what a spreadsheet may run, in full width too, as East Asian keyboards type it
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BOM = "\ufeff"  # Excel takes a file for UTF-8 only when it begins so
_PROTECTED = re.compile(rf"'+ *[{re.escape(''.join(FORMULA))}]")  # looks like a cell that was made safe
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
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return f"{float(value):g}"
    words = str(value)
    return f"'{words}" if words.lstrip(" ").startswith(FORMULA) or words.startswith(FORMULA) else words


def csv_text(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, line_end: str = "\r\n", bom: bool = False
) -> str:
    """Return a table as CSV in which every value went through `cell`; every CSV that is written comes from here.

    rows : values in the order of the header
    bom  : begin with a byte order mark, so that Excel takes the file for UTF-8
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    return (BOM if bom else "") + out.getvalue()


def escape_protected(value: str) -> str:
    """Return text that looks made safe with one more apostrophe, which `unescape_cell` takes away again."""
    return f"'{value}" if _PROTECTED.match(value) else value


def unescape_cell(cell: str) -> str:
    """Return the text that a cell stands for: without the apostrophe that keeps a sheet from running it."""
    return cell[1:] if _PROTECTED.match(cell) else cell
