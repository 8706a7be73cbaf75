"""The start: who rates, by which strategy, how many pairs; queues that are not at their end; the ways to the rest."""

from __future__ import annotations

import streamlit as st

from engine.learning.queue import MAX_PAIRS, QUEUES
from engine.learning.review import open_reviews
from engine.store.ratings import MAX_NAME
from engine.strings import text
from pages.review import state
from pages.shared import resources
from pages.shared.markdown import escaped
from pages.shared.session import rater, rename


def draw_review_home() -> None:
    """Draw the screen without a queue in its URL."""
    st.title(text("review.title"), anchor=False)
    st.markdown(text("review.lead"))
    with st.container(key="beside"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        _start()
    with right:
        _open()
        st.subheader(text("review.more"), anchor=False)
        for view, icon in (("agreement", "handshake"), ("share", "swap_horiz")):
            st.button(
                text(f"review.open_{view}"),
                icon=f":material/{icon}:",
                key=f"open-{view}",
                on_click=state.go,
                kwargs={state.VIEW: view},
                width="stretch",
            )


def _start() -> None:
    st.text_input(
        text("review.who"),
        value=rater().name,
        key="review-who",
        max_chars=MAX_NAME,
        on_change=rename,
        args=("review-who",),
        help=text("review.who_help"),
        placeholder=text("review.who_example"),
    )
    strategy = st.radio(
        text("review.strategy"),
        QUEUES,
        key="review-strategy",
        format_func=lambda name: text(f"review.strategy_{name}"),
        captions=[text(f"review.about_{name}") for name in QUEUES],
    )
    st.markdown(f":small[{text('review.share_note')}]")
    n = st.number_input(text("review.n"), 1, MAX_PAIRS, state.FIRST_N, key="review-n", width=180)
    st.button(
        text("review.begin"),
        type="primary",
        icon=":material/play_arrow:",
        key="begin",
        disabled=not rater().name,
        on_click=state.begin,
        args=(strategy, int(n)),
    )
    if not rater().name:
        st.markdown(f":small[{text('review.name_first')}]")


def _open() -> None:
    """Draw the rater's queues that are not at their end."""
    st.subheader(text("review.going"), anchor=False)
    found = open_reviews(resources.workspace(), rater()) if rater().name else []
    if not found:
        st.markdown(text("review.going_none"))
    for one in found:
        with st.container(border=True):
            named = text(f"review.strategy_{one.queue.strategy}")
            line = text("review.going_line", done=one.done, total=one.total, day=f"{one.queue.created_at:%Y-%m-%d}")
            st.markdown(f"**{named}**  \n:small[{escaped(line)}]")
            st.button(
                text("review.go_on"),
                key=f"go-{one.queue.queue_id}",
                icon=":material/play_arrow:",
                on_click=state.go_on,
                args=(one,),
                help=text("review.go_on_help", name=named),
            )
