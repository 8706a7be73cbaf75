"""Films that wait for somebody to look: one picture at a time, what may be done about it, and about all of them."""

from __future__ import annotations

import streamlit as st

from engine.drawing.film import grey8
from engine.hospital.waiting_films import WaitingFilm
from engine.intake.burned_in_choice import Choice
from engine.store.arrivals import Arrival
from engine.strings import several, text
from pages.inbox import state
from pages.shared import film
from pages.shared.keys import SCREENS

KEYS = SCREENS["inbox"]
CHOICES: dict[Choice, str] = {"black-out": "ink_eraser", "keep": "visibility", "refuse": "block"}


def draw_waiting(films: list[Arrival]) -> None:
    """Draw the film that is looked at beside what may be done about it; nothing where none waits."""
    if not films:
        return
    index = state.place(len(films))
    with st.container(border=True, key="inbox-waiting"):
        st.markdown(several(len(films), "inbox.text"))
        picture, choices = st.columns([3, 2], gap="large")
        with picture:
            shown = _picture(films[index])
        with choices, st.container(key="inbox-choices"):
            _steps(index, len(films))
            _choices(films[index], shown)
            if len(films) > 1:
                _for_all(len(films))


def _picture(one: Arrival) -> WaitingFilm | None:
    """Draw a film with the places that seem to carry text; return it, None where it cannot be shown."""
    with st.spinner(text("inbox.opening")):
        shown = state.film(one)
    if isinstance(shown, str):
        st.warning(shown, icon=":material/error:")
        return None
    pixels, boxes = grey8(shown.study.film, film.SHOWN_PX), shown.boxes or ()
    for box in boxes:
        pixels = film.boxed(pixels, box)
    n = len(boxes)
    st.image(film.png(pixels), width="stretch", alt=several(n, "burned_in.alt") if n else text("inbox.film"))
    return shown


def _steps(index: int, n: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for action, step in (("film_previous", -1), ("film_next", 1)):
            st.button(
                text(f"inbox.{action}"),
                key=f"inbox-{action}",
                shortcut=KEYS[action],
                disabled=not 0 <= index + step < n,
                on_click=state.step,
                args=(step,),
            )
        st.markdown(text("inbox.place", n=index + 1, total=n), width="content")


def _choices(one: Arrival, shown: WaitingFilm | None) -> None:
    """Draw what may be done about one film; text is blacked out where some was found alone."""
    if shown is not None:
        found = len(shown.boxes or ())
        looked = several(found, "inbox.found") if found else text("inbox.found_none")
        st.markdown(looked if shown.boxes is not None else text("inbox.not_looked"))
    possible = {"refuse": True, "keep": shown is not None, "black-out": shown is not None and bool(shown.boxes)}
    for choice, icon in CHOICES.items():
        name = choice.replace("-", "_")
        st.button(
            text(f"inbox.{name}"),
            key=f"inbox-{choice}",
            icon=f":material/{icon}:",
            shortcut=KEYS[f"text_{name}"],
            width="stretch",
            disabled=not possible[choice],
            on_click=state.again,
            args=(choice, one),
        )


def _for_all(n: int) -> None:
    """Draw what may be done about all films at once, for who has looked at every one."""
    with st.popover(several(n, "inbox.for_all"), key="inbox-for-all"):
        st.markdown(text("inbox.for_all_about"))
        for choice, icon in CHOICES.items():
            st.button(
                text(f"inbox.{choice.replace('-', '_')}"),
                key=f"inbox-all-{choice}",
                icon=f":material/{icon}:",
                on_click=state.again,
                args=(choice,),
            )
