"""A maker's view of a quiz: the results of a class as pictures and tables, the answer key, links and settings."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from engine.retrieval import wording
from engine.store.quizzes import Quiz
from engine.strings import notice, several, text
from engine.teaching import access, results
from engine.teaching.results import COLUMNS, QuestionResult, Results, Share
from pages.quiz import charts, key, settings, state
from pages.shared import frame, resources, study_facts, undo
from pages.shared.markdown import escaped
from pages.shared.theme import browser_theme

VIEWS = ("class", "key", "settings")


def draw_quiz_results(quiz: Quiz) -> None:
    """Draw the screen; for whoever made the quiz alone."""
    workspace, actor = resources.workspace(), resources.actor()
    access.require_maker(workspace, quiz.quiz_id, actor=actor)
    title = text("quiz.results_title", title=quiz.title)
    frame.describe(title, screen="quiz", token=f"results {quiz.quiz_id}", focus="quiz-title")
    st.button(text("quiz.home"), icon=":material/arrow_back:", key="home", type="tertiary", on_click=state.home)
    with st.container(key="quiz-title"):
        st.title(escaped(title), anchor=False)
    undo.draw_undo(text("quiz.undo"))
    state.show_error()
    tabs = st.tabs([text(f"quiz.tab_{name}") for name in VIEWS])
    with tabs[0]:
        _class(quiz, results.results(workspace, quiz.quiz_id, actor=actor))
    with tabs[1]:
        key.draw_key(quiz)
    with tabs[2]:
        settings.draw_settings(quiz)


def _class(quiz: Quiz, found: Results) -> None:
    workspace, who = resources.workspace(), resources.actor_later(resources.actor())
    if found.hidden:
        st.info(several(found.hidden, "quiz.hidden"), icon=":material/visibility_off:")
    if not found.learners and not found.hidden:
        st.info(text("quiz.results_none"), icon=":material/hourglass_empty:")
    elif found.learners:
        st.markdown(text("quiz.results_lead"))
        _per_learner(found)
        _per_question(found)
    st.download_button(
        text("quiz.download"),
        lambda: results.answers_csv(workspace, quiz.quiz_id, actor=who(), bom=True).encode(),
        f"casebind-quiz-{quiz.quiz_id}.csv",
        "text/csv",
        icon=":material/download:",
        key="download",
        on_click="ignore",
        disabled=not found.learners,
    )
    with st.expander(text("quiz.columns")):
        _table([(name, text(f"results_column.{name}", notice=notice())) for name in COLUMNS], ("name", "meaning"))


def _per_learner(found: Results) -> None:
    """Draw learners and days, each with its table."""
    with st.container(key="stacking"):
        left, right = st.columns(2, gap="large")
    with left:
        st.subheader(text("quiz.per_learner"), anchor=False)
        _chart(
            charts.learners(found, browser_theme()),
            "learners",
            _range("learners", [one.share for one in found.learners]),
        )
        rows = [(escaped(one.alias), *_share(one.share), one.late or "") for one in found.learners]
        _numbers(rows, ("learner", "share", "interval", "n", "late"), "learners")
    with right:
        st.subheader(text("quiz.per_day"), anchor=False)
        _chart(charts.days(found, browser_theme()), "days", _range("days", [share for _, share in found.days]))
        _numbers([(day.isoformat(), *_share(share)) for day, share in found.days], ("day", *SHARE), "days")


def _per_question(found: Results) -> None:
    """Draw what was chosen for each question, and all of it in one table."""
    st.subheader(text("quiz.per_question"), anchor=False)
    grid = st.grid(min_column_width=360, border=True)
    for one in found.questions:
        with grid.cell():
            labelled = escaped(wording.labels(one.labelled))
            said = text("quiz.nobody") if not one.share.n else f"{one.share.right} / {one.share.n}"
            st.markdown(f"**{text('quiz.question_n', n=one.number)}** {labelled}  \n:small[{said}]")
            _chart(charts.options(one, browser_theme()), f"question-{one.number}", _choices(one))
    made = study_facts.synthetic_ids([one.study_id for one in found.questions])
    rows = [_question(one, one.study_id in made) for one in found.questions]
    _numbers(rows, ("question", "case", "kind", "labelled", *SHARE, "options"), "questions")


SHARE = ("share", "interval", "n")


def _chart(figure: go.Figure, name: str, said: str) -> None:
    """Draw a picture; said: what it shows, for who does not see it."""
    alt = f"{said} {text('quiz.chart_numbers')}"
    st.plotly_chart(figure, key=f"chart-{name}", theme=None, config={"displayModeBar": False}, alt=alt)


def _range(name: str, shares: Sequence[Share]) -> str:
    """Return between which shares, in per cent, the learners or the days lie."""
    values = [100 * one.value for one in shares if one.n]
    if not values:
        return text("quiz.nobody")
    return text(f"quiz.chart_{name}", low=f"{min(values):.0f}", high=f"{max(values):.0f}")


def _choices(result: QuestionResult) -> str:
    """Return how often each answer of a question was chosen, what counts as right with a tick, as its picture does."""
    counted = text("search.list_and").join(
        f"{'✓ ' if name in result.counted else ''}{wording.label(name)} {times}" for name, times in result.chosen
    )
    return text("quiz.chart_question", n=result.number, counts=counted or text("quiz.nobody"))


def _question(result: QuestionResult, synthetic: bool) -> tuple[object, ...]:
    """Return a row: number, case, kind, labels, share, interval, answers, how often each option was chosen."""
    times = "; ".join(
        f"{wording.label(option)} ({n})" for option, n in sorted(result.chosen, key=lambda pair: -pair[1]) if n
    )
    kind = study_facts.kind_in_table(result.modality, synthetic)
    labelled = escaped(wording.labels(result.labelled))
    return result.number, escaped(result.study_id), kind, labelled, *_share(result.share), escaped(times)


def _share(share: Share) -> tuple[str, str, str]:
    """Return the share in percent, its interval, and "right of n"."""
    if not share.n:
        return "", "", text("quiz.nobody")
    low, high = share.interval
    return (
        f"{100 * share.value:.0f}",
        text("agreement.interval", low=f"{100 * low:.0f}", high=f"{100 * high:.0f}"),
        f"{share.right} / {share.n}",
    )


def _numbers(rows: Sequence[tuple[object, ...]], names: tuple[str, ...], which: str) -> None:
    """Draw the numbers of a picture."""
    with st.expander(text("quiz.numbers"), key=f"numbers-{which}"):
        _table(rows, names)


def _table(rows: Sequence[tuple[object, ...]], names: tuple[str, ...]) -> None:
    st.table(pd.DataFrame(rows, columns=[text(f"quiz.column_{name}") for name in names]), hide_index=True)
