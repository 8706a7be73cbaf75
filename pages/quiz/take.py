"""Taking a quiz: alias, then per case hidden → committed → revealed, then what came of it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.errors import CasebindError
from engine.retrieval import wording
from engine.store.quiz_runs import QuizQuestion, Run
from engine.store.quizzes import Quiz
from engine.strings import several, text
from engine.teaching import access, quizzes, runs
from pages.quiz import answer, home, reveal, state, times
from pages.shared import case_view, frame, resources, study_facts
from pages.shared.markdown import escaped

PICTURE = "min(calc(100vh - 136px), 80vw)"  # the window under the bar and the notice; less where the options are below


def draw_quiz_start(quiz: Quiz) -> None:
    """Ask for the alias; from now on this browser is a learner's, unless its maker's."""
    access.note_visitor(resources.workspace(), quiz.quiz_id, actor=resources.actor())
    resources.look_again()
    said = f"{quiz.title}: {home.line(quiz)}"
    frame.describe(quiz.title, screen="quiz", token=f"quiz {quiz.quiz_id}", announcement=said, focus="start-alias")
    _way_back()
    st.title(escaped(quiz.title), anchor=False)
    st.markdown(text("quiz.start_lead", questions=escaped(home.line(quiz))))
    st.markdown(f":small[:material/visibility_off: {text('quiz.withheld')}]")
    if due := times.due_words(quiz):
        st.info(due, icon=":material/event:")
    state.show_error()
    with st.form("start", border=True):
        st.text_input(text("quiz.alias"), value=state.alias(), key="start-alias", max_chars=40)
        st.markdown(f":small[{text('quiz.alias_help')}]")
        st.form_submit_button(text("quiz.start"), type="primary", on_click=_start, args=(quiz,))


def _start(quiz: Quiz) -> None:
    state.start(quiz, st.session_state["start-alias"])


def draw_quiz(run: Run) -> None:
    """Draw the question that is open or just answered beside its picture, or the end."""
    workspace, actor = resources.workspace(), resources.actor()
    asked = state.current_question(run)
    title = text("quiz.practice") if run.quiz_id is None else quizzes.load(workspace, run.quiz_id, actor=actor).title
    if asked is None:
        frame.describe(title, screen="quiz", token=f"run {run.run_id}", focus="quiz-title")
        _way_back()
        _end(run, title)
        return
    end = runs.open_question(workspace, run, asked, actor=actor) if asked.given is None else None
    with st.container(key="quiz"):
        left, right = st.columns([5, 2], gap="medium")
    with left:
        _case(run, asked)
    with right:
        _head(run, asked, title)
        state.show_error()
        if asked.given is None:
            with st.container(key="quiz-options", gap="small"):
                if end is not None:
                    times.draw_clock(str(asked.position), end, runs.GRACE)
                answer.draw_answer(run, asked)
        else:
            with st.container(key="quiz-reveal", gap="small"):
                reveal.draw_reveal(run, asked, last=run.current is None)
    if asked.given is not None:
        reveal.draw_confusable(run, asked)


def _head(run: Run, asked: QuizQuestion, title: str) -> None:
    """Draw which quiz and question this is, and how far the learner has come."""
    _way_back()
    at = run.questions.index(asked) + 1
    _describe(run, asked, text("frame.part", title=title, part=text("quiz.place", n=at, total=len(run.questions))))
    with frame.heard("question"):
        st.markdown(
            f"**{escaped(title)}**  \n:small[{text('quiz.place', n=at, total=len(run.questions))}"
            f" · {text('quiz.going_on', alias=escaped(run.alias))}]"
        )
    st.progress(sum(one.given is not None for one in run.questions) / len(run.questions))
    if run.hidden:
        st.info(several(run.hidden, "quiz.hidden"), icon=":material/visibility_off:")


def _describe(run: Run, asked: QuizQuestion, title: str) -> None:
    """Name the question, and say where the work goes on: where it is answered, then at the way on."""
    token = f"run {run.run_id} {asked.position} {asked.given is None}"
    if asked.given is not None:
        frame.describe(title, screen="quiz", token=token, focus="go-on")
    elif asked.asks == "text":
        frame.describe(title, screen="quiz", token=token, focus=answer.field(asked))
    else:
        frame.describe(title, screen="quiz", token=token, focus="quiz-options", group=answer.words(asked))


def _way_back() -> None:
    st.button(text("quiz.home"), icon=":material/arrow_back:", key="home", type="tertiary", on_click=state.home)


def _case(run: Run, question: QuizQuestion) -> None:
    """Draw the recording, until the answer without what gives it away; its file's fault says nothing of its name."""
    try:
        study = runs.recording(resources.workspace(), question, actor=resources.actor())
    except CasebindError:
        st.error(text("app.unexpected"), icon=":material/error:")
        return
    key = state.viewer_key(run, question)
    if outlines := reveal.outlines(question):
        case_view.mark_outlines(study, outlines, key=key)
    case_view.draw_case(study, key=key, anonymous=question.given is None, height=PICTURE, container="quiz-picture")


def _end(run: Run, title: str) -> None:
    """Draw what came of the run, and the ways on."""
    with st.container(key="quiz-title"):
        st.title(escaped(title), anchor=False)
    st.subheader(text("quiz.finished_title"), anchor=False)
    st.markdown(f"**{text('quiz.finished', right=run.right, n=len(run.questions))}** {text('quiz.due_lead')}")
    if run.hidden:
        st.info(several(run.hidden, "quiz.hidden"), icon=":material/visibility_off:")
    made = study_facts.synthetic_ids([one.study_id for one in run.questions])
    rows = [
        (
            one.number if run.quiz_id else one.position,
            study_facts.kind_in_table(one.modality, one.study_id in made),
            escaped(reveal.answered(one.given)),
            escaped(wording.labels(one.labelled)),
            reveal.yes(one.given.right),
        )
        for one in run.questions
        if one.given is not None
    ]
    names = ("question", "kind", "chosen", "labelled", "right")
    st.markdown(f"**{text('quiz.answer_table')}**")
    st.table(pd.DataFrame(rows, columns=[text(f"quiz.column_{name}") for name in names]), hide_index=True)
    if run.quiz_id is not None:
        st.markdown(f":small[{text('quiz.own_link')}]")
        quiz = quizzes.load(resources.workspace(), run.quiz_id, actor=resources.actor())
        st.button(text("quiz.again"), key="again", on_click=state.start, args=(quiz, run.alias, True))
