"""The results: per kind a grid of cards, or a plain word that nothing is close."""

from __future__ import annotations

import streamlit as st

from engine.answer import Answer, Neighbour
from pages.search import state
from pages.shared import case_card, export
from pages.shared.markdown import plain
from pages.shared.strings import several, text

FIRST = 4  # cards per kind before "show more": one row on a wide screen
CARD_PX = 262  # narrowest card: its three marks fit one line
STAGES = ("read", "quality", "encode", "search")


def draw(found: Answer, settings: state.Settings) -> None:
    """Draw what is applied, then the cards of each kind."""
    st.markdown(found.filters_sentence or text("controls.sentence_none"))
    if found.missing:
        st.warning(_missing(found.missing), icon=":material/cloud_off:")
    marks = state.marks(found.query_id)
    for modality in settings.into:
        of_kind = [one for one in found.neighbours if one.modality == modality]
        _kind(found, modality, of_kind, marks, settings)
    export.draw(found)
    st.markdown(f":small[{timing(found)} · {_version(found)}]")


def _kind(
    found: Answer, modality: str, of_kind: list[Neighbour], marks: dict[str, str], settings: state.Settings
) -> None:
    """Draw one kind's heading and its cards, or why there are none."""
    st.subheader(f"{text(f'icon.{modality}')} {text(f'modality.{modality}')}", anchor=False)
    if not of_kind:
        st.markdown(_nothing(found, modality, settings))
    elif found.nothing_close.get(modality):
        words = text("search.nothing_close_text", modality=text(f"modality_plain.{modality}"))
        st.info(f"**{text('search.nothing_close')}.** {words}", icon=":material/search_off:")
        with st.expander(_nearest(len(of_kind), modality)):
            _cards(found, of_kind, marks)
    else:
        _cards(found, _shown(modality, of_kind), marks)
        _more(modality, len(of_kind))


def _missing(sites: tuple[str, ...]) -> str:
    """Say which sites did not answer in time."""
    return several(len(sites), "search.missing", sites=plain(text("search.missing_and").join(sites)))


def _nothing(found: Answer, modality: str, settings: state.Settings) -> str:
    """Say why a kind has no card at all: the radius, or the filters."""
    name = text(f"modality_plain.{modality}")
    if settings.at is not None:
        return text("search.nothing_within", modality=name, at=text(f"controls.{settings.at}"))
    if found.missing:
        return text("search.nothing_answered", modality=name)
    return text("search.nothing_permitted" if found.filters_sentence else "search.nothing_there", modality=name)


def _nearest(n: int, modality: str) -> str:
    named = "modality_plain" if n == 1 else "modality_plains"
    return several(n, "search.nothing_close_show", modality=text(f"{named}.{modality}"))


def _shown(modality: str, of_kind: list[Neighbour]) -> list[Neighbour]:
    return of_kind if st.session_state.get(f"all-{modality}") else of_kind[:FIRST]


def _more(modality: str, n: int) -> None:
    """Draw the button that shows the rest of a kind."""
    if n > FIRST and not st.session_state.get(f"all-{modality}"):
        words = text("search.more", n=n - FIRST, modality=text(f"modality_plains.{modality}"))
        st.button(words, key=f"more-{modality}", on_click=_show_all, args=(modality,), type="tertiary")


def _show_all(modality: str) -> None:
    st.session_state[f"all-{modality}"] = True


def _cards(found: Answer, shown: list[Neighbour], marks: dict[str, str]) -> None:
    grid = st.grid(min_column_width=CARD_PX, border=True)
    for neighbour in shown:
        with grid.cell():
            case_card.draw(
                neighbour,
                marks.get(neighbour.study_id),
                open_=state.open_case,
                rate=lambda one, mark: state.rate(found, one.study_id, mark),
                first=neighbour is found.neighbours[0],
            )


def timing(found: Answer) -> str:
    """Return the time by stage, e.g. "612 ms in all: reading 4, quality 210, …"."""
    stages = [
        text("search.stage", name=text(f"search.timing_{name}"), ms=found.timing_ms[name])
        for name in STAGES
        if found.timing_ms.get(name, 0) > 0
    ]
    return text("search.timing", total=found.timing_ms["total"], stages=", ".join(stages))


def _version(found: Answer) -> str:
    return plain(text("search.answer_line", release=found.release, bits=found.bits, audit=found.audit_id))
