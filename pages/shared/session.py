"""Who is here, as the screens where people rate and promote know it, and what went wrong with their last press.

Where nobody signs in, the name is typed once: it stands in the URL as `?who=`, and in the session for the screens that
are opened next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import streamlit as st

from engine.actor import Actor
from engine.errors import CasebindError
from engine.store.ratings import MAX_NAME
from engine.strings import text
from pages.shared import signed_in
from pages.shared.markdown import said
from pages.shared.resources import actor

WHO = "who"  # in the URL and in the session


def rater() -> Actor:
    """Return who rates or promotes: who signed in, else by the name that was given; "" until it was given."""
    if signed_in.session() is not None:
        return actor()
    name = " ".join(str(st.query_params.get(WHO) or st.session_state.get(WHO, "")).split())
    return replace(actor(), name=name)


def reader() -> Actor:
    """Return who looks at something: the rater, or the single user until a name was given."""
    named = rater()
    return named if named.name else actor()


def draw_name(
    field: str, label: str, *, help_words: str | None = None, width: int | Literal["stretch"] = "stretch"
) -> None:
    """Draw the text field, of this key, for the name of whoever rates or promotes; nothing where people sign in."""
    if signed_in.session() is None:
        st.text_input(
            label,
            value=rater().name,
            key=field,
            max_chars=MAX_NAME,
            on_change=_rename,
            args=(field,),
            help=help_words,
            placeholder=text("review.who_example"),
            width=width,
        )


def _rename(field: str) -> None:
    """Take the name typed into the text field of this key."""
    typed = " ".join(st.session_state[field].split())
    st.session_state[WHO] = typed
    if typed:
        st.query_params[WHO] = typed
    else:
        st.query_params.pop(WHO, None)


def attempt(error_key: str, action: Callable[[], object]) -> bool:
    """Do what a press asks for; return whether it went well. The sentence of a failure waits for `show_error`."""
    try:
        action()
    except CasebindError as problem:
        st.session_state[error_key] = said(problem)
        return False
    return True


def show_error(error_key: str) -> None:
    """Draw once what went wrong with the last press."""
    words = st.session_state.pop(error_key, "")
    if words:
        st.error(words, icon=":material/error:")
