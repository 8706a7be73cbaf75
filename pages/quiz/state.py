"""What the quiz screen remembers: in the URL which quiz, order, seed, run and question, in the session the alias.

Nothing that names a case is put into the URL or into a widget's key: a learner can read both.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.actor import Actor
from engine.errors import CasebindError
from engine.retrieval.answer import Neighbour
from engine.sentences import spoken
from engine.store.quiz_runs import QuizQuestion, Run
from engine.store.quizzes import Quiz
from engine.strings import text
from engine.teaching import access, quizzes, runs
from engine.teaching.confusable import confusable
from pages.shared import case_view, free_text, resources, undo
from pages.shared.markdown import escaped
from pages.shared.quiz_return import AT, RUN

QUIZ, VIEW, ORDER, SEED, BUILD = "quiz", "view", "order", "seed", "build"  # names in the URL
KEY = "key"  # too: a maker's. RUN and AT, the question that was answered last and is looked at, are the pair's too
ALIAS, ERROR = "quiz-alias", "quiz-said"


def home() -> None:
    """Go back to all quizzes."""
    st.query_params.clear()


def enter(quiz: Quiz, view: str = "") -> None:
    """Open a quiz to take, or its results."""
    st.query_params.clear()
    st.query_params[QUIZ] = quiz.quiz_id
    if view:
        st.query_params[VIEW] = view
    else:
        st.query_params[ORDER], st.query_params[SEED] = quiz.order, str(quiz.seed)


def enter_as_maker(quiz_id: str) -> None:
    """Let this browser in by the key in the URL, which is taken out of it, and turn to the results."""
    key = st.query_params[KEY]
    st.query_params.from_dict({QUIZ: quiz_id, VIEW: "results"})
    access.enter(resources.workspace(), quiz_id, key, actor=resources.actor())
    resources.look_again()


def set_error(problem: CasebindError) -> None:
    """Keep a sentence for the next drawing."""
    st.session_state[ERROR] = escaped(spoken(problem))


def show_error() -> None:
    """Draw once why the last step was not taken."""
    words = st.session_state.pop(ERROR, "")
    if words:
        st.error(words, icon=":material/error:")


def alias() -> str:
    """Return the alias of this session's learner; empty where none was typed."""
    return st.session_state.get(ALIAS, "")


def start(quiz: Quiz, typed: str, restart: bool = False) -> None:
    """Begin or go on with a quiz under the alias that is typed."""
    seed = st.query_params.get(SEED, "")
    try:
        run = runs.start(
            resources.workspace(),
            quiz.quiz_id,
            typed,
            actor=resources.actor(),
            order=st.query_params.get(ORDER),
            seed=int(seed) if seed.isdecimal() else None,
            anew=restart,
        )
    except CasebindError as problem:
        set_error(problem)
        return
    resources.look_again()
    _enter_run(run)


def practise(typed: str) -> None:
    """Begin a practice of what is due."""
    try:
        _enter_run(runs.practise(resources.workspace(), typed, actor=resources.actor()))
    except CasebindError as problem:
        set_error(problem)


def _enter_run(run: Run) -> None:
    st.session_state[ALIAS] = run.alias
    st.query_params.pop(AT, None)
    st.query_params[RUN] = run.run_id


def current_question(run: Run) -> QuizQuestion | None:
    """Return the question to draw: the one just answered until the learner goes on, else the first open one."""
    revealed = st.query_params.get(AT)
    just = next((one for one in run.questions if revealed == str(one.position)), None)
    return just if just is not None and just.given is not None else run.current


def picked(run: Run, question: QuizQuestion) -> list[str]:
    """Return the options chosen and not yet committed."""
    return st.session_state.get(f"picked {run.run_id} {question.position}", [])


def pick_option(run: Run, question: QuizQuestion, option: str) -> None:
    """Choose an option, or where several may be chosen take it back."""
    present = picked(run, question)
    if question.asks == "one":
        present = [option]
    else:
        present = [one for one in present if one != option] if option in present else [*present, option]
    st.session_state[f"picked {run.run_id} {question.position}"] = present


def commit(run: Run, question: QuizQuestion) -> None:
    """Store the answer, then reveal; where it cannot be stored, say why."""
    chosen = picked(run, question)
    try:
        region = _drawn(run, question) if question.asks == "region" else ()
        runs.commit(
            resources.workspace(), run.run_id, question.position, chosen, region=region, actor=resources.actor()
        )
    except CasebindError as problem:
        set_error(problem)
    else:
        st.query_params[AT] = str(question.position)
    resources.look_again()
    st.session_state["quiz-redraw"] = True


def write(run: Run, question: QuizQuestion, field: str) -> None:
    """Take what is typed as the answer in own words."""
    words = free_text.settled(field, st.session_state[field])
    st.session_state[f"picked {run.run_id} {question.position}"] = [words] if words.strip() else []


def viewer_key(run: Run, question: QuizQuestion) -> str:
    """Return the key of the viewer, under which is kept what is drawn: of one run, and another once it was answered."""
    return f"{'question' if question.given is None else 'answer'}-{run.run_id}-{question.position}"


def _drawn(run: Run, question: QuizQuestion) -> tuple[float, ...]:
    """Return the box around the region drawn last: left, top, right, bottom as shares of the film; () for none."""
    study = runs.recording(resources.workspace(), question, actor=resources.actor())
    boxes = case_view.regions_drawn(study, key=viewer_key(run, question))
    return boxes[-1] if boxes else ()


def go_on() -> None:
    """Leave what was revealed for the next question."""
    st.query_params.pop(AT, None)


def revealing(question: QuizQuestion) -> Actor:
    """Return the actor to whom this case is revealed, also while another learner in this browser has yet to answer."""
    actor = resources.actor()
    shown = resources.workspace().row(question.study_id, actor=actor.seeing_all()).encounter_id
    return replace(actor, withheld=tuple(one for one in actor.withheld if one != shown))


def confusable_cases(run: Run, question: QuizQuestion) -> list[Neighbour]:
    """Return the cases most easily taken for this one, searched once per question, without whoever withdrew since."""
    key, workspace = "quiz-near", resources.workspace()
    known, found = st.session_state.get(key, (None, ()))
    if known != (run.run_id, question.position):
        actor = revealing(question)
        labels = workspace.row(question.study_id, actor=actor).labels
        found = confusable(workspace, resources.release(), question.study_id, question.modality, labels, actor=actor)
        st.session_state[key] = ((run.run_id, question.position), found)
    return [one for one in found if workspace.consent(one.patient_id, actor=resources.actor())]


def delete(quiz: Quiz) -> None:
    """Take a quiz off the list and offer to bring it back."""
    workspace, actor = resources.workspace(), resources.actor()
    quizzes.delete(workspace, quiz.quiz_id, actor=actor)
    words = text("quiz.deleted", title=f"**{escaped(quiz.title)}**")
    undo.offer(words, lambda: quizzes.delete(workspace, quiz.quiz_id, undo=True, actor=resources.actor()))


def close(quiz: Quiz, undo_it: bool) -> None:
    """Take no more answers, or go on."""
    quizzes.close(resources.workspace(), quiz.quiz_id, undo_it, actor=resources.actor())
    resources.look_again()


def set_visibility(quiz: Quiz) -> None:
    """Store who finds the quiz."""
    chosen = st.session_state[f"visibility-{quiz.quiz_id}"]
    quizzes.set_visibility(resources.workspace(), quiz.quiz_id, chosen, actor=resources.actor())


def accept(quiz: Quiz, number: int, words: str, undo_it: bool) -> None:
    """Take an answer in own words for right as well, or no longer."""
    quizzes.accept(resources.workspace(), quiz.quiz_id, number, words, undo_it, actor=resources.actor())
