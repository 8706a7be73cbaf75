"""The empty screen: drop a recording, type a finding, or take an example; and the questions a file leaves open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from engine.intake.free_text import found_in
from engine.intake.upload import Upload
from engine.strings import text
from pages.search import history
from pages.shared import free_text, query_state, resources
from pages.shared.keys import KEYS
from pages.shared.markdown import said

EXAMPLES = ("ecg", "cxr", "ppg")
NAMING = "typed-naming"  # words that wait, as something in them may tell who somebody is
RATE_LIMITS = (1.0, 20000.0)  # samples per second that can be answered


def draw_ask() -> None:
    """Draw the ways to ask, and the last problem or open question under them."""
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        st.title(text("search.title"), anchor=False)
        st.markdown(text("search.lead"))
        _drop_zone()
        if query_state.error():
            st.error(query_state.error(), icon=":material/error:")
        if (pending := query_state.pending()) is not None:
            _question(pending)
        _finding()
        _examples()
        history.draw_lists()


def _drop_zone() -> None:
    """Read what is dropped, once per set of files."""
    files = st.file_uploader(
        text("search.drop_formats"),
        accept_multiple_files=True,
        key=f"drop-{st.session_state.get('drop', 0)}",
        help=text("search.drop_help"),
    )
    dropped = tuple(file.file_id for file in files)
    if not files or dropped == st.session_state.get("dropped"):
        return
    st.session_state["dropped"] = dropped
    st.session_state.pop("error", None)
    with st.spinner(text("asking.reading"), show_time=True):
        query_state.take(tuple(Upload(file.name, file.getvalue()) for file in files), query_state.Answers())
    st.rerun()


def _question(pending: query_state.Pending) -> None:
    """Ask for the one fact that the file leaves open, and go on without a second upload."""
    question = pending.question
    with st.form("question", border=True):
        st.markdown(f"**{said(question)}**")
        if question.choices:
            names = {choice: _choice(question.field, choice) for choice in question.choices}
            value: str | float | None = st.radio(
                text(f"search.question_{question.field}"), question.choices, format_func=names.__getitem__
            )
        else:
            low, high = RATE_LIMITS
            value = st.number_input(
                text(f"search.question_{question.field}"), low, high, value=None, step=1.0, format="%g"
            )
        if st.form_submit_button(text("search.question_go"), type="primary") and value is not None:
            given: dict[str, Any] = {question.field: value}
            query_state.take(pending.uploads, replace(pending.answers, **given))
            st.rerun()


def _choice(field: str, choice: str) -> str:
    return text(f"units.{choice}") if field == "units" else text(f"modality_one.{choice}")


def _finding() -> None:
    with st.form("finding", border=False):
        words, go = st.columns([5, 1], vertical_alignment="bottom")
        typed = words.text_input(text("search.finding"), placeholder=text("search.finding_example"), key="typed")
        if go.form_submit_button(text("search.find"), type="primary", width="stretch"):
            st.session_state.pop("error", None)
            if found_in(typed):
                st.session_state[NAMING] = typed
            else:
                st.session_state.pop(NAMING, None)
                query_state.take_text(typed)
            st.rerun()
    if naming := st.session_state.get(NAMING):
        free_text.draw("typed", naming)
        st.button(text("free_text.search"), type="primary", key="find-settled", on_click=_take_settled)


def _take_settled() -> None:
    """Search with the typed words that wait, as was chosen."""
    query_state.take_text(free_text.settled("typed", st.session_state.pop(NAMING)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _example_ids(sight: resources.Sight) -> dict[str, list[str]]:
    """Return the labelled synthetic studies per modality that the actor sees."""
    found = resources.workspace().labelled_synthetic(actor=resources.actor())
    return {modality: found[modality] for modality in EXAMPLES if modality in found}


def _examples() -> None:
    """Draw one button per modality; each click takes the next synthetic study of the collection."""
    ids = _example_ids(resources.sight())
    if not ids:
        return
    st.markdown(text("search.example"))
    with st.container(horizontal=True):
        for modality in ids:
            st.button(
                text(f"search.example_{modality}"),
                icon=text(f"icon.{modality}"),
                key=f"example-{modality}",
                on_click=_take_example,
                args=(modality,),
            )


def _take_example(modality: str) -> None:
    ids = _example_ids(resources.sight())[modality]
    turns = st.session_state.setdefault("turns", {})
    turn = turns[modality] = turns.get(modality, -1) + 1
    step = max(1, len(ids) // 7)  # neighbours in the list are often alike, so examples are taken far apart
    query_state.take_study(ids[(turn * step) % len(ids)])


def draw_new_query_button() -> None:
    """Draw the button that starts over."""
    st.button(text("search.new"), icon=":material/add:", key="new", shortcut=KEYS["new"], on_click=query_state.forget)
