"""Where a learner answers: options, own words or a box on the film, and the button that commits."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.retrieval import wording
from engine.store.quiz_runs import QuizQuestion, Run
from engine.strings import text
from engine.teaching.judging import MAX_WORDS
from pages.quiz import state
from pages.shared import frame, free_text
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped

KEYS = SCREENS["quiz"]


@st.fragment
def draw_answer(run: Run, question: QuizQuestion) -> None:
    """Draw what is asked; choosing redraws this alone."""
    if st.session_state.pop("quiz-redraw", False):
        st.rerun()
    st.markdown(f"**{escaped(words(question))}**")
    if question.asks == "text":
        ready = _words(run, question)
    elif question.asks == "region":
        st.markdown(text("quiz.region_how"))
        ready = True  # the viewer holds what is drawn; it is read when the answer is committed
    else:
        ready = _options(run, question)
    st.button(
        text("quiz.commit"),
        key="commit",
        type="primary",
        width="stretch",
        shortcut=KEYS["commit"],
        disabled=not ready,
        on_click=state.commit,
        args=(run, question),
    )


def words(question: QuizQuestion) -> str:
    """Return what is asked; it names the label whose place is asked for, and no other, which would be the answer."""
    label = wording.label(question.labelled[0]) if question.asks == "region" else ""
    return text(f"quiz.ask_{question.asks}", label=label)


def field(question: QuizQuestion) -> str:
    """Return the key of the field for own words."""
    return f"words-{question.position}"


def _options(run: Run, question: QuizQuestion) -> bool:
    """Draw the options; return whether any is chosen."""
    chosen = state.picked(run, question)
    for number, option in enumerate(question.options, start=1):
        st.button(
            escaped(wording.label(option)),
            key=f"option-{question.position}-{number}",
            shortcut=KEYS[f"choose_{number}"],
            icon=":material/check:" if option in chosen else None,
            type="primary" if option in chosen else "secondary",
            width="stretch",
            on_click=state.pick_option,
            args=(run, question, option),
        )
    words = text("quiz.chosen", labels=escaped(wording.labels(chosen))) if chosen else text("quiz.nothing")
    with frame.heard("chosen"):
        st.markdown(words)
    return bool(chosen)


def _words(run: Run, question: QuizQuestion) -> bool:
    """Draw the field for own words; return whether anything is written."""
    key = field(question)
    st.text_input(
        text("quiz.words"),
        key=key,
        max_chars=MAX_WORDS,
        placeholder=text("quiz.words_how"),
        on_change=state.write,
        args=(run, question, key),
    )
    free_text.draw(key, st.session_state[key], on_choice=partial(state.write, run, question, key))
    return bool(state.picked(run, question))
