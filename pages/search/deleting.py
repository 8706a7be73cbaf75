"""Deleting queries of one's own: what goes is said before it goes."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.retrieval.answer import Answer
from engine.strings import several, text
from engine.workspace import deletion
from pages.shared import query_state, resources, session
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

ERROR, ASKED, ALL = "deleting-error", "asks-to-delete", "all"
SAID = ("queries", "ratings", "annotations", "saved_searches")  # tables of which people know what stands in them


def draw_delete(query_ids: Sequence[str], name: str) -> None:
    """Draw, beside a query of the history, what deletes it and those that read the same."""
    label = text("searches.delete_named", name=escaped(name))
    _draw_button(label, f"forget-{query_ids[0]}", ",".join(query_ids))


def draw_delete_all() -> None:
    """Draw what deletes every query of this person; the question, and what went wrong, where something was asked."""
    _draw_button(text("searches.delete_all"), "forget-all", ALL)
    draw_asked()


def draw_delete_shown(answer: Answer) -> None:
    """Draw, below an answer, what deletes its query; nothing where it is a study, or somebody else's."""
    if deletion.is_own(resources.workspace(), answer.query_id, actor=resources.actor()):
        _draw_button(text("searches.delete_query"), "delete-query", answer.query_id, KEYS["delete"])
        draw_asked()


def draw_asked() -> None:
    """Draw the question that waits for an answer."""
    session.show_error(ERROR)
    if asked := st.session_state.get(ASKED):
        _dialog(asked)


def _draw_button(label: str, key: str, asked: str, shortcut: str | None = None) -> None:
    st.button(
        label, key=key, icon=":material/delete:", type="tertiary", shortcut=shortcut, on_click=_ask, args=(asked,)
    )


def _ask(asked: str) -> None:
    st.session_state[ASKED] = asked


def _close() -> None:
    st.session_state.pop(ASKED, None)


def _dialog(asked: str) -> None:
    """Draw the question in the reader's language."""

    @st.dialog(text("searches.delete_title"), on_dismiss=_close)
    def question() -> None:
        place, actor = resources.workspace(), resources.actor()
        query_ids = deletion.own_queries(place, actor=actor) if asked == ALL else asked.split(",")
        counted = deletion.what_hangs_on(place, query_ids, SAID)
        parts = [several(counted[table], f"searches.part_{table}") for table in SAID if counted.get(table)]
        alone = not (counted.get("ratings") or counted.get("annotations"))
        said = text("searches.goes_alone" if alone else "searches.goes", parts=", ".join(parts))
        st.markdown(f"{said} {text('searches.final')}")
        label = text("searches.delete_go")
        st.button(label, key="forget-go", type="primary", on_click=_delete, args=(query_ids,))

    question()


def _delete(query_ids: list[str]) -> None:
    """Delete them; the first screen is drawn where one of them was shown."""
    _close()
    place, actor = resources.workspace(), resources.actor()
    session.attempt(ERROR, lambda: deletion.delete_queries(place, query_ids, actor=actor))
    if st.query_params.get(query_state.QUERY) in query_ids:
        query_state.forget()
