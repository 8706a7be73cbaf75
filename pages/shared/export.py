"""Taking results out: a popover with download buttons; a file is made when its button is pressed, not before."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.report.export import export
from engine.report.writers import WRITERS, ExportRequest, Writer
from engine.retrieval.answer import Answer
from engine.strings import text
from pages.shared import resources


def draw_export_menu(answer: Answer, *, opened: str | None = None, explain: bool = False, key: str = "export") -> None:
    """Draw the popover for an answer.

    opened  : the case that is open; the picture is of it, and it comes first in what is explained
    explain : whether that case's maps are wanted in PDF and picture
    """
    with st.popover(text("export.title"), icon=":material/download:", key=key):
        st.markdown(text("export.lead"))
        overlay = st.checkbox(
            text("export.overlay"), value=explain, key=f"{key}-overlay", help=text("export.overlay_help")
        )
        for writer in WRITERS.values():
            for button, layout in writer.buttons.items():
                cases = (opened,) if opened and writer.single else ()
                request = ExportRequest(writer.name, cases, overlay, layout, high_resolution=True, bom=True)
                _button(answer, writer, button, request, key)


def _button(answer: Answer, writer: Writer, button: str, request: ExportRequest, key: str) -> None:
    st.download_button(
        text(f"export.{button}"),
        data=_maker(answer, request),
        file_name=f"casebind-{answer.query_id}-{button}.{writer.suffix}",
        mime=writer.mime,
        key=f"{key}-{button}",
        help=text(f"export.{button}_help"),
        on_click="ignore",
        disabled=writer.needs_case and not answer.neighbours,
        width="stretch",
    )


def _maker(answer: Answer, request: ExportRequest) -> Callable[[], bytes]:
    """Return the function that makes the file when it is called, in a thread of its own."""
    workspace, release, actor = resources.workspace(), resources.release(), resources.actor()
    return lambda: export(workspace, release, answer, request, actor=actor).data
