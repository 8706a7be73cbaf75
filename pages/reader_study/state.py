"""What the screen of reader studies remembers: in the URL which study and view; nothing that names a case."""

from __future__ import annotations

import streamlit as st

from engine.actor import Actor
from engine.errors import CasebindError
from engine.reader_study import design, reading
from engine.reader_study.reading import ReadingAnswer
from engine.retrieval.answer import Neighbour
from engine.sentences import spoken
from engine.store.reader_studies import Reading, StoredReaderStudy
from engine.teaching import access
from pages.shared import resources, session
from pages.shared.markdown import escaped

STUDY, VIEW, KEY, MAKER, MAKE = "study", "view", "key", "maker", "make"  # names in the URL, and two of its views
MADE = "study-made"  # in the session: what was made, in words
ERROR, NEAR, REFUSED = "reading-said", "reading-near", "reading-refused"


def reader() -> Actor:
    """Return who reads: who signed in, else by the name that was given, "" until it was."""
    return session.rater()


def home() -> None:
    """Go back to all reader studies."""
    for name in (STUDY, VIEW):
        st.query_params.pop(name, None)


def enter(which: str, view: str = "") -> None:
    """Open a reader study to read in, or its maker's view."""
    st.query_params[STUDY] = which
    if view:
        st.query_params[VIEW] = view
    else:
        st.query_params.pop(VIEW, None)


def begin_making() -> None:
    """Turn to the form that makes a reader study."""
    st.query_params.from_dict({VIEW: MAKE})


def show_made() -> None:
    """Draw once what was made."""
    words = st.session_state.pop(MADE, "")
    if words:
        st.success(words, icon=":material/check:")


def enter_as_maker(which: str) -> None:
    """Let this browser in by the key in the URL, which is taken out of it, and turn to the maker's view."""
    key = st.query_params[KEY]
    st.query_params.from_dict({STUDY: which, VIEW: MAKER})
    access.enter(resources.workspace(), which, key, actor=resources.actor())


def show_error() -> None:
    """Draw once why the last step was not taken."""
    words = st.session_state.pop(ERROR, "")
    if words:
        st.error(words, icon=":material/error:")


def token(study: StoredReaderStudy, one: Reading) -> str:
    """Return what tells one reading from all others, without its case."""
    return f"{study.reader_study_id} {one.reader} {one.session} {one.place}"


def take(study: StoredReaderStudy, one: Reading, element: str) -> None:
    """Store the answer that the browser sent for the reading that was shown; an older one is passed over."""
    given = st.session_state[element].get("given")
    if not given or given.get("token") != token(study, one):
        return
    answer = ReadingAnswer(
        tuple(given.get("ratings", ())), tuple(given.get("present", ())), float(given.get("seconds", 0.0))
    )
    try:
        reading.answer(resources.workspace(), study.reader_study_id, one, answer, actor=reader())
    except CasebindError as problem:
        st.session_state[REFUSED] = refused() + 1
        st.session_state[ERROR] = escaped(spoken(problem))


def refused() -> int:
    """Return how many answers of this session could not be stored, so that the browser lets one be sent again."""
    return int(st.session_state.get(REFUSED, 0))


def neighbours(study: StoredReaderStudy, one: Reading) -> tuple[Neighbour, ...]:
    """Return what is shown beside a case, searched once per reading in this session."""
    known, found = st.session_state.get(NEAR, ("", ()))
    if known != token(study, one):
        found = reading.neighbours(
            resources.workspace(), resources.release(), study.reader_study_id, one, actor=reader()
        )
        st.session_state[NEAR] = (token(study, one), found)
    ids = [near.study_id for near in found]
    seen = {row.study_id for row in resources.workspace().rows(ids, actor=resources.actor())}  # some may have withdrawn
    return tuple(near for near in found if near.study_id in seen)


def close(study: StoredReaderStudy) -> None:
    """End the reading for good."""
    try:
        design.close(resources.workspace(), study.reader_study_id, actor=resources.actor())
    except CasebindError as problem:
        st.session_state[ERROR] = escaped(spoken(problem))
    resources.look_again()
