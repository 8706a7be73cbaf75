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

LAYOUTS = ("grid", "pages")


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    format          : a key of WRITERS; "ratings" is the CSV of the marks
    cases           : study ids among the results; empty for all. A picture shows the first
    overlay         : also explain the first of the cases, where the format can
    layout          : of the PDF's matches, one of LAYOUTS
    high_resolution : 300 instead of 130 dots per inch (PNG)
    bom             : begin a CSV so that Excel takes it for UTF-8
    """

    format: str
    cases: tuple[str, ...] = ()
    overlay: bool = False
    layout: str = "grid"
    high_resolution: bool = False
    bom: bool = False

    def __post_init__(self) -> None:
        if self.format not in WRITERS:
            raise UsageError(f"There is no format '{self.format}': use {', '.join(WRITERS)}.")
        if self.layout not in LAYOUTS:
            raise UsageError(f"There is no layout '{self.layout}': use grid or pages.")


@dataclass(frozen=True)
class Writer:
    """One export format.

    write       : makes the bytes of the file
    buttons     : key of its words under [export] → layout that the button asks for
    needs_case  : nothing can be made without a neighbour
    single      : shows one case, the open one or the nearest
    explainable : can show why the first case is near
    """

    name: str
    suffix: str
    mime: str
    write: Callable[[Report, ExportRequest], bytes] = field(repr=False)
    buttons: dict[str, str]
    needs_case: bool = False
    single: bool = False
    explainable: bool = False


def _pdf(report: Report, request: ExportRequest) -> bytes:
    from engine.report.pdf_search import search_pdf

    return search_pdf(report, request.layout)


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
    Writer("pdf", "pdf", "application/pdf", _pdf, {"pdf": "grid", "pages": "pages"}, explainable=True),
    Writer("png", "png", "image/png", _png, {"png": "grid"}, needs_case=True, single=True, explainable=True),
    Writer("csv", "csv", "text/csv", _csv, {"csv": "grid"}),
    Writer("ratings", "csv", "text/csv", _ratings, {"ratings": "grid"}),
    Writer("dicom", "zip", "application/zip", _dicom, {"dicom": "grid"}, needs_case=True),
)
WRITERS: dict[str, Writer] = {writer.name: writer for writer in _ALL}
