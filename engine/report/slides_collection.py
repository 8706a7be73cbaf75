"""A teaching collection as slides: a title, then each case twice, as a question and with its answer."""

from __future__ import annotations

from datetime import datetime

from engine.report.printed import PrintedCase, PrintedCollection
from engine.report.slides import Deck
from engine.retrieval import wording
from engine.strings import kind, several, text
from engine.study import Note


def collection_slides(
    collection: PrintedCollection, *, blind: bool, release: str, when: datetime, audit_id: int
) -> bytes:
    """Return the file. `when` is UTC; `audit_id` the number of the export in the audit.

    blind : the questions alone, under a title that gives no answer away
    """
    title = text("report.slides_blind") if blind else collection.title
    deck = Deck(title, release, when, audit_id)
    left = several(collection.left_out, "report.left_out") if collection.left_out else ""
    reports = several(collection.reports, "quiz.left_reports") if collection.reports else ""
    deck.add_words(title, ("" if blind else collection.description, left, reports))
    for n, item in enumerate(collection.items, 1):
        _case(deck, item.number or n, item, blind)
    return deck.to_bytes()


def _case(deck: Deck, n: int, item: PrintedCase, blind: bool) -> None:
    """Add the question, and the answer behind it."""
    title = f"{text('report.collection_case', n=n)} · {kind(item.study.modality)}"
    if blind:
        deck.add_case(item.study, title)
        return
    labelled = wording.labelled(item.labels)
    source = wording.labelled_by(item.labels, item.label_source)
    spoken = "\n".join(part for part in (labelled, item.note, source, item.study_id) if part)
    origin = wording.origin(item.cohort, item.licence) if item.cohort else ""
    if isinstance(item.study.content, Note):
        deck.add_case(item.study, f"{title} · {labelled}", origin=origin, spoken=spoken)
        return
    deck.add_case(item.study, title, origin=origin, spoken=spoken)
    deck.add_case(
        item.study,
        f"{text('report.collection_case', n=n)} · {labelled}",
        annotations=item.annotations,
        words=item.note,
        origin=" · ".join(part for part in (source, origin) if part),
        spoken=spoken,
    )
