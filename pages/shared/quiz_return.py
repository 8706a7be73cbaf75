"""From Compare back to the question of a quiz from which it was opened: the address of the pair says which one."""

from __future__ import annotations

import streamlit as st

from engine.strings import text
from pages.shared.keys import KEYS

FROM_RUN, FROM_QUESTION = "from_run", "from_question"  # in the address of a pair
RUN, AT = "run", "at"  # in the address of the quiz


def address() -> dict[str, str]:
    """Return what an address carries so that the question that is looked at now can be returned to."""
    here = ((FROM_RUN, RUN), (FROM_QUESTION, AT))
    return {name: st.query_params[own] for name, own in here if own in st.query_params}


def draw_way_back() -> bool:
    """Draw the button back to the quiz; return whether the page was opened from one."""
    run, question = st.query_params.get(FROM_RUN), st.query_params.get(FROM_QUESTION)
    if run is None:
        return False
    if st.button(text("quiz.back"), icon=":material/arrow_back:", key="back-to-quiz", shortcut=KEYS["back"]):
        st.switch_page("pages/quiz/page.py", query_params={RUN: run, **({AT: question} if question else {})})
    return True
