"""A teaching collection as a PDF: title and description, then one case per page with its note."""

from __future__ import annotations

from datetime import datetime

from engine.report.document import FAINT, Document
from engine.report.draw_pdf import draw_full_size
from engine.report.printed import PrintedCase, PrintedCollection
from engine.retrieval import wording
from engine.sentences import spoken
from engine.strings import kind, several, text
from engine.study import Note
from engine.version import __version__

MAX_NOTE_CHARACTERS, MAX_NOTE_LINES = 1200, 6  # characters and lines of a note that leave room for the drawing


def collection_pdf(collection: PrintedCollection, *, release: str, when: datetime, audit_id: int) -> bytes:
    """Return the file. `when` is UTC; `audit_id` the number of the export in the audit."""
    title = text("report.collection_title", title=collection.title)
    pdf = Document(title, release, __version__, when, audit_id)
    pdf.add_page()
    pdf.heading(collection.title, 20)
    pdf.write_paragraph(collection.description, 11, max_length=3500, lines=24)
    pdf.ln(3)
    if not collection.items:
        pdf.write_paragraph(text("report.collection_empty"), 10)
    if collection.left_out:
        pdf.write_paragraph(several(collection.left_out, "report.left_out"), 9, bold=True)
    if collection.reports:
        pdf.write_paragraph(several(collection.reports, "quiz.left_reports"), 9, bold=True)
    for n, item in enumerate(collection.items, 1):
        _page(pdf, item.number or n, item)
    return pdf.to_bytes()


def _page(pdf: Document, n: int, item: PrintedCase) -> None:
    """Print one case: head, note and drawing."""
    pdf.add_page()
    pdf.heading(f"{text('report.collection_case', n=n)} · {kind(item.study.modality)}", 14, level=1)
    if not item.hide_labels:
        pdf.write_paragraph(wording.labelled(item.labels), 10, bold=True, lines=2)
        if item.note.strip():
            pdf.write_paragraph(item.note, 10, max_length=MAX_NOTE_CHARACTERS, lines=MAX_NOTE_LINES)
        source = wording.labelled_by(item.labels, item.label_source)
        origin = wording.origin(item.cohort, item.licence) if item.cohort else ""
        about = (source, spoken(item.study.recognised), origin, item.study_id)
        pdf.write_paragraph(" · ".join(part for part in about if part), 8, colour=FAINT, lines=2)
    pdf.ln(1)
    if isinstance(item.study.content, Note) and item.study.facts.get("synthetic"):
        pdf.write_paragraph(text("card.synthetic"), 9, bold=True)
    draw_full_size(pdf, item.study, () if item.hide_labels else item.annotations)
