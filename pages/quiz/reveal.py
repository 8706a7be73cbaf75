"""What is shown once an answer is committed: whether it is right, by whom, notes, what is easily taken for it."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.reference import Polygon
from engine.retrieval import wording
from engine.store.quiz_runs import Given, QuizQuestion, Run
from engine.store.quizzes import Region
from engine.strings import text
from engine.teaching.judging import best_overlap
from pages.quiz import state
from pages.shared import case_card, content, query_state, quiz_return, resources, study_facts
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines, said

CARD_PX = 240


def yes(value: bool) -> str:
    """Return yes or no in words."""
    return text("quiz.yes" if value else "quiz.no")


def answered(given: Given) -> str:
    """Return an answer in words."""
    if given.missing:
        return text("quiz.not_given")
    return wording.labels(given.chosen) if given.chosen else text("quiz.a_box")


def draw_reveal(run: Run, question: QuizQuestion, *, last: bool) -> None:
    """Draw the verdict, the labels with who gave them, what the maker says, and the way on."""
    given = question.given
    assert given is not None
    box, icon = (st.success, "check_circle") if given.right else (st.warning, "cancel")
    box(_verdict(question, given), icon=f":material/{icon}:")
    st.button(
        text("quiz.finish" if last else "quiz.go_on"),
        key="go-on",
        type="primary",
        icon=":material/arrow_forward:",
        shortcut=SCREENS["quiz"]["go_on"],
        on_click=state.go_on,
    )
    row = resources.workspace().row(question.study_id, actor=state.revealing(question))
    about = study_facts.about(row, labels=tuple(row.labels) != tuple(question.labelled))  # the verdict names these
    st.markdown(f"{about}{case_card.synthetic_badge(row.synthetic)}")
    if question.reference:
        st.markdown(f"{text('reference.title')}  \n{study_facts.reference_lines(question.reference)}")
    for name, words in (("note", question.note), ("discussion", question.discussion)):
        if words:
            st.markdown(f"**{text(f'quiz.{name}')}**  \n{escaped_lines(words)}")


def outlines(question: QuizQuestion) -> list[tuple[str, Polygon]]:
    """Return what is drawn on the film once the question was answered, each outline with its words.

    These are what is known for sure of the labelled findings, the region of the maker, and the learner's.
    """
    given = question.given
    if given is None:
        return []
    known = wording.outlines(question.reference)
    named = ((text("quiz.maker_region"), question.region), (text("quiz.own_region"), given.region))
    return known + [(words, _corners(region)) for words, region in named if region is not None]


def _corners(region: Region) -> Polygon:
    left, top, right, bottom = region
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _verdict(question: QuizQuestion, given: Given) -> str:
    """Return whether the answer is right, what it was, what would have been, and whether it was late."""
    verdict = f"**{text('quiz.right' if given.right else 'quiz.wrong')}**"
    if given.missing:
        verdict = f"**{text('quiz.time_over')}**"
    parts = [verdict]
    if given.region is not None and question.wanted:
        whose = "overlap" if question.region is not None else "overlap_reference"
        parts.append(text(f"quiz.{whose}", share=f"{100 * best_overlap(given.region, question.wanted):.0f}"))
    elif not given.missing:
        parts.append(text("quiz.you_chose", labels=f"**{escaped(answered(given))}**"))
    parts.append(text("quiz.labelled", labels=f"**{escaped(wording.labels(question.labelled))}**") + ".")
    return " ".join([*parts, *([text("quiz.late")] if given.late else [])])


def draw_confusable(run: Run, question: QuizQuestion) -> None:
    """Draw the nearest cases of the same kind that are labelled otherwise."""
    st.subheader(text("quiz.confusable"), anchor=False)
    try:
        found = state.confusable_cases(run, question)
    except CasebindError as error:
        st.error(said(error), icon=":material/error:")
        return
    if not found:
        st.markdown(text("quiz.confusable_none"))
        return
    grid = st.grid(min_column_width=CARD_PX, border=True)
    for one in found:
        with grid.cell():
            content.draw_thumbnail(one.study_id, one.modality, text("quiz.confusable_case", n=one.rank))
            st.markdown(f"**{escaped(case_card.title(one))}**")
            st.markdown(case_card.lines_markdown(one, case_card.CardState()))
            if st.button(
                text("quiz.compare"),
                key=f"compare-{one.rank}",
                icon=":material/compare:",
                help=text("quiz.compare_help", n=one.rank),
            ):
                pair = {query_state.QUERY: question.study_id, query_state.CASE: one.study_id, **quiz_return.address()}
                st.switch_page("pages/compare/page.py", query_params=pair)
