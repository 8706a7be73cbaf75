"""The formats that a search is exported in, one row each; command, page and audit derive from this table.

A format is added here by one row with its function; its words are in the strings file under [export].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.report.report import Report

PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
APPENDICES = ("grid", "pages")
MAX_READER, MAX_COMMENT = 80, 1000  # characters


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    format          : a key of WRITERS; "ratings" is the CSV of the marks
    cases           : study ids among the results; empty for all. A picture shows the first
    overlay         : also explain the first of the cases, where the format can
    first           : ids of the cases on the first page (PDF); empty for the first few
    appendix        : "" for the first page alone, else how its matches are laid out, one of APPENDICES (PDF)
    reader, comment : who read the cases, and what the reader says of them (PDF)
    high_resolution : 300 instead of 130 dots per inch (PNG)
    bom             : begin a CSV so that Excel takes it for UTF-8
    """

    format: str
    cases: tuple[str, ...] = ()
    overlay: bool = False
    first: tuple[str, ...] = ()
    appendix: str = ""
    reader: str = ""
    comment: str = ""
    high_resolution: bool = False
    bom: bool = False

    def __post_init__(self) -> None:
        if self.format not in WRITERS:
            raise UsageError(f"There is no format '{self.format}': use {', '.join(WRITERS)}.")
        if self.appendix not in ("", *APPENDICES):
            raise UsageError(f"There is no appendix '{self.appendix}': use {' or '.join(APPENDICES)}.")
        for name, most in (("reader", MAX_READER), ("comment", MAX_COMMENT)):
            n = len(getattr(self, name))
            if n > most:
                raise UsageError(f"The {name} has {n} characters and {most} fit: shorten it.")


@dataclass(frozen=True)
class Writer:
    """One export format.

    write       : makes the bytes of the file
    few         : cases that leave where none is named and no appendix asked for; 0: all
    needs_case  : nothing can be made without a neighbour
    single      : shows one case, the open one or the nearest
    explainable : can show why the first case is near
    """

    name: str
    suffix: str
    mime: str
    write: Callable[[Report, ExportRequest], bytes] = field(repr=False)
    few: int = 0
    needs_case: bool = False
    single: bool = False
    explainable: bool = False


def _pdf(report: Report, request: ExportRequest) -> bytes:
    from engine.report.pdf_search import search_pdf

    return search_pdf(report, request.appendix)


def _pptx(report: Report, _: ExportRequest) -> bytes:
    from engine.report.slides_search import search_slides

    return search_slides(report)


def _png(report: Report, request: ExportRequest) -> bytes:
    from engine.report.picture import PRINT_DPI, SCREEN_DPI, pair_png

    if not report.neighbours:
        reason = "its patient's consent was withdrawn" if report.left_out else "the search found none"
        raise UsageError(f"There is no case to draw beside the query, because {reason}: choose another one.")
    return pair_png(report, report.neighbours[0], dpi=PRINT_DPI if request.high_resolution else SCREEN_DPI)


def _csv(report: Report, request: ExportRequest) -> bytes:
    from engine.report.table_csv import results_csv

    return results_csv(report, bom=request.bom)


def _ratings(report: Report, request: ExportRequest) -> bytes:
    from engine.report.table_csv import ratings_csv

    return ratings_csv(report, bom=request.bom)


def _dicom(report: Report, _: ExportRequest) -> bytes:
    from engine.report.dicom.package import dicom_zip

    return dicom_zip(report)


# In the order of the page's buttons.
_ALL = (
    Writer("pdf", "pdf", "application/pdf", _pdf, few=3, explainable=True),
    Writer("pptx", "pptx", PPTX, _pptx, few=3),
    Writer("png", "png", "image/png", _png, needs_case=True, single=True, explainable=True),
    Writer("csv", "csv", "text/csv", _csv),
    Writer("ratings", "csv", "text/csv", _ratings),
    Writer("dicom", "zip", "application/zip", _dicom, needs_case=True),
)
WRITERS: dict[str, Writer] = {writer.name: writer for writer in _ALL}
