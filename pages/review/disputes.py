"""Pairs about which raters differ: a third person looks at one with everybody's marks and decides."""

from __future__ import annotations

import streamlit as st

from engine.learning import decisions
from engine.learning.agreement import Disputed
from engine.store import known_pairs
from engine.store.acts import Act
from engine.store.adjudications import Adjudication
from engine.store.ratings import MAX_COMMENT
from engine.strings import several, text
from pages.review import guide, marks, pair, state
from pages.shared import frame, free_text, resources, undo
from pages.shared.link import link
from pages.shared.markdown import escaped
from pages.shared.session import attempt, rater

AT = "disputes-at"  # place in the list, in the session
EXAMPLE = "disputes-example"


def draw_disputes() -> None:
    """Draw the first undecided pair large, then what was decided."""
    waiting = decisions.disagreements(resources.workspace(), rater()) if state.has_name() else []
    _head(waiting)
    undo.draw_undo(text("disputes.undo"))
    if waiting:
        _decide(waiting)
    elif state.has_name():
        st.info(text("disputes.none"), icon=":material/check:")
    else:
        state.draw_name()
    _decided()


def _head(waiting: list[Disputed]) -> None:
    frame.describe(text("disputes.title"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-head"):
        st.title(text("disputes.title"), anchor=False, width="content")
        if waiting:
            at = _at(waiting)
            with frame.heard("place", width="content"):
                st.markdown(text("review.place", n=at + 1, total=len(waiting)), width="content")
            st.button(
                text("disputes.next"), key="disputes-next", icon=":material/skip_next:", on_click=_turn, args=(at + 1,)
            )
            guide.draw_popover()
            state.draw_labels_button()
        if state.has_name():
            st.markdown(f":small[{text('review.for_rater', who=escaped(rater().name))}]", width="stretch")
        state.draw_back_button()


def _decide(waiting: list[Disputed]) -> None:
    """Draw one pair with everybody's marks, and the marks to decide on."""
    one = waiting[_at(waiting)]
    key = f"{one.query_id}-{one.study_id}"
    said = "; ".join(f"{escaped(who)}: **{text(f'mark.{mark}')}**" for who, mark in one.ratings)
    with st.container(key="disputes-marks"):
        st.markdown(f":material/groups: {said}")
    pair.draw_pair((one.query_id, one.study_id), labels=state.labels(), key="dispute")

    def press(name: str) -> None:
        _store(one, name, f"disputes-note-{key}")

    with st.container(key="review-bar", gap="small"):
        marks.draw_marks(f"decide-{key}", press)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review-before"):
            st.text_input(
                text("disputes.note"),
                key=f"disputes-note-{key}",
                max_chars=MAX_COMMENT,
                width=420,
                label_visibility="collapsed",
                placeholder=text("disputes.note"),
            )
            st.checkbox(text("disputes.example"), key=EXAMPLE)
        free_text.draw(f"disputes-note-{key}", st.session_state.get(f"disputes-note-{key}", ""))


def _store(one: Disputed, mark: str, note_key: str) -> None:
    """Store a decision, as an example too where that is ticked."""
    place, actor, found = resources.workspace(), rater(), (one.query_id, one.study_id)
    note = free_text.settled(note_key, st.session_state.get(note_key, ""))

    def store() -> None:
        made = decisions.decide(place, found, mark, actor=actor, note=note)
        if st.session_state.get(EXAMPLE):
            with place.database.recording(actor, Act("known pair", returned=found, about={"mark": mark})):
                known_pairs.add(place.database, found, mark, actor.name, note=note)
        undo.offer(
            text("disputes.decided", mark=text(f"mark.{mark}")),
            lambda: decisions.undo(place, made.adjudication_id, actor=rater()),
            icon="gavel",
        )

    attempt(state.ERROR, store)


def _decided() -> None:
    """Draw the decisions that count, folded."""
    made = decisions.made_by_anyone(resources.workspace(), rater())
    if not made:
        return
    with st.expander(several(len(made), "disputes.list")):
        for one in made:
            _line(one)


def _line(one: Adjudication) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        address = link("compare", query=one.query_id, case=one.study_id)
        named = text("agreement.compare", query=escaped(one.query_id), study=escaped(one.study_id))
        day = f"{one.created_at:%Y-%m-%d}"
        about = text("disputes.line", who=escaped(one.who), day=day, n=one.guideline)
        note = f" {escaped(one.note)}" if one.note else ""
        st.markdown(f"[{named}]({address}): **{text(f'mark.{one.mark}')}**{note}  \n:small[{about}]", width="stretch")
        st.button(text("disputes.take_back"), key=f"undecide-{one.adjudication_id}", on_click=_take_back, args=(one,))


def _take_back(one: Adjudication) -> None:
    decisions.undo(resources.workspace(), one.adjudication_id, actor=rater())


def _at(waiting: list[Disputed]) -> int:
    return int(st.session_state.get(AT, 0)) % len(waiting)


def _turn(at: int) -> None:
    st.session_state[AT] = at
