"""Slides in PowerPoint's format: one picture as large as it fits, with its scale, the notice and where it comes from.

Nothing but what is passed in reaches the file: pictures have neutral names, and the properties name Casebind alone.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine import plain_text
from engine.annotation import Annotation
from engine.drawing.film import alternative, stamp_of
from engine.drawing.sheet import onto_axes
from engine.report import films
from engine.report.picture import new_figure
from engine.report.shown import TraceSetup, film_pixels, film_ratio, sheet_of
from engine.strings import language, notice, text
from engine.study import Film, Note, Study, Trace
from engine.version import __version__

WIDTH_IN, HEIGHT_IN, EDGE_IN = 13.333, 7.5, 0.4  # 16:9
HEAD_IN, FOOT_IN, WORDS_IN, BENEATH_IN = 0.65, 0.55, 3.6, 1.5  # title, footer, words beside a picture and beneath it
TITLE_PT, BODY_PT, NOTE_PT, SMALL_PT = 24, 18, 20, 10
FILM_PX, TRACE_DPI = 2200, 200
BARS_MM = (100.0, 50.0, 20.0, 10.0, 5.0, 1.0)  # lengths of a film's scale bar at the detector
BAR_SHARE = 0.3  # of the width of the film, at most
MAX_WORDS = 1200  # characters of a note on a slide
BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (190, 198, 206)
MIN_PT = 9.0
PICTURE = "picture"  # every picture's name in the file

Box = tuple[float, float, float, float]  # x, y, width, height, inches


class Deck:
    """A presentation on its way: slides are added, then `to_bytes` gives the file."""

    def __init__(self, title: str, release: str, when: datetime, audit_id: int) -> None:
        from pptx import Presentation
        from pptx.util import Inches

        self.file = Presentation()
        self.file.slide_width, self.file.slide_height = Inches(WIDTH_IN), Inches(HEIGHT_IN)
        self.about = text(
            "report.footer", release=release, version=__version__, when=f"{when:%Y-%m-%d %H:%M}", audit=audit_id
        )
        self._describe(title, when)

    def _describe(self, title: str, when: datetime) -> None:
        """Write the file's properties, all of them: those of the library's template name its author."""
        about, name = self.file.core_properties, f"Casebind {__version__}"
        about.title, about.subject = plain_text.one_line(title, 250), notice()
        about.author = about.last_modified_by = name
        about.created = about.modified = about.last_printed = when.replace(tzinfo=None, microsecond=0)
        about.category = about.comments = about.content_status = about.keywords = about.identifier = ""
        about.language, about.version, about.revision = language(), __version__, 1

    def add_words(self, title: str, paragraphs: Sequence[str]) -> None:
        """Add a slide of words: a title and paragraphs."""
        slide = self._new()
        self._write(slide, title, (1.0, 2.0, WIDTH_IN - 2, 1.2), 36, bold=True)
        self._write(slide, "\n".join(one for one in paragraphs if one), (1.0, 3.3, WIDTH_IN - 2, 3.2), BODY_PT)
        self._foot(slide, "")

    def add_case(
        self,
        study: Study,
        title: str,
        *,
        annotations: Sequence[Annotation] = (),
        words: str = "",
        origin: str = "",
        spoken: str = "",
    ) -> None:
        """Add a slide of one study.

        words  : beside the picture, which is smaller then
        origin : where the study comes from, at the foot
        spoken : the speaker's notes
        """
        slide = self._new()
        self._write(slide, title, (EDGE_IN, 0.1, WIDTH_IN - 2 * EDGE_IN, HEAD_IN), TITLE_PT, bold=True)
        box, beside = _divided(study, bool(words))
        self._study(slide, study, annotations, box)
        if words:
            self._write(slide, plain_text.paragraphs(words, MAX_WORDS), beside, BODY_PT)
        self._foot(slide, origin)
        if spoken:
            slide.notes_slide.notes_text_frame.text = _legal(plain_text.paragraphs(spoken))

    def to_bytes(self) -> bytes:
        """Return the finished file."""
        out = io.BytesIO()
        self.file.save(out)
        return out.getvalue()

    def _new(self) -> Any:
        """Return a new slide, empty and black."""
        from pptx.dml.color import RGBColor

        slide = self.file.slides.add_slide(self.file.slide_layouts[6])
        fill = slide.background.fill
        fill.solid()
        fill.fore_color.rgb = RGBColor(*BLACK)
        return slide

    def _study(self, slide: Any, study: Study, annotations: Sequence[Annotation], box: Box) -> None:
        """Draw a study into a box (x, y, width, height) in inches, in its middle."""
        x, y, width, height = box
        content = study.content
        if isinstance(content, Note):
            words = "\n".join(filter(None, (content.text, stamp_of(study.facts))))
            self._write(slide, plain_text.paragraphs(words, MAX_WORDS), (x + 0.5, y, width - 1, height), NOTE_PT)
            return
        ratio, data, alt = _picture(study, annotations)
        wide = min(width, height / ratio)
        left, y = x + (width - wide) / 2, y + (height - wide * ratio) / 2
        self._place(slide, data, (left, y, wide, wide * ratio), alt)
        measured = films.size_mm(content) if isinstance(content, Film) else None
        if measured:
            self._bar(slide, left + wide + 0.1, y + wide * ratio - 0.35, wide / measured[1], measured[1])

    def _place(self, slide: Any, data: bytes, box: Box, alt: str) -> None:
        from pptx.util import Inches

        shape = slide.shapes.add_picture(io.BytesIO(data), *map(Inches, box))
        shape.name = PICTURE
        shape._element.nvPicPr.cNvPr.set("descr", _legal(alt))

    def _bar(self, slide: Any, x: float, y: float, inches_per_mm: float, width_mm: float) -> None:
        """Draw a bar of so many mm at the detector beside a film, upright where there is no room across."""
        from pptx.dml.color import RGBColor
        from pptx.util import Inches, Pt

        bar = next((one for one in BARS_MM if one <= BAR_SHARE * width_mm), BARS_MM[-1])
        length = bar * inches_per_mm
        across = x + length < WIDTH_IN - 0.1
        end = (x + length, y) if across else (x, y - length)
        line = slide.shapes.add_connector(1, *map(Inches, (x, y, *end)))
        line.line.color.rgb, line.line.width, line.name = RGBColor(*WHITE), Pt(2.5), "scale"
        words = text("report.bar", mm=f"{bar:g}")
        self._write(slide, words, (x, y + 0.03, min(2.2, WIDTH_IN - x), 0.3), SMALL_PT)

    def _foot(self, slide: Any, origin: str) -> None:
        y, wide = HEIGHT_IN - FOOT_IN, WIDTH_IN - 2 * EDGE_IN
        self._write(slide, notice(), (EDGE_IN, y, wide / 2, 0.3), 11, bold=True)
        words = " · ".join(part for part in (origin, self.about) if part)
        self._write(slide, words, (EDGE_IN, y + 0.24, wide, 0.3), SMALL_PT, colour=GREY)

    def _write(
        self, slide: Any, words: str, box: Box, size: float, *, bold: bool = False, colour: tuple[int, int, int] = WHITE
    ) -> None:
        """Write paragraphs into a box (x, y, width, height) in inches."""
        from pptx.dml.color import RGBColor
        from pptx.util import Inches, Pt

        shape = slide.shapes.add_textbox(*map(Inches, box))
        shape.name = "words"
        frame = shape.text_frame
        frame.word_wrap = True
        size = _fitting(words, box, size)
        for number, line in enumerate(words.split("\n")):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            run = paragraph.add_run()
            run.text, run.font.size, run.font.bold = _legal(line), Pt(size), bold
            run.font.color.rgb = RGBColor(*colour)


def _divided(study: Study, has_words: bool) -> tuple[Box, Box]:
    """Return the boxes of the picture and of the words: beside it, or beneath one that is much wider than high."""
    x, y = EDGE_IN, HEAD_IN + 0.15
    width, height = WIDTH_IN - 2 * EDGE_IN, HEIGHT_IN - HEAD_IN - FOOT_IN - 0.25
    if not has_words:
        return (x, y, width, height), (x, y, 0.0, 0.0)
    if isinstance(study.content, Trace) and _ratio(study) * width < height - BENEATH_IN:
        return (x, y, width, height - BENEATH_IN), (x, y + height - BENEATH_IN, width, BENEATH_IN)
    wide = width - WORDS_IN - 0.3
    return (x, y, wide, height), (x + wide + 0.3, y, WORDS_IN, height)


def _ratio(study: Study) -> float:
    """Return the height over the width of a trace's paper."""
    sheet = sheet_of(study, (), TraceSetup(whole=True))
    return sheet.height / sheet.width


def _fitting(words: str, box: Box, size: float) -> float:
    """Return the size of letters, in points and at most `size`, at which words fit into a box.

    A letter is taken as half as wide as it is high, a line as 1.3 times as high, and an open line as half full.
    """
    lines = words.count("\n")
    letters = len(words) + lines * 0.5 * box[2] * 72 / (0.5 * size)
    return max(MIN_PT, min(size, math.sqrt(box[2] * box[3] * 72 * 72 / (0.65 * max(letters, 1)))))


def _legal(words: str) -> str:
    """Return words without what XML cannot hold."""
    return plain_text.paragraphs(words)


def _picture(study: Study, annotations: Sequence[Annotation]) -> tuple[float, bytes, str]:
    """Return height over width, PNG and alternative text of a film or a trace."""
    from PIL import Image

    out, content = io.BytesIO(), study.content
    if isinstance(content, Film):
        Image.fromarray(film_pixels(study, content, FILM_PX, annotations)).save(out, "PNG", compress_level=3)
        return film_ratio(content), out.getvalue(), alternative(content, study.facts.get("view"))
    assert isinstance(content, Trace)
    sheet = sheet_of(study, annotations, TraceSetup(whole=True))
    size = (WIDTH_IN - 2 * EDGE_IN, (WIDTH_IN - 2 * EDGE_IN) * sheet.height / sheet.width)
    figure = new_figure(size)
    onto_axes(figure.add_axes((0, 0, 1, 1)), sheet)
    figure.savefig(out, dpi=TRACE_DPI, format="png", metadata={"Software": None})
    return sheet.height / sheet.width, out.getvalue(), sheet.alt
