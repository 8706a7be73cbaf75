"""What the page of the inbox asks of the engine, and what came of it."""

from __future__ import annotations

import streamlit as st

from engine.hospital import inbox_acts
from engine.hospital.inbox_acts import InboxState
from engine.intake.burned_in_choice import Choice
from engine.strings import several
from pages.shared import resources, session

ERROR, SAID = "inbox-error", "inbox-said-words"


def inbox() -> InboxState:
    """Return how the inbox stands."""
    return inbox_acts.inbox_state(resources.workspace(), actor=resources.actor())


def again(burned_in: Choice | None) -> None:
    """Have objects taken up again: films with text after what was chosen, or those that were refused."""

    def act() -> None:
        n = inbox_acts.again(resources.workspace(), burned_in=burned_in, actor=resources.actor())
        st.session_state[SAID] = several(n, "inbox.left_out" if burned_in == "refuse" else "inbox.wait_again")

    session.attempt(ERROR, act)


def draw_said() -> None:
    """Draw what came of the last press, once."""
    if said := st.session_state.pop(SAID, ""):
        st.success(said, icon=":material/check:")
