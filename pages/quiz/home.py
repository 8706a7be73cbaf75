"""The quizzes that somebody may find, what is due to a learner, and the form that builds a quiz."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.store.quizzes import Quiz
from engine.strings import several, text
from engine.teaching import access, quizzes, runs
from pages.quiz import build, state, times
from pages.shared import frame, permitted, resources, undo
from pages.shared.markdown import escaped, said


def draw_quiz_list() -> None:
    """Draw the screen without a quiz in its URL."""
    _describe()
    with st.container(key="quiz-title"):
        st.title(text("quiz.title"), anchor=False)
    st.markdown(text("quiz.lead"))
    undo.draw_undo(text("quiz.undo"))
    state.show_error()
    build.show_message()
    listed = quizzes.listed(resources.workspace(), actor=resources.actor())
    with st.container(key="stacking"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(text("quiz.list"), anchor=False)
        if not listed:
            st.info(f"**{text('quiz.none')}** {text('quiz.none_how')}", icon=":material/quiz:")
        made = access.made(resources.workspace(), actor=resources.actor())
        for quiz in listed:
            _quiz(quiz, made(quiz.quiz_id))
    with right:
        _due()
    if permitted.may("teach"):
        build.draw_build_form(expanded=not listed or state.BUILD in st.query_params)
    if permitted.may("curate") and st.button(
        text("study_form.title"), key="study-make", icon=":material/science:", type="tertiary"
    ):
        st.switch_page("pages/reader_study/page.py", query_params={"view": "make"})


def _describe() -> None:
    """Say where the work goes on: at the form that was asked for, at what was just deleted, else at the top."""
    focus = "build-title" if state.BUILD in st.query_params else "undo-line" if undo.offered() else "quiz-title"
    frame.describe(text("quiz.title"), screen="quiz", token=f"quizzes {focus} {undo.offered()}", focus=focus)


def line(quiz: Quiz) -> str:
    """Return number of questions, order, limits of time and date in words."""
    questions = several(quiz.questions, "quiz.questions")
    parts = [text("quiz.line", questions=questions, order=text(f"quiz.order_{quiz.order}"))]
    return ", ".join([*parts, *times.limits(quiz)])


def _quiz(quiz: Quiz, is_maker: bool) -> None:
    """Draw one quiz; what is its maker's alone is drawn for its maker alone."""
    with st.container(border=True):
        source = f" {escaped(quiz.source)}" if quiz.source else ""
        st.markdown(f"**{escaped(quiz.title)}**  \n:small[{escaped(line(quiz))}.{source}]")
        if due := times.due_words(quiz):
            st.markdown(f":small[{due}]")
        with st.container(horizontal=True, gap="small"):
            for view, icon in (("", "play_arrow"), ("results", "bar_chart"))[: 1 + is_maker]:
                st.button(
                    text("quiz.results" if view else "quiz.take"),
                    icon=f":material/{icon}:",
                    key=f"{view or 'take'}-{quiz.quiz_id}",
                    on_click=state.enter,
                    args=(quiz, view),
                )
            if is_maker:
                st.button(
                    text("quiz.delete"),
                    icon=":material/delete:",
                    key=f"delete-{quiz.quiz_id}",
                    on_click=state.delete,
                    args=(quiz,),
                )


def _due() -> None:
    """Draw the learner's alias and how many cases are due to it."""
    st.subheader(text("quiz.due_title"), anchor=False)
    st.markdown(text("quiz.due_lead"))
    typed = st.text_input(text("quiz.alias"), value=state.alias(), key="due-alias", help=text("quiz.alias_help"))
    if not typed.strip():
        return
    try:
        n = len(runs.due_questions(resources.workspace(), typed, actor=resources.actor()))
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
        return
    if n:
        st.markdown(f"**{text('quiz.due_count', n=n)}**")
        st.button(text("quiz.practise"), type="primary", key="practise", on_click=state.practise, args=(typed,))
    else:
        st.markdown(text("quiz.due_none", alias=escaped(typed)))
