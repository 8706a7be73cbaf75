"""Pictures with words beneath, on pages turned and divided so that the pictures become as large as they can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.report.document import FAINT, FOOTER, INK, MARGIN, PT_PER_MM, Document
from engine.report.draw_pdf import SmallPicture, remaining_height

GAP, ROW_GAP, UNDER = 4.0, 3.0, 1.2  # mm between cells, between rows, between a picture and its words
LABEL_PT, SMALL_PT = 8.5, 7.5
LABEL_LINES, DETAIL_LINES = 2, 5  # at most
LINE = 1.35
MAX_CELLS = 8  # on one page
PAGES: dict[Literal["L", "P"], tuple[float, float]] = {"L": (297.0, 210.0), "P": (210.0, 297.0)}  # A4, mm
Paragraph = tuple[str, float, bool, int, float]  # words, size, whether bold, most lines, height in mm


@dataclass(frozen=True, eq=False)
class StudyCell:
    """One study of a page: its picture, how it is labelled, and further paragraphs."""

    picture: SmallPicture
    label: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """Cells beside each other: the width of their column, and the heights of their pictures and words, mm."""

    column: float
    pictures: float
    words: float


def draw_cells(
    pdf: Document, cells: Sequence[Callable[[], StudyCell]], head: Callable[[], None], head_mm: float = 12.0
) -> None:
    """Draw cells on new pages.

    cells   : make the cells, so that no more of them are in memory than stand on a page
    head    : writes what stands above them on the first page
    head_mm : about as high as that is
    """
    for first in range(0, max(len(cells), 1), MAX_CELLS):
        some = [make() for make in cells[first : first + MAX_CELLS]]
        pdf.add_page(orientation=_orientation(pdf, some, 0.0 if first else head_mm))
        if not first:
            head()
        if some:
            _draw_page(pdf, some)


def _orientation(pdf: Document, cells: Sequence[StudyCell], head_mm: float) -> Literal["L", "P"]:
    """Return how the page is turned so that its pictures become largest."""

    def area(turned: Literal["L", "P"]) -> float:
        width, height = PAGES[turned][0] - 2 * MARGIN, PAGES[turned][1] - MARGIN - FOOTER - 6 - head_mm
        return max((_area(pdf, cells, n, (width, height)) for n in range(1, len(cells) + 1)), default=0.0)

    return "P" if area("P") > area("L") else "L"


def _draw_page(pdf: Document, cells: Sequence[StudyCell]) -> None:
    """Draw cells in the number of columns in which their pictures become largest."""
    y, space = pdf.y, (pdf.epw, remaining_height(pdf))
    n = max(range(1, len(cells) + 1), key=lambda columns: _area(pdf, cells, columns, space))
    rows = _rows(pdf, cells, n, space[0])
    share = _share(rows, space[1])
    for number, row in enumerate(rows):
        for place, cell in enumerate(cells[number * n : (number + 1) * n]):
            _draw(pdf, cell, (MARGIN + place * (row.column + GAP), y, row.column), row.pictures * share)
        y += row.pictures * share + UNDER + row.words + ROW_GAP
    pdf.set_xy(MARGIN, y)


def _rows(pdf: Document, cells: Sequence[StudyCell], n: int, width: float) -> list[_Row]:
    """Return the rows of n columns, their pictures as wide as the columns."""
    column = (width - (n - 1) * GAP) / n
    found = []
    for first in range(0, len(cells), n):
        some = cells[first : first + n]
        words = max(sum(height for *_, height in _paragraphs(pdf, cell, column)) for cell in some)
        found.append(_Row(column, column * max(cell.picture.ratio for cell in some), words))
    return found


def _share(rows: Sequence[_Row], height: float) -> float:
    """Return by how much the pictures are made smaller so that the rows fit into a height; at most 1."""
    fixed = sum(row.words + UNDER for row in rows) + ROW_GAP * (len(rows) - 1)
    return min(1.0, max(height - fixed, 1.0) / sum(row.pictures for row in rows))


def _area(pdf: Document, cells: Sequence[StudyCell], n: int, space: tuple[float, float]) -> float:
    """Return the area of all pictures in n columns of a space of this width and height, mm²."""
    rows = _rows(pdf, cells, n, space[0])
    share = _share(rows, space[1])
    sizes = [_size(cell, rows[at // n].column, rows[at // n].pictures * share) for at, cell in enumerate(cells)]
    return sum(width * tall for width, tall in sizes)


def _size(cell: StudyCell, column: float, height: float) -> tuple[float, float]:
    """Return width and height of a picture within a column and a height."""
    width = min(column, height / cell.picture.ratio)
    return width, width * cell.picture.ratio


def _draw(pdf: Document, cell: StudyCell, place: tuple[float, float, float], height: float) -> None:
    """Draw one cell. place: x, y and width of its column"""
    x, y, column = place
    width, tall = _size(cell, column, height)
    cell.picture.draw(pdf, x, y + height - tall, width)
    pdf.set_xy(x, y + height + UNDER)
    for words, size, bold, lines, _ in _paragraphs(pdf, cell, column):
        pdf.write_paragraph(words, size, bold=bold, colour=INK if bold else FAINT, width=column, lines=lines)


def _paragraphs(pdf: Document, cell: StudyCell, width: float) -> list[Paragraph]:
    """Return the paragraphs under a picture."""
    asked = [(cell.label, LABEL_PT, True, LABEL_LINES)]
    asked += [(words, SMALL_PT, False, DETAIL_LINES) for words in cell.details if words]
    found = []
    for words, size, bold, most in asked:
        lines = min(most, pdf.count_lines(words, size, bold=bold, width=width))
        found.append((words, size, bold, most, lines * size / PT_PER_MM * LINE))
    return found
