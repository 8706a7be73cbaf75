"""A search as slides: a title with reader and comment, the query, then the chosen cases."""

from __future__ import annotations

from engine.drawing.film import stamp_of
from engine.report.pdf_summary import query_title
from engine.report.report import Report
from engine.report.slides import Deck
from engine.retrieval.wording import further, labelled, labelled_by, origin, person
from engine.sentences import spoken
from engine.strings import kind, several, text


def search_slides(report: Report) -> bytes:
    """Return the file: what was drawn is shown, and labels stand in the titles."""
    deck = Deck(text("report.title", query=report.answer.query_id), report.release, report.when, report.audit_id)
    by = text("report.summary_reader", reader=report.reader, day=f"{report.when:%Y-%m-%d}") if report.reader else ""
    left = several(report.left_out, "report.left_out") if report.left_out else ""
    deck.add_words(text("report.summary_title"), (by, report.comment, left, report.answer.missing_sentence))
    study, facts = report.query, report.query.facts
    about = person(facts.get("age"), facts.get("sex"), facts.get("view"))
    deck.add_case(
        study,
        query_title(report),
        annotations=report.annotations(report.answer.query_id),
        origin=_line(kind(study.modality), stamp_of(facts), about, spoken(study.recognised)),
    )
    for one in report.first:
        source = labelled_by(one.labels, one.label_source), origin(one.cohort, one.licence)
        deck.add_case(
            report.study(one.study_id),
            f"{text('card.rank', rank=one.rank)} {labelled(one.labels)}",
            annotations=report.annotations(one.study_id),
            origin=_line(one.study_id, person(one.age, one.sex, one.view), further(one), *source),
        )
    return deck.to_bytes()


def _line(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
