"""A query and one case as a PNG; the notice, SYNTHETIC, the distance and the release stand in the pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from engine.annotation import Annotation
from engine.drawing.film import stamp_axes, stamp_of
from engine.drawing.fonts import printable_line
from engine.drawing.sheet import onto_axes
from engine.explain.picture import INK, PAPER, SIZE_IN, draw_pair_figure
from engine.report.report import Report
from engine.report.shown import film_pixels, film_ratio, sheet_of
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import distance, further, labelled, labelled_by, origin
from engine.sentences import spoken
from engine.strings import notice, text
from engine.study import Film, Note, Study, Trace

SCREEN_DPI, PRINT_DPI = 130, 300
FILM_PX = {SCREEN_DPI: 1400, PRINT_DPI: 3000}  # longer side of a film in the picture
Box = tuple[float, float, float, float]  # left, bottom, width, height in shares of the figure
BESIDE: list[Box] = [(0.03, 0.12, 0.46, 0.72), (0.51, 0.12, 0.46, 0.72)]
TALL_IN, HEAD_IN, BETWEEN_IN, FOOT_IN = 10.4, 1.0, 0.6, 0.7  # inches of a picture with two traces


def pair_png(report: Report, neighbour: Neighbour, *, dpi: int = SCREEN_DPI) -> bytes:
    """Return the picture, with the maps where the report explains this pair; `dpi` is SCREEN_DPI or PRINT_DPI."""
    explained = report.explained
    if explained is not None and explained.neighbour.study_id == neighbour.study_id:
        figure = draw_pair_figure(report.query, explained.match, explained.maps)
        figure.text(0.95, 0.012, _line(report, neighbour), color=INK, fontsize=7.5, ha="right", parse_math=False)
        figure.text(0.05, 0.945, _case(neighbour), color=INK, fontsize=8, parse_math=False)
    else:
        figure = _plain_pair(report, neighbour, dpi)
    out = io.BytesIO()
    about = {"Title": f"{report.answer.query_id} {neighbour.study_id}", "Description": notice(), "Software": "Casebind"}
    figure.savefig(out, dpi=dpi, format="png", facecolor=PAPER, metadata=about)
    return out.getvalue()


def _plain_pair(report: Report, neighbour: Neighbour, dpi: int) -> Any:
    """Return query and case without maps: traces on paper above each other, everything else side by side."""
    match = report.study(neighbour.study_id)
    tall = isinstance(report.query.searched, Trace) and isinstance(match.searched, Trace)
    drawn = report.annotations(report.answer.query_id), report.annotations(neighbour.study_id)
    boxes, size = _above_each_other(report.query, match) if tall else (BESIDE, SIZE_IN)
    figure = new_figure(size)
    inch = 1 / size[1]
    figure.text(
        0.04, 1 - 0.4 * inch, text("report.picture_title", rank=neighbour.rank), fontsize=15, color=INK, weight="bold"
    )
    named = report.query.facts.get("labels") or ()
    asked = text("report.picture_side", side=text("report.side_query"), recognised=spoken(report.query.recognised))
    about = [
        " · ".join([asked, *([labelled(named)] if named else [])]),
        f"{text('report.side_case', study=neighbour.study_id)}: {_case(neighbour)}",
    ]
    for box, study, on_it, words in zip(boxes, (report.query, match), drawn, about, strict=True):
        shown = fill(printable_line(words, 330), 125 if tall else 78)
        figure.text(box[0], box[1] + box[3] + 0.08 * inch, shown, fontsize=9, color=INK, va="bottom", parse_math=False)
        draw_study(figure.add_axes(box), study, dpi, on_it)
    figure.text(0.04, 0.38 * inch, f"{notice()}.", fontsize=12, color=INK, weight="bold")
    figure.text(0.04, 0.16 * inch, _line(report, neighbour), fontsize=8, color=INK, parse_math=False)
    return figure


def _above_each_other(query: Study, match: Study) -> tuple[list[Box], tuple[float, float]]:
    """Return two boxes (left, bottom, width, height) in shares of the figure, as tall as their paper, and its size."""
    width = 0.92 * TALL_IN
    sheets = [sheet_of(study) for study in (query, match)]
    first, second = (width * sheet.height / sheet.width for sheet in sheets)
    size = (TALL_IN, HEAD_IN + first + BETWEEN_IN + second + FOOT_IN)
    lower, upper = FOOT_IN, FOOT_IN + second + BETWEEN_IN
    return [(0.04, upper / size[1], 0.92, first / size[1]), (0.04, lower / size[1], 0.92, second / size[1])], size


def new_figure(size_in: tuple[float, float]) -> Any:
    """Return an empty matplotlib figure that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_in)
    FigureCanvasAgg(figure)
    return figure


def draw_study(axes: Any, study: Study, dpi: int = SCREEN_DPI, annotations: Sequence[Annotation] = ()) -> None:
    """Draw one study on matplotlib axes, with what was drawn on it: film, trace on paper, or words."""
    content = study.searched
    if isinstance(content, Film):
        pixels = film_pixels(study, content, FILM_PX.get(dpi, 1400), annotations, stamp=False)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
        axes.set_aspect(film_ratio(content) * pixels.shape[1] / pixels.shape[0])
        axes.set_axis_off()
    elif isinstance(content, Trace):
        onto_axes(axes, sheet_of(study, annotations))
    elif isinstance(content, Note):
        words = fill(printable_line(content.text, 1800), 64)
        axes.text(0.02, 0.94, words, fontsize=10, color=INK, va="top", parse_math=False)
        axes.set_xticks([])
        axes.set_yticks([])
    if not isinstance(content, Trace):
        stamp_axes(axes, stamp_of(study.facts))


def _case(neighbour: Neighbour) -> str:
    """Return what is known of a case in one line."""
    words = [labelled(neighbour.labels), labelled_by(neighbour.labels, neighbour.label_source)]
    parts = [distance(neighbour), further(neighbour), *words, origin(neighbour.cohort, neighbour.licence)]
    return printable_line(" · ".join(part for part in parts if part), 300)


def _line(report: Report, neighbour: Neighbour) -> str:
    """Return what belongs into the pixels beside the notice."""
    mark = f"{text('card.synthetic')} · " if neighbour.synthetic or report.query.facts.get("synthetic") else ""
    about = text(
        "report.footer",
        version=report.version,
        release=report.release,
        when=f"{report.when:%Y-%m-%d %H:%M}",
        audit=report.audit_id,
    )
    return f"{mark}{distance(neighbour)} · {about}"
