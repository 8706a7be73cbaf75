"""Studies on PDF pages: traces on true paper, films with their scale, notes as words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.annotation import Annotation
from engine.drawing.annotated import listed_words
from engine.drawing.film import alternative, stamp_of
from engine.report import films
from engine.report.document import FAINT, FOOTER, MARGIN, Document
from engine.report.shown import TraceSetup, film_pixels, film_ratio, sheet_of
from engine.strings import text
from engine.study import Film, Note, Study, Trace

if TYPE_CHECKING:
    from PIL import Image

PRINT_DPI = 200  # of films on a page of their own
THUMB_DPI = 200
THUMB_STEP = 0.48  # mm of paper that are one stroke of the pen in a small print
NOTE_RATIO = 0.45  # height over width of a note's box
BAR_MM = 50.0  # length of a film's scale bar at the detector


Box = tuple[float, float, float, float]  # x, y, width, height, mm


def draw_full_size(
    pdf: Document, study: Study, annotations: Sequence[Annotation] = (), *, layout: str = "3x4r"
) -> None:
    """Draw a study on the rest of the page: a trace at true size where it fits, a film as large as fits."""
    if isinstance(study.content, Film):
        _film(pdf, study, study.content, annotations)
    elif isinstance(study.content, Trace):
        _trace(pdf, study, annotations, layout)
    elif isinstance(study.content, Note):
        pdf.write_paragraph(study.content.text, 12, max_length=4000, lines=20)
    if annotations:
        pdf.write_paragraph(listed_words(annotations), 8.5, lines=2)


def remaining_height(pdf: Document) -> float:
    """Return how many mm are left on this page."""
    return pdf.h - FOOTER - 6 - pdf.y


def _trace(pdf: Document, study: Study, annotations: Sequence[Annotation], layout: str) -> None:
    sheet = sheet_of(study, annotations, TraceSetup(layout, whole=True))
    scale = min(1.0, pdf.epw / sheet.width, (remaining_height(pdf) - _list_mm(annotations)) / sheet.height)
    top = pdf.y
    pdf.sheet(sheet, MARGIN, top, scale)
    pdf.set_xy(MARGIN, top + sheet.height * scale + 2)


def _list_mm(annotations: Sequence[Annotation]) -> float:
    """Return the height that the list of annotations takes."""
    return 9.0 if annotations else 0.0


def _film(pdf: Document, study: Study, film: Film, annotations: Sequence[Annotation]) -> None:
    """Draw a film as large as fits, with the sentence about millimetres and a scale bar beside it."""
    ratio, measured = film_ratio(film), films.size_mm(film)
    wide = min(
        pdf.epw * 0.72, (remaining_height(pdf) - _list_mm(annotations)) / ratio, measured[1] if measured else pdf.epw
    )
    top = pdf.y
    pdf.image(
        _picture(study, film, annotations, round(max(wide, wide * ratio) / 25.4 * PRINT_DPI)),
        x=MARGIN,
        y=top,
        w=wide,
        h=wide * ratio,
        alt_text=pdf.one_line(alternative(film, study.facts.get("view"))),
    )
    pdf.set_xy(MARGIN + wide + 4, top)
    pdf.write_paragraph(films.statement(film, wide), 9, width=pdf.w - MARGIN - pdf.x)
    if measured:
        _bar(pdf, MARGIN + wide + 4, pdf.y + 4, BAR_MM * wide / measured[1])
    pdf.set_xy(MARGIN, top + wide * ratio + 2)


def _bar(pdf: Document, x: float, y: float, length: float) -> None:
    pdf.set_draw_color(20, 32, 43)
    pdf.set_line_width(0.4)
    pdf.line(x, y, x + length, y)
    for end in (x, x + length):
        pdf.line(end, y - 1.5, end, y + 1.5)
    pdf.set_xy(x, y + 1.5)
    pdf.write_paragraph(text("report.bar", mm=f"{BAR_MM:g}"), 8, colour=FAINT)


class SmallPicture:
    """A study in a cell of a page; `ratio` is its height over its width."""

    def __init__(self, study: Study, annotations: Sequence[Annotation] = ()) -> None:
        self.study, self.annotations, content = study, annotations, study.content
        self.sheet = (
            sheet_of(study, annotations, TraceSetup(step=THUMB_STEP, minor=False))
            if isinstance(content, Trace)
            else None
        )
        if self.sheet is not None:
            self.ratio = self.sheet.height / self.sheet.width
        else:
            self.ratio = film_ratio(content) if isinstance(content, Film) else NOTE_RATIO

    def draw(self, pdf: Document, x: float, y: float, width: float) -> None:
        """Draw it with its upper left corner at (x, y) mm, `width` mm wide."""
        content, height = self.study.content, width * self.ratio
        if self.sheet is not None:
            pdf.sheet(self.sheet, x, y, width / self.sheet.width)
        elif isinstance(content, Film):
            pixels = round(max(width, height) / 25.4 * THUMB_DPI)
            picture = _picture(self.study, content, self.annotations, pixels)
            words = " ".join((alternative(content, self.study.facts.get("view")), listed_words(self.annotations)))
            pdf.picture(picture, x, y, width, words, height=height)
        elif isinstance(content, Note):
            pdf.frame(x, y, width, height)
            pdf.set_xy(x + 2, y + 2)
            lines = max(1, int((height - 8) / 3.9))
            pdf.write_paragraph(f"“{content.text}”", 8, width=width - 4, max_length=1500, lines=lines)
            if stamp := stamp_of(self.study.facts):
                pdf.badge(stamp, x + width - 1, y + height - 4, 6)


def _picture(study: Study, film: Film, annotations: Sequence[Annotation], max_px: int) -> Image.Image:
    """Return a film as it is printed, stamped if it is synthetic."""
    from PIL import Image

    return Image.fromarray(film_pixels(study, film, max_px, annotations))
