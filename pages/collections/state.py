"""What the collections screen remembers: in the URL which collection, case and slide; in the session what was said."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.store.collections import CollectionCase, TeachingCollection
from engine.strings import text
from engine.teaching import access, collections
from pages.shared import free_text, resources, undo
from pages.shared.markdown import escaped

COLLECTION, CASE, PRESENT = "collection", "case", "present"  # names in the URL
KEY = "key"  # of a maker's link
MESSAGE = "collections-said"


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


def position_in_url(name: str, total: int) -> int:
    """Return the number in the URL within 1..total; 1 where it is none."""
    number = st.query_params.get(name, "")
    return min(max(int(number), 1), total) if number.isdecimal() else 1


def show_message() -> None:
    """Draw once what came of the last change."""
    good, words = st.session_state.pop(MESSAGE, (True, ""))
    if words:
        (st.success if good else st.error)(words, icon=":material/check:" if good else ":material/error:")


def done(change: Callable[[], object], words: str = "") -> bool:
    """Make a change; keep the sentence that says it is stored, or why it is not."""
    try:
        change()
    except CasebindError as error:
        st.session_state[MESSAGE] = (False, escaped(spoken(error)))
        return False
    st.session_state[MESSAGE] = (True, words)
    return True


def create() -> None:
    """Store a collection of what is typed; the boxes are emptied once it is stored."""
    title, about = (free_text.settled(key, st.session_state[key]) for key in ("new-title", "new-description"))
    words = text("collections.created", title=escaped(title))
    if done(lambda: collections.create(resources.workspace(), title, about, actor=resources.actor()), words):
        st.session_state["new-title"] = st.session_state["new-description"] = ""


def enter_as_maker(collection_id: str) -> None:
    """Let this browser in by the key in the URL, which is taken out of it."""
    key = st.query_params[KEY]
    st.query_params.from_dict({COLLECTION: collection_id})
    access.enter(resources.workspace(), collection_id, key, actor=resources.actor())


def set_visibility(collection: TeachingCollection) -> None:
    """Store who finds the collection."""
    chosen = st.session_state[f"visibility-{collection.collection_id}"]
    workspace, actor = resources.workspace(), resources.actor()
    done(lambda: collections.set_visibility(workspace, collection.collection_id, chosen, actor=actor))


def delete(collection: TeachingCollection) -> None:
    """Take a collection off the list and offer to bring it back."""
    workspace, actor = resources.workspace(), resources.actor()
    if done(lambda: collections.delete(workspace, collection.collection_id, actor=actor)):
        words = text("collections.deleted", title=f"**{escaped(collection.title)}**")
        undo.offer(words, lambda: collections.undelete(workspace, collection.collection_id, actor=resources.actor()))
        leave()


def duplicate(collection: TeachingCollection) -> None:
    """Make a copy and open it."""
    title = text("collections.copy_of", title=collection.title)[:120]
    try:
        enter(
            collections.duplicate(
                resources.workspace(), collection.collection_id, title, actor=resources.actor()
            ).collection_id
        )
    except CasebindError as error:
        st.session_state[MESSAGE] = (False, escaped(spoken(error)))


def move(collection: TeachingCollection, study_id: str, by: int) -> None:
    """Move a case by one place; it stays the open one."""
    select(study_id)
    done(
        lambda: collections.move(resources.workspace(), collection.collection_id, study_id, by, actor=resources.actor())
    )


def remove(collection: TeachingCollection, items: list[CollectionCase], index: int) -> None:
    """Take a case out, offer to bring it back, and open the one that takes its place."""
    workspace, actor, study_id = resources.workspace(), resources.actor(), items[index].study_id
    if done(lambda: collections.remove(workspace, collection.collection_id, study_id, actor=actor)):
        words = text("collections.removed", title=f"**{escaped(collection.title)}**")
        which, who = collection.collection_id, resources.actor
        undo.offer(words, lambda: collections.restore(workspace, which, study_id, actor=who()))
        left = [item.study_id for item in items if item.study_id != study_id]
        if left:
            select(left[min(index, len(left) - 1)])


def add(collection: TeachingCollection) -> None:
    """Add the case whose id is typed."""
    study_id = st.session_state["add-id"].strip()
    new: list[bool] = []
    workspace, actor = resources.workspace(), resources.actor()
    if done(lambda: new.append(collections.add(workspace, collection.collection_id, study_id, actor=actor))):
        st.session_state[MESSAGE] = (True, text("collections.add_done" if new[0] else "collections.add_there"))
        st.session_state["add-id"] = ""
        select(study_id)
