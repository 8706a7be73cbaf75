"""The reader studies that somebody may open, as a reader or as their maker."""

from __future__ import annotations

import streamlit as st

from engine.reader_study import design
from engine.retrieval import wording
from engine.store.reader_studies import StoredReaderStudy
from engine.strings import several, text
from engine.teaching import access
from pages.reader_study import state
from pages.shared import frame, permitted, resources, session
from pages.shared.markdown import escaped


def draw_list() -> None:
    """Draw every reader study with what can be done in it."""
    frame.describe(text("reader_study.title"), screen="reader_study", token="reader studies", focus="study-title")
    with st.container(key="study-title"):
        st.title(text("reader_study.title"), anchor=False)
    st.markdown(text("reader_study.lead"))
    session.draw_name("study-who", text("reader_study.who"), width=320)
    found = design.listed(resources.workspace(), actor=resources.actor())
    if not found:
        how = text("study_form.how" if permitted.may("curate") else "reader_study.none_how")
        st.info(f"**{text('reader_study.none')}** {how}", icon=":material/science:")
    if permitted.may("curate"):
        st.button(text("study_form.title"), key="study-make", icon=":material/add:", on_click=state.begin_making)
    made = access.made(resources.workspace(), actor=resources.actor())
    for one in found:
        _study(one, made(one.reader_study_id))


def line(study: StoredReaderStudy) -> str:
    """Return findings and number of cases in words."""
    known = design.of(study)
    cases = several(known.cases, "reader_study.cases")
    return text("reader_study.line", findings=wording.labels(known.findings), cases=cases)


def _study(study: StoredReaderStudy, is_maker: bool) -> None:
    with st.container(border=True):
        closed = f" :gray-badge[{text('reader_study.closed')}]" if study.closed_at else ""
        st.markdown(f"**{escaped(study.title)}**{closed}  \n:small[{escaped(line(study))}]")
        with st.container(horizontal=True, gap="small"):
            if study.closed_at is None:
                st.button(
                    text("reader_study.read"),
                    icon=":material/play_arrow:",
                    key=f"read-{study.reader_study_id}",
                    on_click=state.enter,
                    args=(study.reader_study_id,),
                )
            if is_maker:
                st.button(
                    text("reader_study.manage"),
                    icon=":material/bar_chart:",
                    key=f"manage-{study.reader_study_id}",
                    on_click=state.enter,
                    args=(study.reader_study_id, state.MAKER),
                )
