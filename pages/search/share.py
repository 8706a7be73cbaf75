"""The link to a query: whoever opens it on this server sees the query with these settings."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st

from engine.retrieval.answer import Answer
from engine.store import queries
from engine.strings import text
from engine.workspace import sharing
from pages.shared import query_state, resources
from pages.shared.link import link
from pages.shared.session import attempt, show_error

ERROR = "sharing-error"


def draw_share(answer: Answer) -> None:
    """Draw what opens the link to an answer, and what its reader will see; or why there is none."""
    with st.popover(text("sharing.share"), icon=":material/share:", key="share-link"):
        if not answer.verdict.accepted:
            st.markdown(text("sharing.refused"))
            return
        if resources.actor().roles and not _is_open(answer.query_id):
            return
        view = query_state.url(query_state.CASE, "choose")
        st.code(link("", **view), language=None, wrap_lines=True)
        st.markdown(text("sharing.words" if answer.typed is not None else "sharing.recording"))
        if _is_local(st.context.url or ""):
            st.markdown(f":material/desktop_windows: {text('sharing.local')}")


def _is_open(query_id: str) -> bool:
    """Return whether others may open a query; draw for whoever asked it what lets them, or what ends it."""
    place, person = resources.workspace(), resources.actor()
    owner, shared = queries.owner_of(place.database, query_id), queries.is_shared(place.database, query_id)
    if owner != person.name:
        return True  # a study of the collection is nobody's, and what another shares is open to whoever sees it
    if not shared:
        st.markdown(text("sharing.closed"))
    st.button(
        text("sharing.end" if shared else "sharing.begin"),
        key="share-begin",
        icon=f":material/{'visibility_off' if shared else 'group_add'}:",
        on_click=_set_shared,
        args=(query_id, not shared),
    )
    show_error(ERROR)
    return shared


def _set_shared(query_id: str, shared: bool) -> None:
    """Let others open a query, or no longer."""
    act = sharing.share if shared else sharing.end_sharing
    attempt(ERROR, lambda: act(resources.workspace(), query_id, actor=resources.actor()))


def _is_local(address: str) -> bool:
    """Return whether an address names the computer on which it is opened."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
