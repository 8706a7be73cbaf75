"""What a maker decides about a quiz: who finds it, until when it is due, whether it is closed; and its links."""

from __future__ import annotations

import streamlit as st

from engine.store.quizzes import Quiz
from engine.strings import text
from engine.teaching import quizzes
from pages.quiz import state, times
from pages.shared import resources
from pages.shared.link import link
from pages.shared.maker_link import draw_maker_link
from pages.shared.visibility import draw_visibility


def draw_settings(quiz: Quiz) -> None:
    """Draw links, visibility, date, and closing."""
    st.markdown(f"**{text('quiz.link')}**  \n{text('quiz.link_help')}")
    st.code(link("quiz", quiz=quiz.quiz_id, order=quiz.order, seed=quiz.seed), language=None, wrap_lines=True)
    draw_maker_link(quiz.quiz_id, lambda key: link("quiz", quiz=quiz.quiz_id, key=key))
    draw_visibility(f"visibility-{quiz.quiz_id}", quiz.visibility, state.set_visibility, (quiz,))
    st.datetime_input(
        text("quiz.due"),
        value=None if quiz.due_at is None else times.local(quiz.due_at),
        key=f"due-{quiz.quiz_id}",
        help=text("quiz.due_help"),
        width=320,
        on_change=_set_due,
        args=(quiz,),
    )
    closed = quiz.closed_at is not None
    st.button(
        text("quiz.reopen" if closed else "quiz.close"),
        key="close",
        icon=":material/lock_open:" if closed else ":material/lock:",
        help=text("quiz.close_help"),
        on_click=state.close,
        args=(quiz, closed),
    )
    if words := times.due_words(quiz):
        st.markdown(words)


def _set_due(quiz: Quiz) -> None:
    """Store the date that is chosen; none where it was taken out."""
    chosen = st.session_state[f"due-{quiz.quiz_id}"]
    due_at = None if chosen is None else times.utc(chosen)
    quizzes.set_due(resources.workspace(), quiz.quiz_id, due_at, actor=resources.actor())
