"""The warning that small changes move a query's code unusually far; looked for once the answer stands on the page."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.errors import CasebindError
from engine.retrieval import steadiness
from engine.retrieval.answer import Answer
from pages.shared import resources
from pages.shared.markdown import escaped

CHECKED = "steadiness"  # in the session: (query, release) of the last answer that was checked, and the sentence


def draw(place: DeltaGenerator, answer: Answer) -> None:
    """Draw the warning into its place above the results, where there is one; a query is checked once."""
    asked = (answer.query_id, answer.release)
    known = st.session_state.get(CHECKED)
    if known is None or known[0] != asked:
        known = (asked, _sentence(answer))
        st.session_state[CHECKED] = known
    if known[1]:
        place.warning(escaped(known[1]), icon=":material/blur_on:")


def _sentence(answer: Answer) -> str:
    """Return the warning, or "" where the code is steady or is not checked, or cannot be: the answer stands anyway."""
    try:
        found = steadiness.check(resources.workspace(), resources.release(), answer, actor=resources.actor())
    except CasebindError:
        return ""
    return "" if found is None else found.sentence
