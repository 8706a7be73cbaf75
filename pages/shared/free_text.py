"""What may tell who somebody is in words that are about to be stored: shown, and replaced unless the person keeps it.

A page draws a box of words that are stored by `draw_box`, and stores `settled(key, words)` in the place of words.
Where the passages have to stand elsewhere than below the box, it draws them by `draw(key, words)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from engine.intake.free_text import Passage, found_in, replaced
from engine.strings import several, text
from pages.shared.markdown import escaped

Store = Callable[[], None]


def settled(key: str, words: str) -> str:
    """Return words as they are stored: every passage replaced but for those that were kept below this box."""
    kept = _kept(key)
    return replaced(words, [one for one in _found(words) if words[one.start : one.end] not in kept])


def draw_box(box: Any, label: str, key: str, on_choice: Store | None = None, **options: Any) -> str:
    """Draw a box (st.text_input or st.text_area) of words that are stored, its passages below; return what is in it."""
    words: str = box(label, key=key, **options)
    draw(key, words, on_choice)
    return words


def draw(key: str, words: str, on_choice: Store | None = None) -> None:
    """Draw the passages of words in their place, each with its choice; nothing where there are none.

    on_choice : called when a choice has changed, where the words are stored already
    """
    found = _found(words)
    if not found:
        return
    names = list(dict.fromkeys(words[one.start : one.end] for one in found))
    kinds = {words[one.start : one.end]: one.kind for one in reversed(found)}
    widget, kept = f"free-text-{key}-{abs(hash(words))}", _kept(key)
    with st.container(border=True, key=f"free-text-{key}"):
        st.markdown(f":material/person_alert: {several(len(found), 'free_text.found')}  \n{_highlighted(words, found)}")
        st.pills(
            text("free_text.replace"),
            names,
            selection_mode="multi",
            default=[one for one in names if one not in kept],
            format_func=lambda one: f"{escaped(one)} → \\[{kinds[one]}\\]",
            key=widget,
            help=text("free_text.help"),
            on_change=_choose,
            args=(key, names, widget, on_choice),
        )
        with st.container(horizontal=True, gap="small"):
            for name, chosen in (("replace_all", names), ("keep_all", [])):
                st.button(
                    text(f"free_text.{name}"),
                    key=f"{widget}-{name}",
                    type="tertiary",
                    on_click=_choose_all,
                    args=(key, names, chosen, widget, on_choice),
                )


def _choose(key: str, names: list[str], widget: str, on_choice: Store | None) -> None:
    _keep(key, names, st.session_state[widget], on_choice)


def _choose_all(key: str, names: list[str], chosen: list[str], widget: str, on_choice: Store | None) -> None:
    st.session_state[widget] = chosen
    _keep(key, names, chosen, on_choice)


def _keep(key: str, names: list[str], chosen: list[str], on_choice: Store | None) -> None:
    st.session_state[f"free-text-kept-{key}"] = (_kept(key) - set(names)) | (set(names) - set(chosen))
    if on_choice is not None:
        on_choice()


def _kept(key: str) -> frozenset[str]:
    """Return the passages that the person keeps in words of this box."""
    return frozenset(st.session_state.get(f"free-text-kept-{key}", ()))


@lru_cache(maxsize=64)
def _found(words: str) -> tuple[Passage, ...]:
    return found_in(words)


def _highlighted(words: str, found: tuple[Passage, ...]) -> str:
    """Return words as Markdown with the passages marked."""
    parts, at = [], 0
    for one in found:
        parts += [escaped(words[at : one.start]), f":orange-background[{escaped(words[one.start : one.end])}]"]
        at = one.end
    return " ".join(part for part in (*parts, escaped(words[at:])) if part)
