"""What the collections screen remembers: in the URL which collection, case and slide; in the session what was said."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.teaching import collections
from engine.teaching.records import Collection, Item
from pages.shared import resources, undo
from pages.shared.markdown import plain
from pages.shared.strings import text

COLLECTION, CASE, PRESENT = "collection", "case", "present"  # names in the URL
SAID = "collections-said"


def enter(collection_id: str) -> None:
    """Open a collection."""
    st.query_params.clear()
    st.query_params[COLLECTION] = collection_id


def leave() -> None:
    """Go back to all collections."""
    st.query_params.clear()


def select(study_id: str) -> None:
    """Open a case of the collection."""
    st.query_params[CASE] = study_id


def slide(n: int | None) -> None:
    """Present case n, counted from 1, or stop presenting."""
    if n is None:
        st.query_params.pop(PRESENT, None)
    else:
        st.query_params[PRESENT] = str(n)


def place(name: str, total: int) -> int:
    """Return the number in the URL within 1..total; 1 where it is none."""
    number = st.query_params.get(name, "")
    return min(max(int(number), 1), total) if number.isdecimal() else 1


def say() -> None:
    """Draw once what came of the last change."""
    good, words = st.session_state.pop(SAID, (True, ""))
    if words:
        (st.success if good else st.error)(words, icon=":material/check:" if good else ":material/error:")


def done(change: Callable[[], object], words: str = "") -> bool:
    """Make a change; keep the sentence that says it is stored, or why it is not."""
    try:
        change()
    except CasebindError as error:
        st.session_state[SAID] = (False, plain(error))
        return False
    st.session_state[SAID] = (True, words)
    return True


def create() -> None:
    """Store a collection of what is typed; the boxes are emptied once it is stored."""
    title, about = st.session_state["new-title"], st.session_state["new-description"]
    words = text("collections.created", title=plain(title))
    if done(lambda: collections.create(resources.workspace(), title, about, resources.WHO), words):
        st.session_state["new-title"] = st.session_state["new-description"] = ""


def delete(one: Collection) -> None:
    """Take a collection off the list and offer to bring it back."""
    workspace = resources.workspace()
    if done(lambda: collections.delete(workspace, one.collection_id)):
        words = text("collections.deleted", title=f"**{plain(one.title)}**")
        undo.offer(words, lambda: collections.undelete(workspace, one.collection_id))
        leave()


def duplicate(one: Collection) -> None:
    """Make a copy and open it."""
    title = text("collections.copy_of", title=one.title)[:120]
    try:
        enter(collections.duplicate(resources.workspace(), one.collection_id, title, resources.WHO).collection_id)
    except CasebindError as error:
        st.session_state[SAID] = (False, plain(error))


def move(one: Collection, study_id: str, by: int) -> None:
    """Move a case by one place; it stays the open one."""
    select(study_id)
    done(lambda: collections.move(resources.workspace(), one.collection_id, study_id, by))


def remove(one: Collection, found: list[Item], at: int) -> None:
    """Take a case out, offer to bring it back, and open the one that takes its place."""
    workspace, study_id = resources.workspace(), found[at].study_id
    if done(lambda: collections.remove(workspace, one.collection_id, study_id)):
        words = text("collections.removed", title=f"**{plain(one.title)}**")
        undo.offer(words, lambda: collections.restore(workspace, one.collection_id, study_id))
        left = [item.study_id for item in found if item.study_id != study_id]
        if left:
            select(left[min(at, len(left) - 1)])


def add(one: Collection) -> None:
    """Add the case whose id is typed."""
    study_id = st.session_state["add-id"].strip()
    new: list[bool] = []
    if done(lambda: new.append(collections.add(resources.workspace(), one.collection_id, study_id))):
        st.session_state[SAID] = (True, text("collections.add_done" if new[0] else "collections.add_there"))
        st.session_state["add-id"] = ""
        select(study_id)
