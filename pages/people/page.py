"""People: accounts with roles and one-time links, who is signed in, and a trial of who may see what."""

from __future__ import annotations

import streamlit as st

from engine.strings import text
from pages.people import accounts, now, trial
from pages.shared import permitted, signed_in
from pages.shared.session import show_error

ERROR = accounts.ERROR


def draw() -> None:
    """Draw what the roles of whoever is here are for; without sign-in the trial alone."""
    st.title(text("people.title"), anchor=False)
    show_error(ERROR)
    people = signed_in.people()
    if people is None:
        st.info(text("people.off"), icon=":material/info:")
    else:
        accounts.draw_accounts(people)
        if permitted.may("people"):
            accounts.draw_changes(people)
        now.draw_sessions(people)
    trial.draw_trial()


draw()
