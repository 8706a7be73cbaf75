"""Ratings from and for other sites: one file to take along, one to take in."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.errors import CasebindError
from engine.report.ratings_csv import TABLE, export_ratings
from engine.report.ratings_import import FATES, import_ratings
from engine.report.table_csv import dictionary
from engine.sentences import spoken
from engine.store.ratings import MAX_NAME
from engine.strings import several, text
from pages.review import state
from pages.shared import resources
from pages.shared.markdown import escaped
from pages.shared.session import reader

DONE = "share-done"


def draw_share() -> None:
    """Draw the screen."""
    state.draw_view_head("share.title")
    st.markdown(text("share.lead"))
    with st.container(key="beside"):
        left, right = st.columns(2, gap="large")
    with left:
        _export()
    with right:
        _import()
    with st.expander(text("share.columns")):
        rows = list(dictionary()[TABLE].items())
        st.table(pd.DataFrame(rows, columns=[text("share.column"), text("share.meaning")]), hide_index=True)


def _export() -> None:
    st.subheader(text("share.export"), anchor=False)
    st.markdown(text("share.export_lead"))
    embeddings = st.checkbox(text("share.embeddings"), key="share-embeddings", help=text("share.embeddings_help"))
    workspace, who = resources.workspace(), resources.actor_later(reader())
    st.download_button(
        text("share.export_do"),
        lambda: export_ratings(workspace, embeddings=embeddings, bom=True, actor=who()).data,
        "casebind-ratings.csv",
        "text/csv",
        icon=":material/download:",
        key="share-export",
        on_click="ignore",
    )


def _import() -> None:
    st.subheader(text("share.import"), anchor=False)
    st.markdown(text("share.import_lead"))
    turn = st.session_state.get("share-turn", 0)  # a new key empties the drop zone
    file = st.file_uploader(text("share.file"), type=["csv"], key=f"share-file-{turn}")
    site = st.text_input(text("share.site"), key="share-site", max_chars=MAX_NAME, help=text("share.site_help"))
    if st.button(
        text("share.import_do"), type="primary", icon=":material/upload:", key="share-import", disabled=file is None
    ):
        st.session_state[DONE] = _import_file(file.getvalue(), site) if file is not None else None
        st.session_state["share-turn"] = turn + 1
        st.rerun()
    _draw_result()


def _import_file(data: bytes, site: str) -> tuple[bool, list[str]]:
    """Import a file; return whether that went well, and what to say."""
    try:
        done = import_ratings(resources.workspace(), data, actor=reader(), site_name=site.strip())
    except CasebindError as error:
        return False, [escaped(spoken(error))]
    counted = [(getattr(done, fate), fate) for fate in FATES]
    return True, [several(n, f"share.{fate}") for n, fate in counted if n] or [text("share.nothing")]


def _draw_result() -> None:
    """Draw once what became of a file."""
    good, lines = st.session_state.pop(DONE, (True, []))
    if lines:
        (st.success if good else st.error)("  \n".join(lines), icon=":material/check:" if good else ":material/error:")
