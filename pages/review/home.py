"""The start: one button for whoever wants to rate; what was asked of the rater; the ways to the rest."""

from __future__ import annotations

from datetime import date

import streamlit as st

from engine.learning import assign, checks, decisions
from engine.learning.assign import Assigned
from engine.learning.queue import MAX_PAIRS, QUEUES
from engine.learning.review import Review, open_reviews
from engine.retrieval.answer import Answer
from engine.store import check_pairs, guidelines, queries
from engine.strings import text
from engine.workspace import sharing
from pages.review import guide, state
from pages.shared import resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt, rater

VIEWS = (
    ("guide", "menu_book"),
    ("mine", "insights"),
    ("agreement", "handshake"),
    ("disputes", "gavel"),
    ("assign", "assignment_ind"),
    ("share", "swap_horiz"),
)


def draw_review_home() -> None:
    """Draw the screen without a queue in its URL."""
    st.title(text("review.title"), anchor=False)
    st.markdown(text("review.lead"))
    with st.container(key="beside"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        _start()
        _for_you()
        _share_query()
        _advanced()
    with right:
        _views()


def _start() -> None:
    """Draw the name, the one button, and which text says what relevant means."""
    waiting = state.to_go_on_with() if state.has_name() else None
    label = text("review.start") if waiting is None else _go_on_words(waiting)
    with st.container(horizontal=True, vertical_alignment="bottom", key="review-start"):
        state.draw_name()
        st.button(label, type="primary", icon=":material/play_arrow:", key="begin", on_click=state.start)
    present = guidelines.in_force(resources.workspace().database)
    about = text("review.start_about", n=state.FIRST_N) if waiting is None else text("review.go_on_about")
    st.markdown(f":small[{about} {text('review.guided_by', version=guide.version_line(present))}]")
    if not (state.has_name() and resources.workspace().ratings(actor=rater())):
        with st.container(border=True, key="guideline"):
            st.markdown(guide.shown(present.words))


def _go_on_words(waiting: Review) -> str:
    return text("review.go_on", done=waiting.done, total=waiting.total)


def _for_you() -> None:
    """Draw what others asked of the rater, queues that were begun, and the check for who is new."""
    if not state.has_name():
        return
    place, actor = resources.workspace(), rater()
    assigned = assign.of_reader(place, actor)
    for one in assigned:
        _assigned(one)
    known = {one.review.queue.queue_id for one in assigned}
    for waiting in open_reviews(place, actor):
        if waiting.queue.queue_id not in known:
            _begun(waiting)
    if not any(one.kind == checks.AGREED for one in check_pairs.readings(place.database, actor.name)):
        state.draw_check_button(checks.AGREED)
    state.draw_check_button(checks.REPEAT)


def _assigned(one: Assigned) -> None:
    """Draw one assignment: from whom, by which day, how far."""
    row = one.row
    due = text("assign.no_day") if row.due is None else text("assign.by_day", day=row.due.isoformat())
    late = f" :material/schedule: **{text('assign.late')}**" if one.is_late(date.today()) else ""
    line = text("review.assigned_line", who=escaped(row.assigned_by), due=due)
    _waiting(one.review, f"**{line}**{late}", escaped(row.note))


def _begun(waiting: Review) -> None:
    named = text(f"review.strategy_{waiting.queue.strategy}")
    _waiting(waiting, f"**{named}**", text("review.begun", day=f"{waiting.queue.created_at:%Y-%m-%d}"))


def _waiting(waiting: Review, head: str, line: str) -> None:
    """Draw a queue that is not at its end, with the button that goes on with it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        small = f"  \n:small[{line}]" if line else ""
        st.markdown(f"{head}{small}", width="stretch")
        st.button(
            _go_on_words(waiting),
            key=f"go-{waiting.queue.queue_id}",
            icon=":material/play_arrow:",
            on_click=state.go_on,
            args=(waiting,),
        )


def _share_query() -> None:
    """Let whoever asked the query of this session show it to raters, or end that."""
    answer, place, owner = st.session_state.get("answer"), resources.workspace(), resources.actor()
    if not isinstance(answer, Answer) or answer.study.facts.get("like"):
        return
    stored = place.query(answer.query_id, actor=owner)
    if stored is None or stored.who != owner.name:  # a study of the collection is nobody's
        return
    shared = queries.is_shared(place.database, answer.query_id)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="share-query"):
        kind = text(f"modality_one.{answer.study.modality}")
        words = text("review.query_shared" if shared else "review.query_own", kind=kind)
        st.markdown(words, width="stretch")
        st.button(
            text("review.end_sharing" if shared else "review.share_query"),
            key="share-query-do",
            icon=f":material/{'visibility_off' if shared else 'group_add'}:",
            on_click=_set_shared,
            args=(answer.query_id, not shared),
        )


def _set_shared(query_id: str, shared: bool) -> None:
    act = sharing.share if shared else sharing.end_sharing
    attempt(state.ERROR, lambda: act(resources.workspace(), query_id, actor=resources.actor()))


def _advanced() -> None:
    """Draw which pairs come first and how many, for whoever wants to choose."""
    with st.expander(text("review.advanced")):
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
            text("review.begin"), key="begin-chosen", icon=":material/play_arrow:", on_click=_begin, args=(strategy, n)
        )


def _begin(strategy: str, n: int) -> None:
    if state.has_name():
        state.begin(strategy, int(n))
    else:
        st.session_state[state.ERROR] = text("review.name_first")


def _views() -> None:
    """Draw the ways to the other screens."""
    waiting = len(decisions.disagreements(resources.workspace(), rater())) if state.has_name() else 0
    for view, icon in VIEWS:
        number = f" ({waiting})" if view == "disputes" and waiting else ""
        st.button(
            f"{text(f'review.open_{view}')}{number}",
            icon=f":material/{icon}:",
            key=f"open-{view}",
            on_click=state.go,
            kwargs={state.VIEW: view},
            width="stretch",
        )
