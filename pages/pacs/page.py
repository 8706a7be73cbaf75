"""From the PACS: find studies of the archive, choose; one object is the query, or a study goes into the cohort."""

from __future__ import annotations

import streamlit as st

from engine.hospital.archive import FoundObject, FoundStudy
from engine.hospital.classes import FETCHED_MODALITIES
from engine.strings import several, text
from pages.pacs import state
from pages.shared import archive_study, frame, session


def draw() -> None:
    """Draw what is looked for, what was found, and what may be done with the chosen study."""
    st.title(text("pacs.title"), anchor=False)
    st.markdown(text("pacs.lead"))
    _question()
    with frame.heard("pacs-said"):
        state.draw_said()
        session.show_error(state.ERROR)
    found = state.found()
    if found is None:
        return
    st.markdown(several(len(found), "pacs.found") if found else text("pacs.nothing"))
    if found:
        lines = {one.uid: archive_study.line(one) for one in found}
        chosen = st.radio(text("pacs.choose"), list(lines), key="pacs-study", format_func=lines.__getitem__)
        _objects(next(one for one in found if one.uid == chosen))


def _question() -> None:
    with st.form("pacs-question", border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(text("pacs.accession"), key="pacs-accession")
            st.text_input(text("pacs.patient"), key="pacs-patient")
            st.date_input(text("pacs.since"), value=None, key="pacs-since", format="YYYY-MM-DD")
            st.date_input(text("pacs.until"), value=None, key="pacs-until", format="YYYY-MM-DD")
            st.multiselect(text("pacs.modality"), FETCHED_MODALITIES, key="pacs-modality")
        st.form_submit_button(text("pacs.find"), type="primary", icon=":material/search:", on_click=state.find)


def _objects(study: FoundStudy) -> None:
    """Draw the films and recordings of a study."""
    objects = state.objects(study)
    if not objects:
        st.markdown(text("pacs.no_objects"))
        return
    with st.container(horizontal=True, key="pacs-objects"):
        for number, one in enumerate(objects, 1):
            label = text("pacs.search", modality=one.modality, n=number)
            if st.button(label, key=f"pacs-search-{number}", icon=":material/image_search:") and _is_query(study, one):
                st.switch_page("pages/search/page.py")
        label = several(len(objects), "pacs.keep")
        st.button(label, key="pacs-keep", icon=":material/move_to_inbox:", on_click=state.keep, args=(objects,))


def _is_query(study: FoundStudy, one: FoundObject) -> bool:
    with st.spinner(text("pacs.fetching"), show_time=True):
        return state.take(study, one)


draw()
