"""The transparency report of the release that answers: made on request, and given as a file."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.audit.key import key_path, signing_key
from engine.errors import UsageError
from engine.strings import several, text
from engine.transparency.make import FORMATS, as_file, file_name, made
from pages.shared import resources
from pages.shared.markdown import escaped

MADE = "transparency-report"
MIME = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}
SHOWN_OF_KEY = 12  # hex digits


def draw_transparency() -> None:
    """Draw a button that makes the report, and its files once it is made of the release that answers now."""
    st.header(text("transparency.title"), anchor=False)
    st.markdown(text("transparency.lead"))
    release = resources.release()
    if st.button(text("transparency.make"), icon=":material/description:", key="make-transparency"):
        with st.spinner(text("transparency.making")):
            st.session_state[MADE] = _made()
    held = st.session_state.get(MADE)
    if held is None or held["digest"] != release.digest:
        return
    with st.container(horizontal=True, key="transparency-files"):
        for form in FORMATS:
            st.download_button(
                text(f"transparency.{form}"),
                held["files"][form],
                held["names"][form],
                MIME[form],
                key=f"transparency-{form}",
                on_click="ignore",
            )
    key = held["key"]
    said = [text("transparency.signed", key=escaped(key[:SHOWN_OF_KEY])) if key else text("transparency.unsigned")]
    if held["missing"]:
        said.append(several(held["missing"], "transparency.missing"))
    st.markdown(f":small[{' '.join(said)}]")


def _made() -> dict[str, Any]:
    """Make the report in every format; it is signed where whoever runs the server has the key of the audit here."""
    found = made(resources.release(), resources.workspace(), _key(), actor=resources.actor())
    return {
        "digest": found["release"]["digest"],
        "files": {form: as_file(found, form) for form in FORMATS},
        "names": {form: file_name(found, form) for form in FORMATS},
        "key": found["signature"]["key"],
        "missing": len(found["not_measured"]),
    }


def _key() -> Any:
    path = key_path()
    try:
        return signing_key(path) if path.is_file() else None
    except UsageError:
        return None  # a key that this server may not read signs nothing, and the page says so
