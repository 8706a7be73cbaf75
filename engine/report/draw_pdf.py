"""Studies on PDF pages: traces on true paper, films with their scale, notes as words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.drawing.film import alternative, grey8, stamp_of, stamped
from engine.drawing.trace_sheet import trace_sheet
from engine.report import films
from engine.report.document import FAINT, FOOTER, MARGIN, Document
from engine.strings import text
from engine.study import Film, Note, Study, Trace

if TYPE_CHECKING:
    from PIL import Image

PRINT_DPI = 200  # of films on a page of their own
THUMB_DPI = 150
THUMB_STEP = 0.12  # mm of a small print that are one stroke of the pen
MAX_PULSE_S = 60.0  # a longer pulse recording is printed by its searched stretch alone
BAR_MM = 50.0  # length of a film's scale bar at the detector


Box = tuple[float, float, float, float]  # x, y, width, height, mm


def draw_full_size(pdf: Document, study: Study, *, layout: str = "3x4r") -> None:
    """Draw a study on the rest of the page: a trace at true size where it fits, a film as large as fits."""
    if isinstance(study.content, Film):
        _film(pdf, study, study.content)
    elif isinstance(study.content, Trace):
        _trace(pdf, study, layout)
    elif isinstance(study.content, Note):
        pdf.write_paragraph(study.content.text, 12, max_length=4000, lines=20)


def remaining_height(pdf: Document) -> float:
    """Return how many mm are left on this page."""
    return pdf.h - FOOTER - 6 - pdf.y


def _trace(pdf: Document, study: Study, layout: str) -> None:
    whole = study.modality == "ppg" and study.trace.duration_s <= MAX_PULSE_S
    shown = study.trace if whole else study.searched_trace
    sheet = trace_sheet(shown, layout=layout, stamp=stamp_of(study.facts))
    scale = min(1.0, pdf.epw / sheet.width, remaining_height(pdf) / sheet.height)
    top = pdf.y
    pdf.sheet(sheet, MARGIN, top, scale)
    pdf.set_xy(MARGIN, top + sheet.height * scale + 2)


def _film(pdf: Document, study: Study, film: Film) -> None:
    """Draw a film as large as fits, with the sentence about millimetres and a scale bar beside it."""
    height, width = film.pixels.shape[:2]
    ratio = height / width if film.spacing_mm is None else (height * film.spacing_mm[0]) / (width * film.spacing_mm[1])
    measured = films.size_mm(film)
    wide = min(pdf.epw * 0.72, remaining_height(pdf) / ratio, measured[1] if measured else pdf.epw)
    top = pdf.y
    pdf.image(
        _picture(study, film, round(max(wide, wide * ratio) / 25.4 * PRINT_DPI)),
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


def draw_thumbnail(pdf: Document, study: Study, box: Box) -> None:
    """Draw a study into a box of the grid."""
    x, y, width, height = box
    if isinstance(study.content, Film):
        _small_film(pdf, study, study.content, box)
    elif isinstance(study.searched, Trace):
        sheet = trace_sheet(study.searched, step=THUMB_STEP * 4, minor=False)
        scale = min(width / sheet.width, (height - 5) / sheet.height)
        pdf.sheet(sheet, x, y, scale, captioned=False)
        _mark(pdf, study, x + width, y + height - 4, 6)
    elif isinstance(study.content, Note):
        pdf.set_xy(x, y)
        pdf.write_paragraph(f"“{study.content.text}”", 7.5, width=width, max_length=900, lines=int((height - 5) / 3.6))
        _mark(pdf, study, x + width, y + height - 4, 6)


def _small_film(pdf: Document, study: Study, film: Film, box: Box) -> None:
    x, y, width, height = box
    rows, columns = film.pixels.shape[:2]
    wide = min(width, height * columns / rows)
    picture = _picture(study, film, round(max(wide, height) / 25.4 * THUMB_DPI))
    pdf.picture(picture, x, y, wide, alternative(film, study.facts.get("view")))


def _picture(study: Study, film: Film, max_px: int) -> Image.Image:
    """Return a film as it is printed, stamped if it is synthetic."""
    from PIL import Image

    return Image.fromarray(stamped(grey8(film, max_px), stamp_of(study.facts)))


def _mark(pdf: Document, study: Study, x: float, y: float, size: float) -> None:
    """Print the mark of a synthetic study so that its right upper corner is at (x, y)."""
    if stamp := stamp_of(study.facts):
        before = pdf.x, pdf.y
        pdf.badge(stamp, x, y, size)
        pdf.set_xy(*before)
