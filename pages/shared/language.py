"""The language of this user: chosen once in this browser and kept in its cookie, else the browser's own.

A choice is an act: its row is written before the language changes. What the browser asks for by itself is none.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.strings import ENGLISH, LANGUAGES, ask_for_language, table, text
from pages.shared import resources
from pages.shared.session import attempt, show_error

COOKIE = "casebind_language"
STATE = "language"
FIELD, ERROR = "language-field", "language-error"
# Screen readers take their voice from the page's language; the cookie lasts a year and goes to this server alone.
SCRIPT = f"""
export default function ({{ data }}) {{
  document.documentElement.lang = data.language;
  if (data.keep) document.cookie = `{COOKIE}=${{data.language}}; Max-Age=31536000; Path=/; SameSite=Strict`;
}}
"""
_page = st.components.v2.component("casebind_page_language", js=SCRIPT)


def of_session() -> str:
    """Return the code of the language of the session that this thread works for; English outside of one."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    known = st.session_state.get(STATE)
    if known is None:
        known = st.session_state[STATE] = _preferred()
    return str(known)


def _preferred() -> str:
    """Return the language of the cookie, else the browser's, else English."""
    for code in (st.context.cookies.get(COOKIE), (st.context.locale or "")[:2].lower()):
        if code in LANGUAGES:
            return code
    return ENGLISH


def draw_choice() -> None:
    """Draw the choice of the language, and tell the browser which it is."""
    st.session_state[FIELD] = of_session()
    st.selectbox(
        text("language.choose"),
        LANGUAGES,
        key=FIELD,
        format_func=_name,
        label_visibility="collapsed",
        on_change=_choose,
        width=130,
    )
    show_error(ERROR)
    _page(key="page-language", data={"language": of_session(), "keep": bool(st.session_state.get("language-chosen"))})


def _name(code: str) -> str:
    return table(code)["language"]["name"] if code in LANGUAGES else code


def _choose() -> None:
    chosen = str(st.session_state[FIELD])
    # Streamlit hands on whatever a message says was chosen, before it looks whether that was offered.
    if chosen in LANGUAGES and attempt(ERROR, lambda: _record(chosen)):
        st.session_state[STATE] = chosen
        st.session_state["language-chosen"] = True


def _record(chosen: str) -> None:
    """Write the row of a choice; where no workspace is open there is no record yet, and nothing of anybody to see."""
    place = resources.opened()
    if place is not None:
        place.audit("language chosen", actor=resources.actor(), about={"language": chosen})


ask_for_language(of_session)
