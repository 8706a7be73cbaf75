"""The question about a film that seems to carry text: shown with its boxes; nothing is stored before the answer."""

from __future__ import annotations

import streamlit as st

from engine.drawing.film import grey8
from engine.intake.burned_in_choice import CHOICES
from engine.strings import several, text
from pages.shared import film, frame, query_state

ICONS = {"black-out": ":material/ink_eraser:", "keep": ":material/check:", "refuse": ":material/close:"}


def draw_question(waiting: query_state.Flagged) -> None:
    """Draw the film with its boxes, and one button for each choice."""
    n = len(waiting.boxes)
    title = several(n, "burned_in.title") if n else text("burned_in.title_said")
    frame.describe(title, screen="search", announcement=title)
    picture, words = st.columns([3, 2], gap="large")
    with picture:
        pixels = grey8(waiting.study.film, film.SHOWN_PX)
        for box in waiting.boxes:
            pixels = film.boxed(pixels, box)
        st.image(film.png(pixels), width="stretch", alt=several(n, "burned_in.alt") if n else title)
    with words, st.container(key="burned-in"):
        st.title(title, anchor=False)
        st.markdown(text("burned_in.lead" if n else "burned_in.lead_said"))
        if query_state.error():
            st.error(query_state.error(), icon=":material/error:")
        for choice in CHOICES if n else CHOICES[1:]:
            name = f"burned_in.{choice.replace('-', '_')}"
            st.button(
                text(name),
                key=f"text-{choice}",
                icon=ICONS[choice],
                type="primary" if choice == CHOICES[0] else "secondary",
                width="stretch",
                on_click=query_state.choose,
                args=(choice,),
            )
            st.markdown(f":small[{text(f'{name}_help')}]")
        st.markdown(f":small[{text('burned_in.missed')}]")
