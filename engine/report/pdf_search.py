"""A search as a PDF: one page with what was chosen; then, where it is asked for, why one is near and all the rest."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial

from fpdf.fonts import FontFace

from engine.report.cells import draw_cells
from engine.report.document import FAINT, MARGIN, Document
from engine.report.draw_pdf import draw_full_size, remaining_height
from engine.report.pdf_summary import case_cell, draw_summary
from engine.report.report import Explained, Report
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import (
    distance,
    further,
    group_radii,
    labelled,
    labelled_by,
    labels,
    nearness,
    origin,
    person,
)
from engine.sentences import spoken
from engine.strings import kind, mark, several, text
from engine.study import Note

COLUMNS = {"rank": 12, "case": 50, "labels": 66, "source": 33, "distance": 60, "cohort": 52}  # widths, share of a row
OVERLAY_DPI = 170


def search_pdf(report: Report, appendix: str = "") -> bytes:
    """Return the file.

    appendix : "" for the first page alone; "grid" or "pages" for the query at true size, the table of all matches, the
               matches as cards or one per page, and the marks
    """
    pdf = Document(
        text("report.title", query=report.answer.query_id), report.release, report.version, report.when, report.audit_id
    )
    draw_summary(pdf, report)
    if report.explained is not None:
        _overlay(pdf, report, report.explained)
    if appendix:
        _appendix(pdf, report, appendix)
    return pdf.to_bytes()


def _appendix(pdf: Document, report: Report, layout: str) -> None:
    pdf.add_page()
    _query(pdf, report)
    _table(pdf, report)
    for neighbour in report.neighbours if layout == "pages" else ():
        _page(pdf, report, neighbour)
    if layout == "grid" and report.neighbours:
        _grid(pdf, report)
    _marks(pdf, report)


def _query(pdf: Document, report: Report) -> None:
    """Print a page of the query: what was asked, its quality, and how it looks."""
    answer, study = report.answer, report.query
    pdf.heading(text("report.query_title"))
    verdict = text("report.quality", score=f"{answer.verdict.score:.2f}")
    pdf.write_paragraph(f"{spoken(study.recognised)} · {verdict}", 10, lines=2)
    pdf.write_paragraph(_asked(report), 8.5, colour=FAINT, lines=3)
    if study.identity_note:
        pdf.write_paragraph(spoken(study.identity_note), 8.5, lines=2)
    pdf.ln(1.5)
    if isinstance(study.content, Note) and study.facts.get("synthetic"):
        pdf.write_paragraph(text("card.synthetic"), 9, bold=True)
    draw_full_size(pdf, study, report.annotations(answer.query_id))


def _asked(report: Report) -> str:
    """Say how it was asked: code length, operating point, filters."""
    answer = report.answer
    at = ", ".join([text(f"controls.{answer.operating_point or 'nearest'}"), *group_radii(answer)])
    applied = answer.filters_sentence or text("controls.sentence_none")
    return text("report.asked", query=answer.query_id, bits=answer.bits, at=at, filters=applied, audit=answer.audit_id)


def _table(pdf: Document, report: Report) -> None:
    """Print all matches in one table per kind."""
    pdf.add_page()
    pdf.heading(text("report.table_title"))
    pdf.write_paragraph(text("report.meaning"), 9, colour=FAINT)
    if report.left_out:
        pdf.write_paragraph(several(report.left_out, "report.left_out"), 9, bold=True)
    if report.answer.missing:
        pdf.write_paragraph(report.answer.missing_sentence, 9, bold=True)
    for modality in report.kinds():
        _kind_table(pdf, report, modality, report.of_kind(modality))


def _kind_table(pdf: Document, report: Report, modality: str, found: Sequence[Neighbour]) -> None:
    pdf.ensure_space(40)
    pdf.ln(3)
    pdf.heading(text(f"modality.{modality}"), 12, level=1)
    if not found:
        pdf.write_paragraph(text("report.none", modality=text(f"modality_plain.{modality}")), 9)
        return
    if report.answer.nothing_close.get(modality):
        pdf.write_paragraph(
            text("search.nothing_close_text", modality=text(f"modality_plain.{modality}")), 9, bold=True
        )
    pdf.set_text_style(8)
    pdf.set_draw_color(190, 198, 206)
    pdf.set_line_width(0.15)
    heads = FontFace(emphasis="BOLD", fill_color=(236, 240, 243))
    with pdf.table(
        col_widths=tuple(COLUMNS.values()),
        line_height=4.0,
        text_align="LEFT",
        headings_style=heads,
        borders_layout="HORIZONTAL_LINES",
        padding=(0.8, 1.5),
    ) as table:
        table.row([text(f"report.column_{name}") for name in COLUMNS])
        for neighbour in found:
            table.row([pdf.one_line(words, 240) for words in _row(report, neighbour)])


def _row(report: Report, neighbour: Neighbour) -> list[str]:
    """Return the cells of one match, in the order of COLUMNS."""
    case = [neighbour.study_id, text("card.synthetic") if neighbour.synthetic else "", _person(neighbour)]
    marks = ", ".join(mark(given.mark) for given in report.ratings_of(neighbour.study_id))
    return [
        str(neighbour.rank),
        " · ".join(part for part in case if part),
        labels(neighbour.labels),
        _source(neighbour),
        f"{distance(neighbour)}; {further(neighbour)}" + (f" · {text('report.marked', marks=marks)}" if marks else ""),
        origin(neighbour.cohort, neighbour.licence),
    ]


def _source(neighbour: Neighbour) -> str:
    return labelled_by(neighbour.labels, neighbour.label_source)


def _person(neighbour: Neighbour) -> str:
    return person(neighbour.age, neighbour.sex, neighbour.view)


def _grid(pdf: Document, report: Report) -> None:
    """Print the matches as cards, eight on a page."""
    head = partial(pdf.heading, text("report.grid_title"), 12, level=1)
    draw_cells(pdf, [partial(case_cell, report, one) for one in report.neighbours], head)


def _page(pdf: Document, report: Report, neighbour: Neighbour) -> None:
    """Print one match on a page of its own."""
    pdf.add_page()
    pdf.heading(
        text("report.case_title", rank=neighbour.rank, kind=kind(neighbour.modality), study=neighbour.study_id),
        14,
        level=1,
    )
    pdf.write_paragraph(labelled(neighbour.labels), 10, bold=True, lines=2)
    about = [
        _source(neighbour),
        _person(neighbour),
        spoken(neighbour.recognised),
        origin(neighbour.cohort, neighbour.licence),
    ]
    pdf.write_paragraph(nearness(neighbour), 9, lines=1)
    pdf.write_paragraph(" · ".join(part for part in about if part), 8.5, colour=FAINT, lines=2)
    pdf.ln(1)
    study = report.study(neighbour.study_id)
    if isinstance(study.content, Note) and neighbour.synthetic:
        pdf.write_paragraph(text("card.synthetic"), 9, bold=True)
    draw_full_size(pdf, study, report.annotations(neighbour.study_id))


def _overlay(pdf: Document, report: Report, explained: Explained) -> None:
    """Print query and match with the maps that show what brought them together."""
    from PIL import Image

    from engine.explain.picture import PAPER, draw_pair_figure

    neighbour = explained.neighbour
    pdf.add_page()
    pdf.heading(
        text("report.overlay_title", rank=neighbour.rank, kind=kind(neighbour.modality), study=neighbour.study_id), 14
    )
    out = io.BytesIO()
    figure = draw_pair_figure(report.query, explained.match, explained.maps)
    figure.savefig(out, dpi=OVERLAY_DPI, format="png", facecolor=PAPER)
    picture = Image.open(out).convert("RGB")
    width = min(pdf.epw, remaining_height(pdf) * picture.width / picture.height)
    pdf.picture(
        picture,
        MARGIN + (pdf.epw - width) / 2,
        pdf.y,
        width,
        text("report.overlay_alt", similarity=f"{explained.maps.similarity:.2f}"),
    )


def _marks(pdf: Document, report: Report) -> None:
    """Print the marks that were given, where there are any."""
    if not report.ratings:
        return
    pdf.add_page()
    pdf.heading(text("report.marks_title"))
    pdf.set_text_style(9)
    heads = FontFace(emphasis="BOLD", fill_color=(236, 240, 243))
    with pdf.table(
        col_widths=(80, 40, 50, 50),
        line_height=4.6,
        text_align="LEFT",
        headings_style=heads,
        borders_layout="HORIZONTAL_LINES",
        padding=(0.8, 1.5),
    ) as table:
        table.row([text(f"report.mark_{name}") for name in ("case", "mark", "who", "when")])
        for rating in report.ratings:
            cells = (rating.study_id, mark(rating.mark), rating.who, f"{rating.created_at:%Y-%m-%d %H:%M} UTC")
            table.row([pdf.one_line(words, 120) for words in cells])
