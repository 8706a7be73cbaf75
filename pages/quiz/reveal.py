"""What is shown once an answer is committed: whether it is right, by whom, notes, what is easily taken for it."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.retrieval import wording
from engine.store.quiz_runs import Given, QuizQuestion, Run
from engine.store.quizzes import Region
from engine.strings import text
from engine.teaching.judging import overlap
from pages.quiz import state
from pages.shared import case_card, content, query_state, quiz_return, resources, study_facts
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines

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
    st.markdown(f"{study_facts.about(row)}{case_card.synthetic_badge(row.synthetic)}")
    for name, words in (("note", question.note), ("discussion", question.discussion)):
        if words:
            st.markdown(f"**{text(f'quiz.{name}')}**  \n{escaped_lines(words)}")


def regions(question: QuizQuestion) -> dict[str, Region]:
    """Return what is drawn on the film once the question was answered: the region of the maker and the learner's."""
    given = question.given
    if given is None:
        return {}
    named = ((text("quiz.maker_region"), question.region), (text("quiz.own_region"), given.region))
    return {words: region for words, region in named if region is not None}


def _verdict(question: QuizQuestion, given: Given) -> str:
    """Return whether the answer is right, what it was, what would have been, and whether it was late."""
    verdict = f"**{text('quiz.right' if given.right else 'quiz.wrong')}**"
    if given.missing:
        verdict = f"**{text('quiz.time_over')}**"
    parts = [verdict]
    if given.region is not None and question.region is not None:
        parts.append(text("quiz.overlap", share=f"{100 * overlap(given.region, question.region):.0f}"))
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
        st.error(str(error), icon=":material/error:")
        return
    if not found:
        st.markdown(text("quiz.confusable_none"))
        return
    grid = st.grid(min_column_width=CARD_PX, border=True)
    for one in found:
        with grid.cell():
            st.markdown(case_card.head(one))
            content.draw_thumbnail(one.study_id, one.modality, text("quiz.confusable_case", n=one.rank))
            st.markdown(case_card.facts(one))
            if st.button(
                text("quiz.compare"),
                key=f"compare-{one.rank}",
                icon=":material/compare:",
                help=text("quiz.compare_help", n=one.rank),
            ):
                pair = {query_state.QUERY: question.study_id, query_state.CASE: one.study_id, **quiz_return.address()}
                st.switch_page("pages/compare/page.py", query_params=pair)
