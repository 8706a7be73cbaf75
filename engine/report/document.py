"""A PDF in which every page carries the notice, the release, the moment, the audit number and its own number.

Structured as far as fpdf2 allows: document title, language, outline, and a text alternative on every drawing. The font
is matplotlib's DejaVu Sans, embedded; characters that it lacks are printed as a visible mark.
"""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from fpdf import FPDF, XPos, YPos
from fpdf.prefs import ViewerPreferences

from engine.drawing import fonts
from engine.drawing.sheet import Sheet, runs
from engine.strings import language, notice, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

MARGIN, FOOTER = 12.0, 13.0  # mm
FAMILY = "DejaVu"
INK, FAINT, RULE = (20, 32, 43), (84, 96, 108), (190, 198, 206)
LINE = 1.35  # height of a line of text over the size of its letters
PT_PER_MM = 72 / 25.4

logging.getLogger("fontTools").setLevel(logging.ERROR)


class Document(FPDF):
    """A4 landscape, millimetres, y downwards."""

    def __init__(self, title: str, release: str, version: str, when: datetime, audit_id: int) -> None:
        super().__init__(orientation="L", unit="mm", format="A4")
        self.about = text(
            "report.footer", release=release, version=version, when=f"{when:%Y-%m-%d %H:%M}", audit=audit_id
        )
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FAMILY, style, fonts.font_file(name))
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.c_margin = 0.0
        self._widths: dict[tuple[str, bool], float] = {}
        self.set_auto_page_break(True, FOOTER + 5)
        self.alias_nb_pages()
        self.set_lang(language())
        self.set_title(self.one_line(title))
        self.set_subject(notice())
        self.set_creator(f"Casebind {version}")
        self.set_creation_date(when)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True, print_scaling="None")
        self.set_text_style(10)

    def footer(self) -> None:
        """Print the line that every page carries."""
        self.set_y(-FOOTER)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.y, self.w - MARGIN, self.y)
        self.set_text_style(9, bold=True)
        self.cell(self.epw, 5, self.one_line(notice()), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_style(7.5, colour=FAINT)
        self.cell(self.epw * 0.8, 4, self.one_line(self.about))
        page = text("report.page", page=self.page_no(), pages="{nb}")
        self.cell(self.epw * 0.2, 4, page, align="R")

    def one_line(self, words: object, max_length: int = 2000) -> str:
        """Return foreign words as one line that this font can print."""
        return fonts.printable_line(words, max_length)

    def set_text_style(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        """Set size in points, weight and colour of what is printed next."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def write_paragraph(
        self,
        words: object,
        size: float = 10,
        *,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        width: float = 0.0,
        max_length: int = 2000,
        lines: int = 0,
    ) -> None:
        """Print a paragraph at the present place; `lines` > 0 cuts it after that many."""
        self.set_text_style(size, bold=bold, colour=colour)
        left, height = self.x, size / PT_PER_MM * LINE
        printed = fonts.paragraphs(words, max_length)
        if lines:
            printed = self._cut(printed, width or self.epw, height, lines)
        self.multi_cell(width, height, printed, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.x = left

    def count_lines(self, words: object, size: float, *, bold: bool, width: float) -> int:
        """Return how many lines a paragraph of this size takes at a width; no page need be open for it."""
        lines, used, space = 1, 0.0, self._word_width(" ", bold) * size
        for word in fonts.paragraphs(words, 2000).split():
            taken = self._word_width(word, bold) * size
            if used and used + space + taken > width:
                lines, used = lines + 1, 0.0
            used += taken + (space if used else 0.0)
            lines, used = lines + int(used // width), used % width  # a word longer than a line is broken
        return lines

    def _word_width(self, word: str, bold: bool) -> float:
        """Return the width of a word in letters of one point, mm; each is measured once."""
        known = self._widths.get((word, bold))
        if known is None:
            self.set_text_style(1, bold=bold)
            known = self._widths[word, bold] = float(self.get_string_width(word))
        return known

    def _cut(self, words: str, width: float, height: float, lines: int) -> str:
        found: Any = self.multi_cell(width, height, words, align="L", dry_run=True, output="LINES")
        if len(found) <= lines:
            return words
        return "\n".join([*found[: lines - 1], str(found[lines - 1])[:-2].rstrip() + "…"])

    def heading(self, words: str, size: float = 16, level: int = 0) -> None:
        """Print a heading and put it into the outline."""
        words = self.one_line(words, 160)
        self.start_section(words, level=level)
        self.write_paragraph(words, size, bold=True, lines=2)
        self.ln(1)

    def ensure_space(self, height: float) -> None:
        """Begin a page where fewer than `height` mm are left on this one."""
        if self.y + height > self.h - FOOTER - 5:
            self.add_page()

    def badge(self, words: str, x: float, y: float, size: float = 8) -> None:
        """Print a boxed word whose right upper corner is (x, y): the mark of a synthetic study."""
        self.set_text_style(size, bold=True)
        width, height = self.get_string_width(words) + 3, size / PT_PER_MM * 1.5
        self.set_fill_color(255, 255, 255)
        self.set_draw_color(*INK)
        self.set_line_width(0.25)
        self.rect(x - width, y, width, height, style="DF")
        self.set_xy(x - width, y)
        self.cell(width, height, words, align="C")

    @contextmanager
    def figure(self, alt: str) -> Iterator[None]:
        """Mark what is drawn inside as one figure with a text alternative."""
        with self._marked_sequence(alt_text=self.one_line(alt, 600)):
            yield

    def sheet(self, sheet: Sheet, x: float, y: float, scale: float, *, captioned: bool = True) -> None:
        """Draw a sheet with its upper left corner at (x, y) mm."""
        width, height = sheet.width * scale, sheet.height * scale
        with self.figure(sheet.alt), self.local_context(), self.rect_clip(x, y, width, height):
            self.set_fill_color(sheet.background)
            self.rect(x, y, width, height, style="F")
            offset = np.array([x, y])
            for group in sheet.segments:
                self._pen(group.colour, group.width * scale)
                for x0, y0, x1, y1 in (group.ends * scale + np.tile(offset, 2)).tolist():
                    self.line(x0, y0, x1, y1)
            for curve in sheet.curves:
                self._pen(curve.colour, max(curve.width * scale, 0.1))
                for run in runs(curve.points):
                    self.polyline([tuple(point) for point in (run * scale + offset).tolist()])
            for word in sheet.captioned(scale) if captioned else sheet.words:
                self.set_text_style(word.size * scale * PT_PER_MM, bold=word.bold)
                self.set_text_color(word.colour)
                self.text(x + word.x * scale, y + word.y * scale, self.one_line(word.words))

    def picture(self, image: Image.Image, x: float, y: float, width: float, alt: str, *, height: float = 0.0) -> None:
        """Print a picture `width` mm wide; as high as its pixels are square, or `height` mm."""
        self.image(image, x=x, y=y, w=width, h=height, alt_text=self.one_line(alt, 600))

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """Print a thin frame."""
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.rect(x, y, width, height)

    def to_bytes(self) -> bytes:
        """Return the finished file."""
        out = io.BytesIO()
        self.output(out)
        return out.getvalue()

    def _pen(self, colour: Any, width: float) -> None:
        self.set_draw_color(colour)
        self.set_line_width(width)
