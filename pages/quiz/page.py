"""Quiz: all quizzes with what is due, one quiz to take, a practice of due cases, or a maker's view of a class."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.strings import text
from engine.teaching import quizzes, runs
from pages.quiz import home, results, state, take
from pages.shared import resources, undo
from pages.shared.markdown import said


def draw() -> None:
    """Draw what the URL asks for; an unknown id leads back to the list with one sentence."""
    quiz_id, run_id = st.query_params.get(state.QUIZ), st.query_params.get(state.RUN)
    try:
        if quiz_id is not None and state.KEY in st.query_params:
            state.enter_as_maker(quiz_id)
        if run_id is not None:
            take.draw_quiz(runs.load(resources.workspace(), run_id, actor=resources.actor()))
        elif quiz_id is None:
            home.draw_quiz_list()
        elif st.query_params.get(state.VIEW) == "results":
            results.draw_quiz_results(quizzes.load(resources.workspace(), quiz_id, actor=resources.actor()))
        else:
            take.draw_quiz_start(quizzes.load(resources.workspace(), quiz_id, actor=resources.actor()))
    except CasebindError as error:
        undo.draw_undo(text("quiz.undo"))
        st.error(said(error), icon=":material/error:")
        st.button(text("quiz.home"), icon=":material/arrow_back:", key="home", on_click=state.home)


draw()
