"""The report as a PDF of A4 pages, each with the notice, release and moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fpdf.fonts import FontFace

from engine.report.document import FAINT, RULE, Document
from engine.strings import speaking
from engine.transparency.layout import Block, Listing, Table, sections

SIZE, SMALL = 9.0, 7.0
LONG = 60  # letters up to which a column is as wide as its words


def to_pdf(report: dict[str, Any]) -> bytes:
    """Return the file; its sections are its outline."""
    with speaking("en"):
        return _document(report).to_bytes()


def _document(report: dict[str, Any]) -> Document:
    name = report["release"]["name"]
    title = f"Transparency report of Casebind, release {name}"
    pdf = ReportDocument(title, name, report["casebind"], datetime.fromisoformat(report["made"]), 0)
    pdf.add_page()
    pdf.heading(title, 18)
    for section in sections(report):
        pdf.ensure_space(30)
        pdf.heading(section.title, 14 if section.level == 1 else 11, level=section.level)
        for block in section.blocks:
            _block(pdf, block)
    return pdf


class ReportDocument(Document):
    """A document whose footer names the report's own facts: it is of no search."""

    def __init__(self, title: str, release: str, version: str, when: datetime, audit_id: int) -> None:
        super().__init__(title, release, version, when, audit_id)
        self.about = f"Casebind {version} · release {release} · {when:%Y-%m-%d %H:%M} UTC"


def _block(pdf: Document, block: Block) -> None:
    if isinstance(block, Table):
        _table(pdf, block)
    elif isinstance(block, Listing):
        for item in block.items:
            pdf.write_paragraph(f"– {item}", SIZE)
    else:
        pdf.write_paragraph(block, SIZE)
    pdf.ln(1.5)


def _table(pdf: Document, table: Table) -> None:
    """Print a table; its head stands on every page."""
    pdf.ensure_space(20)
    pdf.write_paragraph(table.caption, SIZE, bold=True)
    if not table.rows:
        pdf.write_paragraph("Nothing.", SIZE, colour=FAINT)
        return
    pdf.set_text_style(SMALL)
    pdf.set_draw_color(*RULE)
    aligned = tuple("RIGHT" if at in table.numbers else "LEFT" for at in range(len(table.head)))
    with pdf.table(
        col_widths=_widths(table),
        text_align=aligned,
        headings_style=FontFace(emphasis="B"),
        first_row_as_headings=any(table.head),
        borders_layout="HORIZONTAL_LINES",
        line_height=3.4,
        padding=(0.4, 1.0),
    ) as printed:
        for row in ([table.head] if any(table.head) else []) + list(table.rows):
            printed.row([pdf.one_line(cell) for cell in row])
    pdf.set_xy(pdf.l_margin, pdf.y)


def _widths(table: Table) -> tuple[float, ...]:
    """Return how wide columns are beside each other: as their words need, long ones by the root of it."""
    longest = [max(len(row[at]) for row in (table.head, *table.rows)) for at in range(len(table.head))]
    return tuple(max(8.0, min(one, LONG) + max(0, one - LONG) ** 0.5) for one in longest)
