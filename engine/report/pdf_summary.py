"""The first page of a report: the query, the chosen cases, who read them, and the comment."""

from __future__ import annotations

from functools import partial

from engine.drawing.annotated import listed_words
from engine.drawing.film import stamp_of
from engine.report.cells import StudyCell, draw_cells
from engine.report.document import FAINT, Document
from engine.report.draw_pdf import SmallPicture
from engine.report.report import Report
from engine.retrieval.answer import Neighbour
from engine.retrieval.wording import further, labelled, labelled_by, origin, person, relevance
from engine.sentences import spoken
from engine.strings import kind, several, text

HEAD_MM = 28.0  # title, reader and query; a comment takes more


def draw_summary(pdf: Document, report: Report) -> None:
    """Print the page; more than seven cases go on to further ones."""
    cells = [partial(_query, report), *(partial(case_cell, report, one) for one in report.first)]
    draw_cells(pdf, cells, partial(_head, pdf, report), HEAD_MM)


def _head(pdf: Document, report: Report) -> None:
    pdf.heading(text("report.summary_title"))
    pdf.write_paragraph(_read_by(report), 10, lines=1)
    pdf.write_paragraph(_asked(report), 8, colour=FAINT, lines=1)
    for sentence in (
        several(report.left_out, "report.left_out") if report.left_out else "",
        report.answer.missing_sentence,
        "" if report.first else text("report.summary_none"),
    ):
        if sentence:
            pdf.write_paragraph(sentence, 9, bold=True)
    if report.comment:
        pdf.ln(1)
        pdf.write_paragraph(report.comment, 10)
    pdf.ln(2)


def _read_by(report: Report) -> str:
    """Return who read it, where somebody says so, and the day."""
    day = f"{report.when:%Y-%m-%d}"
    return text("report.summary_reader", reader=report.reader, day=day) if report.reader else day


def _asked(report: Report) -> str:
    """Return the query's number, what was filtered, and the number of the search."""
    answer = report.answer
    applied = answer.filters_sentence.rstrip(".") or text("controls.sentence_none").rstrip(".")
    return text("report.summary_asked", query=answer.query_id, filters=applied, audit=answer.audit_id)


def _query(report: Report) -> StudyCell:
    study, facts = report.query, report.query.facts
    drawn = report.annotations(report.answer.query_id)
    about = person(facts.get("age"), facts.get("sex"), facts.get("view"))
    return StudyCell(
        SmallPicture(study, drawn),
        query_title(report),
        (_line(kind(study.modality), stamp_of(facts), about, spoken(study.recognised)), listed_words(drawn)),
    )


def query_title(report: Report) -> str:
    """Return the query's title, with its labels where it has any."""
    names = report.query.facts.get("labels") or ()
    return f"{text('report.query_title')}: {labelled(names)}" if names else text("report.query_title")


def case_cell(report: Report, one: Neighbour) -> StudyCell:
    """Return the cell of one case."""
    drawn = report.annotations(one.study_id)
    what = f"{kind(one.modality)} {one.study_id}", text("card.synthetic") if one.synthetic else ""
    about = person(one.age, one.sex, one.view), labelled_by(one.labels, one.label_source)
    near = further(one), relevance(one)
    return StudyCell(
        SmallPicture(report.study(one.study_id), drawn),
        f"{text('card.rank', rank=one.rank)} {labelled(one.labels)}",
        (_line(*what, *about, *near, origin(one.cohort, one.licence)), listed_words(drawn)),
    )


def _line(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
