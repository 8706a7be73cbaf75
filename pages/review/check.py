"""A check with known pairs, or own pairs once more: read as in a queue, compared, and stored as no ratings."""

from __future__ import annotations

import streamlit as st

from engine.errors import UsageError
from engine.learning import checks
from engine.learning.checks import CheckRun
from engine.store.check_pairs import CheckPair
from engine.strings import several, text
from pages.review import guide, marks, pair, state
from pages.shared import frame, resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt, rater


def draw_check() -> None:
    """Draw the next pair of the run in the address, or its result."""
    run = checks.load(resources.workspace(), rater(), st.query_params.get(state.RUN, ""))
    if run is None:
        raise UsageError(text("check.gone"))
    _head(run)
    if run.last is not None:
        _result(run, run.last)
    if run.next is None:
        _end(run)
        return
    _ask(run, run.next)


def _head(run: CheckRun) -> None:
    frame.describe(text(f"check.title_{run.kind}"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-head"):
        st.title(text(f"check.title_{run.kind}"), anchor=False, width="content")
        n = min(len(run.done) + 1, len(run.pairs))
        with st.container(width=150, key="review-place"):
            st.progress(len(run.done) / max(1, len(run.pairs)), text("review.place", n=n, total=len(run.pairs)))
        st.markdown(f":small[{text('review.for_rater', who=escaped(rater().name))}]", width="stretch")
        guide.draw_popover()
        if run.next is not None:
            state.draw_labels_button()
        state.draw_back_button()


def _result(run: CheckRun, last: CheckPair) -> None:
    """Say whether the last answer was the known mark, and why that was agreed."""
    given, known = text(f"mark.{last.given}"), text(f"mark.{last.expected}")
    words = text(f"check.{'same' if last.is_same else 'other'}_{run.kind}", given=given, known=known, note=last.note)
    note = f" :small[{escaped(last.note)}]" if last.note and run.kind == checks.AGREED else ""
    icon = ":material/check_circle:" if last.is_same else ":material/info:"
    with st.container(key="check-result"):
        st.markdown(f"{icon} **{escaped(words)}**{note}")


def _ask(run: CheckRun, one: CheckPair) -> None:
    pair.draw_pair(one.pair, labels=state.labels(), key=f"{run.run_id}-{one.place}")

    def press(name: str) -> None:
        attempt(state.ERROR, lambda: checks.answer(resources.workspace(), rater(), run.run_id, one.place, name))

    with st.container(key="review-bar", gap="small"):
        marks.draw_marks(f"check-{one.place}", press)


def _end(run: CheckRun) -> None:
    """Draw how many were the same, pair by pair."""
    st.subheader(several(len(run.pairs), f"check.end_{run.kind}", same=run.n_same), anchor=False)
    st.markdown(text(f"check.end_about_{run.kind}"))
    for n, one in enumerate(run.pairs, 1):
        icon = "check_circle" if one.is_same else "info"
        given, known = text(f"mark.{one.given}"), text(f"mark.{one.expected}")
        line = text(f"check.line_{run.kind}", n=n, given=given, known=known)
        st.markdown(f":material/{icon}: {escaped(line)} :small[{escaped(one.note)}]")
    st.button(text("review.start"), type="primary", icon=":material/play_arrow:", key="begin", on_click=state.start)
