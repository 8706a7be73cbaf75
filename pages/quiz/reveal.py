"""What is shown once an answer is committed: right or not as labelled, by whom, and the cases easily taken for it."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.store.quiz_runs import QuizQuestion, Run
from engine.strings import text
from pages.quiz import state
from pages.shared import case_card, content, resources, study_facts
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, escaped_lines

CARD_PX = 240


def yes(value: bool) -> str:
    """Return yes or no in words."""
    return text("quiz.yes" if value else "quiz.no")


def draw_reveal(run: Run, question: QuizQuestion, *, last: bool) -> None:
    """Draw the verdict, the labels with who gave them, the note, and the way on."""
    given = question.given
    assert given is not None
    box, icon = (st.success, "check_circle") if given.right else (st.warning, "cancel")
    chose = text("quiz.you_chose", labels=f"**{escaped(', '.join(given.chosen))}**")
    labelled = text("quiz.labelled", labels=f"**{escaped(', '.join(question.labelled))}**")
    box(f"**{text('quiz.right' if given.right else 'quiz.wrong')}** {chose} {labelled}.", icon=f":material/{icon}:")
    st.button(
        text("quiz.finish" if last else "quiz.go_on"),
        key="go-on",
        type="primary",
        icon=":material/arrow_forward:",
        shortcut=SCREENS["quiz"]["go_on"],
        on_click=state.go_on,
    )
    row = resources.workspace().row(question.study_id, actor=resources.actor())
    st.markdown(f"{study_facts.about(row)}{case_card.synthetic_badge(row.synthetic)}")
    if question.note:
        st.markdown(f"**{text('quiz.note')}**  \n{escaped_lines(question.note)}")


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
