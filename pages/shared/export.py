"""Taking results out: a dialog with the report and further files; a file is made when its button is pressed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.report.export import Exported, export, nearest_few
from engine.report.writers import APPENDICES, MAX_COMMENT, MAX_READER, WRITERS, ExportRequest, Writer
from engine.retrieval import wording
from engine.retrieval.answer import Answer, Neighbour
from engine.strings import kind, text
from pages.shared import free_text, permitted, resources, result_view, send_back, session
from pages.shared.markdown import said
from pages.shared.viewer import shown_window

OPEN = shown_window.WANTED  # whether the dialog is open: a page that is drawn anew, as for a finer map, keeps it open
MADE = "export-made"  # the report that was made last, and what for
COMMENT = "export-comment"  # key of the box of what the reader says
REPORT = WRITERS["pdf"]
Made = tuple[tuple[str, ExportRequest], Exported]


def draw_export_menu(answer: Answer, *, opened: str | None = None, explain: bool = False, key: str = "export") -> None:
    """Draw the button that opens the dialog for an answer.

    opened  : the case that is open; it is chosen first
    explain : whether that case's maps are wanted in report and picture
    """
    if not permitted.may("export"):
        return
    st.button(text("export.title"), icon=":material/download:", key=key, on_click=_begin, args=(explain,))
    if st.session_state.get(OPEN):
        st.dialog(text("export.title"), width="medium", on_dismiss=_end)(_draw)(answer, opened)


def _begin(explain: bool) -> None:
    st.session_state[OPEN] = True
    st.session_state["export-overlay"] = explain


def _end() -> None:
    send_back.forget()
    for name in (OPEN, MADE):
        st.session_state.pop(name, None)


def _draw(answer: Answer, opened: str | None) -> None:
    """Draw the dialog: which cases, the report with its reader and comment, then a button per further file."""
    cases = _cases(answer, opened)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        appendix = st.selectbox(
            text("export.appendix"), ("", *APPENDICES), format_func=_appendix_words, key="export-appendix"
        )
        overlay = st.checkbox(text("export.overlay"), key="export-overlay", help=text("export.overlay_help"))
    _report(answer, cases, appendix, overlay)
    st.markdown(f":small[{text('export.lead')}]")
    with st.container(horizontal=True, gap="small"):
        for writer in WRITERS.values():
            if writer is not REPORT:
                _button(answer, writer, _request(writer, cases, overlay))
    send_back.draw(answer, cases)


def _cases(answer: Answer, opened: str | None) -> tuple[str, ...]:
    """Draw the choice of cases and return their ids: first the open one, else those ticked, else the nearest few."""
    by_id = {one.study_id: one for one in answer.neighbours}
    ids = [one for one in ([opened] if opened else result_view.chosen()) if one in by_id]
    few = [one.study_id for one in nearest_few(answer, answer.neighbours, REPORT.few)]
    chosen = st.multiselect(
        text("export.cases"),
        list(by_id),
        default=ids or few,
        format_func=lambda study_id: _named(by_id[study_id]),
        key=f"export-cases-{answer.query_id}-{opened}",
        help=text("export.cases_help"),
    )
    return tuple(chosen)


def _named(one: Neighbour) -> str:
    return f"{kind(one.modality)} {one.rank} · {wording.labels(one.labels)}"


def _appendix_words(name: str) -> str:
    return text(f"export.appendix_{name or 'none'}")


def _report(answer: Answer, cases: tuple[str, ...], appendix: str, overlay: bool) -> None:
    """Draw the form of the report; one that was made stands beneath until something else is asked for.

    A form sends what was typed together with the press; a field that is just being left would come too late.
    """
    with st.form("export-report", border=False):
        left, right = st.columns([2, 3], gap="small")
        reader = left.text_input(text("export.reader"), session.rater().name, max_chars=MAX_READER, key="export-reader")
        comment = right.text_area(text("export.comment"), max_chars=MAX_COMMENT, height=90, key=COMMENT)
        pressed = st.form_submit_button(text("export.make"), type="primary", icon=":material/picture_as_pdf:")
    free_text.draw(COMMENT, comment)
    wanted = ExportRequest(
        REPORT.name,
        cases=() if appendix else cases,
        overlay=overlay,
        first=cases if appendix else (),
        appendix=appendix,
        reader=reader,
        comment=free_text.settled(COMMENT, comment),
    )
    key = answer.query_id, wanted
    if pressed:
        with st.spinner(text("export.making")):
            _make(answer, wanted)
    made: Made | None = st.session_state.get(MADE)
    if made is not None and made[0] == key:
        st.download_button(
            text("export.pdf"),
            made[1].data,
            made[1].name,
            REPORT.mime,
            key="export-pdf",
            icon=":material/download:",
            help=text("export.pdf_help"),
            on_click="ignore",
            type="primary",
        )


def _make(answer: Answer, wanted: ExportRequest) -> None:
    st.session_state.pop(MADE, None)
    try:
        made = export(resources.workspace(), resources.release(), answer, wanted, actor=session.reader())
    except CasebindError as problem:
        st.error(said(problem), icon=":material/error:")
        return
    st.session_state[MADE] = (answer.query_id, wanted), made


def _request(writer: Writer, cases: tuple[str, ...], overlay: bool) -> ExportRequest:
    """Return what a further file is asked for: a table holds every match, the others what was chosen.

    Slides say who read the cases and the comment, as the form had them when it was sent last.
    """
    chosen = () if writer.suffix == "csv" else cases[:1] if writer.single else cases
    return ExportRequest(
        writer.name,
        chosen,
        overlay,
        reader=st.session_state["export-reader"],
        comment=free_text.settled(COMMENT, st.session_state[COMMENT]),
        high_resolution=True,
        bom=True,
    )


def _button(answer: Answer, writer: Writer, request: ExportRequest) -> None:
    st.download_button(
        text(f"export.{writer.name}"),
        data=_maker(answer, request),
        file_name=f"casebind-{answer.query_id}-{writer.name}.{writer.suffix}",
        mime=writer.mime,
        key=f"export-{writer.name}",
        help=text(f"export.{writer.name}_help"),
        on_click="ignore",
        disabled=writer.needs_case and not answer.neighbours,
    )


def _maker(answer: Answer, request: ExportRequest) -> Callable[[], bytes]:
    """Return the function that makes the file when it is called, in a thread of its own."""
    workspace, release, who = resources.workspace(), resources.release(), resources.actor_later(session.reader())
    return lambda: export(workspace, release, answer, request, actor=who()).data
