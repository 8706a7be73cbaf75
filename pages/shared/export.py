"""Taking results out: a popover with download buttons; a file is made when its button is pressed, not before."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.report.export import MIMES, ExportRequest, export
from engine.retrieval.answer import Answer
from pages.shared import resources
from pages.shared.strings import text

KINDS = ("pdf", "pages", "png", "csv", "ratings", "dicom")  # buttons, in their order
NEED_A_CASE = ("png", "dicom")
OF_FORMAT = {"pages": "pdf"}  # what a button makes where it is not named for its format


def draw_export_menu(answer: Answer, *, opened: str | None = None, explain: bool = False, key: str = "export") -> None:
    """Draw the popover for an answer.

    opened : the case that is open; the picture is of it, and it comes first in what is explained
    why    : whether that case's maps are wanted in PDF and picture
    """
    with st.popover(text("export.title"), icon=":material/download:", key=key):
        st.markdown(text("export.lead"))
        overlay = st.checkbox(
            text("export.overlay"), value=explain, key=f"{key}-overlay", help=text("export.overlay_help")
        )
        for kind in KINDS:
            _button(answer, kind, opened, overlay, key)


def _button(answer: Answer, kind: str, opened: str | None, overlay: bool, key: str) -> None:
    wanted = _wanted(kind, opened, overlay)
    mime, suffix = MIMES[wanted.format]
    st.download_button(
        text(f"export.{kind}"),
        data=_maker(answer, wanted),
        file_name=f"casebind-{answer.query_id}-{kind}.{suffix}",
        mime=mime,
        key=f"{key}-{kind}",
        help=text(f"export.{kind}_help"),
        on_click="ignore",
        disabled=not answer.neighbours and wanted.format in NEED_A_CASE,
        width="stretch",
    )


def _wanted(kind: str, opened: str | None, overlay: bool) -> ExportRequest:
    """Return what a button asks for: a picture of the open case, everything else of all."""
    format_ = OF_FORMAT.get(kind, kind)
    cases = (opened,) if opened and format_ == "png" else ()
    layout = "pages" if kind == "pages" else "grid"
    return ExportRequest(format_, cases, overlay, layout, high_resolution=True, bom=True)


def _maker(answer: Answer, wanted: ExportRequest) -> Callable[[], bytes]:
    """Return the function that makes the file when it is called, in a thread of its own."""
    workspace, release = resources.workspace(), resources.release()
    return lambda: export(workspace, release, answer, wanted, who=resources.WHO).data
