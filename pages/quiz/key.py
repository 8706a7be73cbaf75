"""The answer key of a quiz, for its maker: each question with what is said of it, and answers that count as well."""

from __future__ import annotations

import streamlit as st

from engine.retrieval import wording
from engine.store.quizzes import Quiz, StoredQuestion
from engine.strings import text
from engine.teaching import quizzes, results
from engine.teaching.results import QuestionResult
from pages.quiz import state
from pages.shared import content, resources, study_facts
from pages.shared.fields import draw_text_field
from pages.shared.markdown import escaped, escaped_lines

PICTURE_PX = 240


def draw_key(quiz: Quiz) -> None:
    """Draw every question with its picture, labels and discussion."""
    workspace, actor = resources.workspace(), resources.actor()
    st.markdown(text("quiz.key_lead"))
    answered = {one.number: one for one in results.results(workspace, quiz.quiz_id, actor=actor).questions}
    accepted = quizzes.accepted(workspace, quiz.quiz_id, actor=actor)
    for one in quizzes.questions(workspace, quiz.quiz_id, actor=actor):
        with st.container(border=True):
            _question(quiz, one, answered.get(one.number), accepted.get(one.number, frozenset()))


def _question(quiz: Quiz, one: StoredQuestion, result: QuestionResult | None, accepted: frozenset[str]) -> None:
    with st.container(horizontal=True, gap="medium", key=f"key-{one.number}"):
        with st.container(width=PICTURE_PX):
            content.draw_thumbnail(one.study_id, one.modality, text("quiz.question_n", n=one.number))
        with st.container():
            row = resources.workspace().row(one.study_id, actor=resources.actor())
            st.markdown(f"**{text('quiz.question_n', n=one.number)}** {study_facts.kind(row)}")
            st.markdown(text("quiz.labelled", labels=f"**{escaped(wording.labels(one.labelled))}**"))
            if one.note:
                st.markdown(f":small[{text('quiz.note')}: {escaped_lines(one.note)}]")
            draw_text_field(
                st.text_area,
                text("quiz.discussion"),
                f"discussion-{quiz.quiz_id}-{one.number}",
                one.discussion,
                lambda words, was: quizzes.discuss(
                    resources.workspace(), quiz.quiz_id, one.number, words, was, actor=resources.actor()
                ),
                help=text("quiz.discussion_help"),
                height=90,
            )
            if quiz.asks == "text" and result is not None:
                _accepted(quiz, result, accepted)


def _accepted(quiz: Quiz, result: QuestionResult, accepted: frozenset[str]) -> None:
    """Draw the answers in own words; those that were not taken for right can be accepted, and that taken back."""
    for at, (words, times) in enumerate(result.chosen):
        by_maker = words.casefold() in accepted
        counts = words in result.counted
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{'✓' if counts else '✗'} {escaped(words)} ({times})", width="content")
            if by_maker or not counts:
                st.button(
                    text("quiz.accept_not" if by_maker else "quiz.accept"),
                    key=f"accept-{result.number}-{at}",
                    type="tertiary",
                    on_click=state.accept,
                    args=(quiz, result.number, words, by_maker),
                )
