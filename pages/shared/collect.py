"""Add cases to a collection: the open one, or all that are chosen. What was added is said in a line that undoes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.strings import several, text
from engine.teaching import collections
from pages.shared import free_text, permitted, resources, undo
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

NEW = ""  # stands for a collection that is yet to be made
LAST = "collect-last"  # the collection used last, offered first
OPEN = (
    "collecting"  # key and studies whose choice is open: a page that is drawn anew, as for a finer map, keeps it open
)
FAILED = "collect-failed"
TITLE = "collect-title"


def draw_collect_button(study_id: str, query_id: str | None = None, *, by_key: bool = False) -> None:
    """Draw the button that opens the choice of a collection. by_key: for the one open case of a page."""
    draw_collect_many((study_id,), query_id, key=f"collect-{study_id}", by_key=by_key)
    if by_key and _opened()[0] not in (None, f"collect-{study_id}"):
        _end()  # the page has gone on to another case


def draw_collect_many(
    study_ids: Sequence[str], query_id: str | None = None, *, key: str = "collect-many", by_key: bool = False
) -> None:
    """Draw the button that adds all of these cases to a collection; nothing where there are none.

    query_id : the query beside which they were found
    """
    if not study_ids or not permitted.may("collect"):
        return
    one = len(study_ids) == 1
    st.button(
        text("collect.open") if one else text("collect.open_many", n=len(study_ids)),
        key=key,
        icon=":material/bookmark_add:",
        help=text("collect.help") if one else text("collect.help_many"),
        shortcut=KEYS["collect"] if by_key else None,
        on_click=begin,
        args=(key, tuple(study_ids)),
    )
    draw_choice((key,), query_id)


def draw_choice(keys: Collection[str], query_id: str | None) -> None:
    """Draw the choice of a collection where the button of one of these keys has opened it."""
    key, study_ids = _opened()
    if key in keys:
        _dialog(study_ids, query_id)


def begin(key: str, study_ids: tuple[str, ...]) -> None:
    """Open the choice of a collection for these cases by the button of a key."""
    st.session_state[OPEN] = (key, study_ids)
    st.session_state.pop(FAILED, None)


def draw_collected() -> None:
    """Draw the line that says what was added, with the button that takes it out again."""
    undo.draw_undo(text("collect.undo"))


def _opened() -> tuple[str | None, tuple[str, ...]]:
    opened: tuple[str | None, tuple[str, ...]] = st.session_state.get(OPEN, (None, ()))
    return opened


def _end() -> None:
    st.session_state.pop(OPEN, None)


@st.dialog(text("collect.open"), width="small", on_dismiss=_end)
def _dialog(study_ids: tuple[str, ...], query_id: str | None) -> None:
    """Draw the choice; it closes once the cases are stored."""
    place, actor = resources.workspace(), resources.actor()
    found = {
        one.collection_id: one.title
        for one in collections.listed(place, actor=actor)
        if collections.may_change(place, one.collection_id, actor=actor)
    }
    ids = [*found, NEW]
    last = st.session_state.get(LAST)
    chosen = st.selectbox(
        text("collect.existing"),
        ids,
        index=ids.index(last) if last in ids else 0,
        format_func=lambda one: found.get(one, text("collect.new")),
        key="collect-which",
    )
    if chosen == NEW:
        proposed = text("collect.proposed_title", date=date.today().isoformat())
        free_text.draw_box(st.text_input, text("collect.title"), TITLE, value=proposed)
    if st.button(
        several(len(study_ids), "collect.add"),
        type="primary",
        key="collect-add",
        on_click=_add,
        args=(study_ids, query_id),
    ) and not st.session_state.get(FAILED):
        st.rerun()
    if words := st.session_state.get(FAILED):
        st.error(words, icon=":material/error:")


def _add(study_ids: tuple[str, ...], query_id: str | None) -> None:
    """Store the cases in what is chosen and offer to take them out; keep the sentence that says why not."""
    workspace, actor = resources.workspace(), resources.actor()
    chosen = st.session_state["collect-which"]
    created = chosen == NEW
    try:
        if created:
            title = free_text.settled(TITLE, st.session_state.get(TITLE, ""))
            chosen = collections.create(workspace, title, actor=actor).collection_id
        added = collections.add_many(workspace, chosen, study_ids, actor=actor, query_id=query_id)
        name = escaped(collections.load(workspace, chosen, actor=actor).title)
    except CasebindError as error:
        if created and chosen != NEW:
            collections.delete(workspace, chosen, actor=actor)
        st.session_state[FAILED] = escaped(spoken(error))
        return
    st.session_state.pop(FAILED, None)
    st.session_state[LAST] = chosen
    _end()

    def take_out() -> None:
        if created:
            collections.delete(workspace, chosen, actor=resources.actor())
        else:
            collections.remove_many(workspace, chosen, added.new, actor=resources.actor())

    counts = (("added", len(added.new)), ("there", len(added.present)))
    words = " ".join(several(n, f"collect.{what}", title=f"**{name}**") for what, n in counts if n)
    st.toast(words, icon=":material/bookmark_added:")
    if added.new:
        undo.offer(words, take_out, icon="bookmark_added")
