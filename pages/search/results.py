"""The results: per kind a grid of cards, or a plain word that nothing is close."""

from __future__ import annotations

import streamlit as st

from engine.retrieval.answer import Answer, Neighbour
from engine.retrieval.counterexamples import Counters, Meant
from pages.shared import case_card, export, query_state, result_view
from pages.shared.keys import KEYS
from pages.shared.markdown import plain
from pages.shared.strings import several, text

FIRST = 4  # cards per kind before "show more": one row on a wide screen
CARD_PX = 262  # narrowest card: its three marks fit one line
STAGES = ("read", "quality", "encode", "search")


@st.fragment
def draw(found: Answer, settings: query_state.Options) -> None:
    """Draw the cards of each kind; a mark, a tick or "show more" draws these again and nothing else."""
    if st.session_state.pop("leave", False):
        st.rerun(scope="app")  # a case was opened, or another query asked
    if problem := query_state.said():
        st.error(problem, icon=":material/error:")
    if found.missing:
        st.warning(_missing(found.missing), icon=":material/cloud_off:")
    _actions(found, settings)
    other = _counters(found, settings) if result_view.counter_wanted() else None
    marks = query_state.marks(found.query_id)
    for modality in settings.into:
        of_kind = [one for one in found.neighbours if one.modality == modality]
        _kind(found, modality, of_kind, marks, settings)
        if other is not None:
            _otherwise(found, other, modality, marks)
    export.draw(found)
    st.markdown(f":small[{timing(found)} · {_version(found)}]")


def _actions(found: Answer, settings: query_state.Options) -> None:
    """Draw what can be asked next of these results."""
    ids = result_view.chosen()
    with st.container(horizontal=True, vertical_alignment="center", key="next-questions"):
        shown = result_view.counter_wanted()
        st.button(
            text("counter.hide" if shown else "counter.show"),
            key="counter",
            icon=":material/contrast:",
            shortcut=KEYS["counter"],
            on_click=result_view.toggle_counter,
        )
        if ids:
            st.button(
                several(len(ids), "like.go"),
                key="like",
                icon=":material/join_inner:",
                shortcut=KEYS["like"],
                type="primary",
                on_click=_like,
                args=(ids, found.query_id, settings),
            )
            st.button(text("like.clear"), key="like-none", type="tertiary", on_click=result_view.choose_none)


def _like(ids: list[str], beside: str, settings: query_state.Options) -> None:
    query_state.ask_like(ids, beside, settings)
    st.session_state["leave"] = True


def _open(study_id: str, why: bool = False) -> None:
    query_state.open_case(study_id, why)
    st.session_state["leave"] = True


def _counters(found: Answer, settings: query_state.Options) -> Counters | None:
    """Say what the cases labelled otherwise differ from; return them, or None where there is nothing to differ from."""
    other = result_view.counters(found, settings)
    if other.answer is None:
        st.info(text("counter.nothing"), icon=":material/contrast:")
        return None
    meant = other.meant
    labels = text("counter.and").join(meant.labels)
    words = text(f"counter.{meant.basis}", names=_named(meant), labels=labels, votes=meant.votes, of=meant.of)
    st.info(plain(words), icon=":material/contrast:")
    return other


def _named(meant: Meant) -> str:
    return text("counter.and").join(f"“{name}”" for name in meant.names)


def _otherwise(found: Answer, other: Counters, modality: str, marks: dict[str, str]) -> None:
    """Draw one kind's cases labelled otherwise, each with what it is not labelled as."""
    of_kind = [one for one in other.answer.neighbours if one.modality == modality]
    with st.container(border=True, key=f"otherwise-{modality}"):
        title = text("counter.heading", modality=text(f"modality.{modality}"))
        st.markdown(f"#### :material/contrast: {title}")
        if of_kind:
            _cards(found, of_kind, marks, row="otherwise-", note=text("counter.not_as", names=_named(other.meant)))
        else:
            st.markdown(text("counter.none", modality=text(f"modality_plain.{modality}")))


def _kind(
    found: Answer, modality: str, of_kind: list[Neighbour], marks: dict[str, str], settings: query_state.Options
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


def _nothing(found: Answer, modality: str, settings: query_state.Options) -> str:
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
    return of_kind if result_view.shows_all(modality) else of_kind[:FIRST]


def _more(modality: str, n: int) -> None:
    """Draw the button that shows the rest of a kind."""
    if n > FIRST and not result_view.shows_all(modality):
        words = text("search.more", n=n - FIRST, modality=text(f"modality_plains.{modality}"))
        st.button(words, key=f"more-{modality}", on_click=result_view.show_all, args=(modality,), type="tertiary")


def _cards(found: Answer, shown: list[Neighbour], marks: dict[str, str], row: str = "", note: str = "") -> None:
    """Draw cards; `row` tells the keys of a second row apart, whose cases cannot be ticked twice."""
    grid, ids = st.grid(min_column_width=CARD_PX, border=True), result_view.chosen()
    mean = bool(found.study.facts.get("like"))
    for neighbour in shown:
        with grid.cell():
            case_card.draw(
                neighbour,
                marks.get(neighbour.study_id),
                open_=_open,
                rate=lambda one, mark: query_state.rate(found, one.study_id, mark),
                first=not row and neighbour is found.neighbours[0],
                row=row,
                relevance=not mean and not row,
                why=not mean,
                note=note,
            )
            if not row:
                _tick(neighbour, ids)


def _tick(neighbour: Neighbour, ids: list[str]) -> None:
    """Draw the button that chooses a case for "more like these"; keys would rest while a tick box has the focus."""
    name = "chosen" if neighbour.study_id in ids else "choose"
    st.button(
        text(f"like.{name}"),
        key=f"choose-{neighbour.study_id}",
        type="tertiary",
        icon=f":material/{'check_box' if name == 'chosen' else 'check_box_outline_blank'}:",
        help=text(f"like.{name}_help", rank=neighbour.rank),
        on_click=result_view.choose,
        args=(neighbour.study_id, name == "choose"),
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
