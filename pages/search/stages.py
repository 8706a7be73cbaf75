"""The first search of a query, in steps that are named as they are taken; it can be cancelled between them."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.intake.quality.verdict import QualityVerdict
from engine.retrieval.answer import Answer
from engine.sentences import spoken
from engine.strings import text
from engine.study import Study
from pages.search import columns, typed_panel
from pages.search import rail as query_rail
from pages.shared import query_state, resources
from pages.shared.markdown import escaped


def first_search(settings: query_state.Options) -> Answer:
    """Search for what was read: its recognition stands at once, the verdict follows, then the neighbours are sought."""
    present, place = query_state.study(), st.empty()  # what the last screen had here goes at once
    with place.container():
        rail, answer = columns.draw_columns()
        with answer:
            return _in_steps(settings, present, rail.empty())


def _in_steps(settings: query_state.Options, present: Study | None, rail: DeltaGenerator) -> Answer:
    steps = st.status(text("asking.checking"), expanded=True)
    st.button(text("asking.cancel"), key="cancel", icon=":material/close:", on_click=query_state.forget)
    if present is not None and present.modality == "text":
        with rail.container():
            typed_panel.draw_words(present.note.text)
    elif present is not None:
        steps.markdown(f":material/check: {escaped(text('asking.read', recognised=spoken(present.recognised)))}")
    with steps:
        resources.wait(for_text=query_state.asks_in_words())

    def on_judged(study: Study, verdict: QualityVerdict) -> None:
        steps.update(label=text("asking.searching"))
        if study.modality == "text":
            return
        steps.markdown(f":material/check: {text('asking.accepted')}")
        with rail.container():
            query_rail.draw_first(study, verdict)

    return query_state.answer(settings, on_judged)


def repeat_search(settings: query_state.Options) -> Answer:
    """Return the answer to a query that is in the address, or that was refused; a search says that it runs."""
    if query_state.has_answer(settings):
        return query_state.answer(settings)
    resources.wait(for_text=False)
    with st.spinner(text("asking.searching"), show_time=True):
        return query_state.answer(settings)
