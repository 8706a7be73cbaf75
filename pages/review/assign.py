"""Who reads which pairs by which day: a form, and how far everyone is."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from itertools import groupby

import pandas as pd
import streamlit as st

from engine.learning import assign, dashboard
from engine.learning.assign import MAX_READERS, Assigned, Request
from engine.learning.dashboard import RaterLine
from engine.learning.queue import MAX_PAIRS, QUEUES, QueueSpec
from engine.learning.strategies import BEST
from engine.store.ratings import MAX_COMMENT
from engine.strings import text
from pages.review import state
from pages.shared import free_text, resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt, rater

DUE_DAYS = (3, 7, 14, 30, None)  # from today
SAME, SPLIT = "same", "split"


def draw_assignments() -> None:
    """Draw the screen of its own."""
    state.draw_view_head("assign.title")
    st.markdown(text("assign.lead"))
    with st.container(key="beside"):
        left, right = st.columns([2, 3], gap="large")
    lines = dashboard.of_everyone(resources.workspace(), rater())
    with left:
        _form([one.who for one in lines])
    with right:
        _progress()
        _raters(lines)


def _form(known: list[str]) -> None:
    st.subheader(text("assign.new"), anchor=False)
    st.multiselect(
        text("assign.readers"),
        known,
        key="assign-readers",
        accept_new_options=True,
        max_selections=MAX_READERS,
        placeholder=text("assign.readers_example"),
    )
    st.number_input(text("review.n"), 1, MAX_PAIRS, state.FIRST_N, key="assign-n", width=180)
    st.radio(text("assign.how"), (SAME, SPLIT), key="assign-how", format_func=lambda one: text(f"assign.how_{one}"))
    st.selectbox(text("assign.due"), DUE_DAYS, index=1, key="assign-due", format_func=_due_words, width=280)
    free_text.draw_box(st.text_input, text("assign.note"), "assign-note", max_chars=MAX_COMMENT)
    with st.expander(text("review.advanced")):
        st.selectbox(
            text("review.strategy"),
            QUEUES,
            index=QUEUES.index(BEST),
            key="assign-strategy",
            format_func=lambda name: text(f"review.strategy_{name}"),
        )
    st.button(text("assign.do"), type="primary", icon=":material/assignment_ind:", key="assign-do", on_click=_assign)


def _due_words(days: int | None) -> str:
    if days is None:
        return text("assign.no_day")
    return text("assign.due_in", n=days, day=(date.today() + timedelta(days=days)).isoformat())


def _assign() -> None:
    """Store what the form asks for."""
    values = {name: st.session_state.get(f"assign-{name}") for name in ("readers", "n", "how", "due", "note")}
    spec = QueueSpec(st.session_state.get("assign-strategy", BEST), int(values["n"] or 0), secrets.randbelow(10**6))
    note = free_text.settled("assign-note", values["note"] or "")
    due = None if values["due"] is None else date.today() + timedelta(days=values["due"])
    asked = Request(tuple(values["readers"] or ()), spec, due, note, split=values["how"] == SPLIT)

    def store() -> None:
        assign.assign(resources.workspace(), resources.release(), asked, actor=rater())
        st.toast(text("assign.done"), icon=":material/check:")

    attempt(state.ERROR, store)


def _progress() -> None:
    """Draw every assignment with a bar per reader."""
    st.subheader(text("assign.progress"), anchor=False)
    found = sorted(assign.listed(resources.workspace(), rater()), key=lambda one: one.row.assignment_id)
    groups = [list(group) for _, group in groupby(found, key=lambda one: one.row.assignment_id)]
    if not groups:
        st.markdown(text("assign.none"))
    for group in sorted(groups, key=lambda one: (one[0].row.due or date.max, one[0].row.created_at)):
        _group(group)


def _raters(lines: list[RaterLine]) -> None:
    """Draw who has rated here, how much, and how they did in the check."""
    if not lines:
        return
    st.subheader(text("assign.raters"), anchor=False)
    rows = [
        (escaped(one.who), one.n, "" if one.last is None else f"{one.last:%Y-%m-%d}", _checked(one)) for one in lines
    ]
    names = [text(f"assign.column_{name}") for name in ("rater", "n", "last", "checked")]
    st.table(pd.DataFrame(rows, columns=names), hide_index=True)


def _checked(one: RaterLine) -> str:
    """Return the share of known pairs that got the agreed mark, with its number and interval."""
    found = one.checked
    if found is None:
        return text("assign.unchecked")
    words = text("assign.checked", share=f"{100 * found.value:.0f}", n=found.n)
    if found.low is None or found.high is None:
        return words
    return f"{words}, {text('agreement.interval', low=f'{100 * found.low:.0f}', high=f'{100 * found.high:.0f}')} %"


def _group(group: list[Assigned]) -> None:
    row = group[0].row
    due = text("assign.no_day") if row.due is None else text("assign.by_day", day=row.due.isoformat())
    about = text("assign.line", who=escaped(row.assigned_by), day=f"{row.created_at:%Y-%m-%d}")
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            note = f" {escaped(row.note)}" if row.note else ""
            st.markdown(f"**{due}**{note}  \n:small[{about}]", width="stretch")
            st.button(
                text("assign.withdraw"),
                key=f"withdraw-{row.assignment_id}",
                on_click=_withdraw,
                args=(row.assignment_id,),
                help=text("assign.withdraw_help"),
            )
        for one in group:
            late = f" · {text('assign.late')}" if one.is_late(date.today()) else ""
            words = text("assign.reader", who=one.row.who, done=one.review.done, total=one.review.total)
            st.progress(one.review.done / max(1, one.review.total), f"{escaped(words)}{late}")


def _withdraw(assignment_id: str) -> None:
    assign.withdraw(resources.workspace(), assignment_id, actor=rater())
