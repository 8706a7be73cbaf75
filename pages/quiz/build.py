"""The form that builds a quiz, from a collection or from all recordings of a kind."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine.errors import CasebindError
from engine.retrieval import wording
from engine.sentences import spoken
from engine.store.filters import Filters
from engine.store.quizzes import ORDERS
from engine.strings import several, text
from engine.study import Modality
from engine.teaching import collections, quizzes
from engine.teaching.quizzes import MAX_QUESTIONS, SEEDS, BuiltQuiz, QuizPlan
from engine.teaching.selection import RECORDINGS
from pages.quiz import state, times
from pages.shared import free_text, resources, session
from pages.shared.markdown import escaped
from pages.shared.visibility import draw_visibility

MESSAGE, CLEAR = "built-said", "built-clear"
SOURCES, ASKS = ("filters", "collection"), ("one", "all", "text", "region")


def show_message() -> None:
    """Draw once what was built, and what was left out of it."""
    good, words = st.session_state.pop(MESSAGE, (True, ""))
    if words:
        (st.success if good else st.error)(words, icon=":material/check:" if good else ":material/error:")


def draw_build_form(expanded: bool) -> None:
    """Draw the form; what a choice offers follows the choices before it."""
    given = st.query_params.get(state.BUILD)
    if st.session_state.pop(CLEAR, False):
        st.session_state["build-title"] = ""
    with st.expander(text("quiz.build"), expanded=expanded, icon=":material/add:"):
        free_text.draw_box(st.text_input, text("quiz.build_title"), "build-title")
        warning = st.empty()
        source = st.segmented_control(
            text("quiz.source"),
            SOURCES,
            format_func=lambda name: text(f"quiz.source_{name}"),
            default="collection" if given else "filters",
            key="build-source",
            required=True,
        )
        ready = _collection(given) if source == "collection" else _filters()
        if named := _given_away(source):
            warning.warning(text("quiz.gives_away", labels=escaped(wording.labels(named))), icon=":material/warning:")
        _plan()
        _times()
        if st.button(text("quiz.build_do"), type="primary", key="build", disabled=not ready):
            _build()
            st.rerun()


def _given_away(source: str | None) -> tuple[str, ...]:
    """Return the answers that the typed title names."""
    workspace, actor, chosen = resources.workspace(), resources.actor(), st.session_state
    title = chosen["build-title"]
    if source == "collection":
        which = chosen.get("build-collection")
        rows = [one.row for one in collections.items(workspace, which, actor=actor)] if which else []
        return quizzes.given_away(title, [label for row in rows for label in row.labels])
    kind = chosen.get("build-kind")
    labels = chosen.get(f"build-labels-{kind}") or (workspace.labels(kind, actor=actor) if kind else [])
    return quizzes.given_away(title, labels)


def _collection(given: str | None) -> bool:
    """Draw the choice of a collection; return whether there is one."""
    workspace, actor = resources.workspace(), resources.actor()
    found = {one.collection_id: one for one in collections.listed(workspace, actor=actor)}
    if given and given not in found:
        with suppress(CasebindError):  # deleted meanwhile
            found[given] = collections.load(workspace, given, actor=actor)
    if not found:
        st.info(text("quiz.no_collection"), icon=":material/info:")
        return False
    ids = list(found)
    st.selectbox(
        text("quiz.collection"),
        ids,
        index=ids.index(given) if given in ids else 0,
        key="build-collection",
        format_func=lambda one: f"{found[one].title} ({several(found[one].cases, 'collections.cases')})",
    )
    return True


def _filters() -> bool:
    workspace = resources.workspace()
    kinds = [one for one in RECORDINGS if workspace.counts(actor=resources.actor()).get(one)]
    if not kinds:
        return False
    kind = st.segmented_control(
        text("quiz.kind"),
        kinds,
        format_func=lambda name: text(f"modality.{name}"),
        default=kinds[0],
        key="build-kind",
        required=True,
    )
    left, right = st.columns(2)
    left.multiselect(
        text("quiz.labels"),
        workspace.labels(kind, actor=resources.actor()),
        key=f"build-labels-{kind}",
        format_func=wording.label,
        placeholder=text("controls.any"),
    )
    right.multiselect(
        text("quiz.cohorts"),
        [one.name for one in workspace.cohorts(actor=resources.actor())],
        key="build-cohorts",
        placeholder=text("controls.any"),
    )
    return True


def _plan() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(text("quiz.n"), 1, MAX_QUESTIONS, 10, key="build-n", width=180)
        st.number_input(text("quiz.seed"), 0, SEEDS, 1, key="build-seed", help=text("quiz.seed_help"), width=180)
        st.segmented_control(
            text("quiz.order"),
            ORDERS,
            format_func=lambda name: text(f"quiz.order_name_{name}"),
            default="shuffled",
            key="build-order",
            required=True,
        )
        draw_visibility("build-visibility", "link")
    st.radio(text("quiz.asks"), ASKS, format_func=lambda name: text(f"quiz.asks_{name}"), key="build-asks")


def _times() -> None:
    """Draw limits of time and the date; 0 and an empty date are none."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(text("quiz.question_seconds"), 0, 3600, 0, key="build-question-s", width=220)
        st.number_input(text("quiz.quiz_minutes"), 0, 600, 0, key="build-quiz-min", width=220)
        st.datetime_input(text("quiz.due"), value=None, key="build-due", help=text("quiz.due_help"), width=260)


def _build() -> None:
    """Build the quiz of what is chosen, saying how far it is; keep the sentence that says what came of it."""
    chosen = st.session_state
    due = chosen["build-due"]
    plan = QuizPlan(
        free_text.settled("build-title", chosen["build-title"]),
        int(chosen["build-n"]),
        chosen["build-asks"],
        chosen["build-order"],
        int(chosen["build-seed"]),
        visibility=chosen["build-visibility"],
        due_at=None if due is None else times.utc(due),
        question_s=int(chosen["build-question-s"]),
        quiz_s=60 * int(chosen["build-quiz-min"]),
    )
    workspace, release, actor = resources.workspace(), resources.release(), session.reader()
    bar = st.progress(0.0, text("quiz.building"))

    def on_progress(made: int, total: int) -> None:
        bar.progress(made / total, text("quiz.building_at", n=made + 1, total=total))

    try:
        if chosen["build-source"] == "collection":
            built = quizzes.from_collection(
                workspace, release, chosen["build-collection"], plan, actor=actor, on_progress=on_progress
            )
        else:
            kind: Modality = chosen["build-kind"]
            filters = Filters(labels=tuple(chosen[f"build-labels-{kind}"]), cohorts=tuple(chosen["build-cohorts"]))
            built = quizzes.from_filters(
                workspace, release, (kind,), filters, plan, actor=actor, on_progress=on_progress
            )
    except CasebindError as error:
        chosen[MESSAGE] = (False, escaped(spoken(error)))
        return
    chosen[MESSAGE] = (True, _said(built))
    chosen[CLEAR] = True
    st.query_params.clear()


def _said(built: BuiltQuiz) -> str:
    """Say how many questions there are and what was left out."""
    questions = several(built.quiz.questions, "quiz.questions")
    left = (
        ("left_reports", built.reports),
        ("left_unlabelled", built.unlabelled),
        ("left_patient", built.same_patient),
        ("left_unmarked", built.unmarked),
        ("left_unshown", built.unshown),
        ("synthetic_films", built.synthetic_films),
    )
    said = [several(n, f"quiz.{name}") for name, n in left if n]
    if built.given_away:
        said.append(text("quiz.gives_away", labels=escaped(wording.labels(built.given_away))))
    return " ".join([text("quiz.built", title=f"**{escaped(built.quiz.title)}**", questions=questions), *said])
