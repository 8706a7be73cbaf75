"""The results of a class: by question, by learner, and every answer as CSV with what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine.store.quizzes import Quiz
from engine.strings import notice, several, text
from engine.teaching import results
from engine.teaching.results import COLUMNS, QuestionResult, Share
from pages.quiz import state
from pages.shared import resources, study_facts
from pages.shared.markdown import escaped


def draw_quiz_results(quiz: Quiz) -> None:
    """Draw the screen."""
    st.button(text("quiz.home"), icon=":material/arrow_back:", key="home", on_click=state.home)
    st.title(text("quiz.results_title", title=escaped(quiz.title)), anchor=False)
    workspace, actor = resources.workspace(), resources.actor()
    found = results.results(workspace, quiz.quiz_id, actor=actor)
    if found.hidden:
        st.info(several(found.hidden, "quiz.hidden"), icon=":material/visibility_off:")
    if not found.learners:
        st.info(text("quiz.results_none"), icon=":material/hourglass_empty:")
    else:
        st.markdown(text("quiz.results_lead"))
        st.subheader(text("quiz.per_question"), anchor=False)
        names = ("question", "case", "kind", "labelled", "share", "interval", "n", "options")
        made = study_facts.synthetic_ids([one.study_id for one in found.questions])
        _table([_question(one, one.study_id in made) for one in found.questions], names)
        st.subheader(text("quiz.per_learner"), anchor=False)
        rows = [(escaped(alias), *_share(share)) for alias, share in found.learners]
        _table(rows, ("learner", "share", "interval", "n"))
    st.download_button(
        text("quiz.download"),
        lambda: results.answers_csv(workspace, quiz.quiz_id, actor=actor, bom=True).encode(),
        f"casebind-quiz-{quiz.quiz_id}.csv",
        "text/csv",
        icon=":material/download:",
        key="download",
        on_click="ignore",
        disabled=not found.learners,
    )
    with st.expander(text("quiz.columns")):
        _table([(name, text(f"results_column.{name}", notice=notice())) for name in COLUMNS], ("name", "meaning"))


def _question(result: QuestionResult, synthetic: bool) -> tuple[object, ...]:
    """Return a row: number, case, kind, labels, share, interval, answers, how often each option was chosen."""
    times = "; ".join(f"{option} ({n})" for option, n in sorted(result.chosen, key=lambda pair: -pair[1]) if n)
    kind = study_facts.kind_in_table(result.modality, synthetic)
    labelled = escaped(", ".join(result.labelled))
    return result.number, escaped(result.study_id), kind, labelled, *_share(result.share), escaped(times)


def _share(share: Share) -> tuple[str, str, str]:
    """Return the share in percent, its interval, and "right of n"."""
    if not share.n:
        return "", "", text("quiz.nobody")
    low, high = share.interval
    return f"{100 * share.value:.0f}", f"{100 * low:.0f} to {100 * high:.0f}", f"{share.right} / {share.n}"


def _table(rows: Sequence[tuple[object, ...]], names: tuple[str, ...]) -> None:
    st.table(pd.DataFrame(rows, columns=[text(f"quiz.column_{name}") for name in names]), hide_index=True)
