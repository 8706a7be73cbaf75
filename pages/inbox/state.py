"""What the page of the inbox asks of the engine, and what came of it."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError
from engine.hospital import inbox_acts, waiting_films
from engine.hospital.inbox_acts import InboxState
from engine.hospital.waiting_films import WaitingFilm
from engine.intake.burned_in_choice import Choice
from engine.sentences import spoken
from engine.store.arrivals import Arrival
from engine.strings import several
from pages.shared import resources, session
from pages.shared.markdown import escaped

ERROR, SAID = "inbox-error", "inbox-said-words"
NOTED = "inbox-noted"  # patients of whom it is on record that they were read here
PLACE, FILM = "inbox-place", "inbox-film"  # the film that is looked at: its place, and what was read of it


def inbox() -> InboxState:
    """Return how the inbox stands."""
    noted: set[str] = st.session_state.setdefault(NOTED, set())
    found = inbox_acts.inbox_state(resources.workspace(), actor=resources.actor(), noted=noted)
    noted.update(one.patient_id for one in found.newest if one.patient_id)
    return found


def films() -> list[Arrival]:
    """Return the films that wait for somebody to look."""
    return waiting_films.films_that_wait(resources.workspace(), actor=resources.actor())


def place(n: int) -> int:
    """Return which of so many films is looked at."""
    st.session_state[PLACE] = min(max(0, st.session_state.get(PLACE, 0)), n - 1)
    return int(st.session_state[PLACE])


def step(by: int) -> None:
    """Look at the next film, or the one before."""
    st.session_state[PLACE] = st.session_state.get(PLACE, 0) + by


def film(one: Arrival) -> WaitingFilm | str:
    """Return a film that waits, read once while it is looked at; the sentence that says why not."""
    key, shown = st.session_state.get(FILM, (None, ""))
    if key != (one.object, one.digest):
        try:
            shown = waiting_films.waiting_film(resources.workspace(), one, actor=resources.actor())
        except CasebindError as error:
            shown = escaped(spoken(error))
        st.session_state[FILM] = (one.object, one.digest), shown
    return shown


def again(burned_in: Choice | None, only: Arrival | None = None) -> None:
    """Have objects taken up again: films after what was chosen, one or all, or those that were refused."""

    def act() -> None:
        n = inbox_acts.again(resources.workspace(), burned_in=burned_in, only=only, actor=resources.actor())
        st.session_state[SAID] = several(n, "inbox.left_out" if burned_in == "refuse" else "inbox.wait_again")

    session.attempt(ERROR, act)


def draw_said() -> None:
    """Draw what came of the last press, once."""
    if said := st.session_state.pop(SAID, ""):
        st.success(said, icon=":material/check:")
