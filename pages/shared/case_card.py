"""One result card: its picture, labels, what was counted and where it is from; buttons to open, choose and rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from engine.retrieval import wording
from engine.retrieval.answer import Neighbour
from engine.store.records import MARKS
from engine.strings import text
from pages.shared import collect, content
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped


def labels(neighbour: Neighbour) -> str:
    """Return the labels and who gave them, as Markdown."""
    source = wording.labelled_by(neighbour.labels, neighbour.label_source)
    return f"**{escaped(wording.labels(neighbour.labels))}**" + (f"  \n:small[{escaped(source)}]" if source else "")


def kind(neighbour: Neighbour) -> str:
    """Return icon and word of the modality."""
    return f"{text(f'icon.{neighbour.modality}')} {text(f'modality_one.{neighbour.modality}')}"


def facts(neighbour: Neighbour, relevance: bool = True, note: str = "") -> str:
    """Return the lines under the picture as Markdown, a note after the labels.

    relevance : whether the share of pairs this near that share a finding is said; it is of single recordings only
    """
    counted = wording.relevance(neighbour) if relevance else ""
    share = f"  \n:small[{counted}]" if counted else ""
    if neighbour.same_recording:
        share += f"  \n:orange-badge[:material/content_copy: {wording.copy_of_query(neighbour)}]"
    lines = [
        f"**{wording.distance(neighbour)}**  \n{wording.further(neighbour)}{share}",
        f"{text('card.labelled_as')} {labels(neighbour)}",
        *([escaped(note)] if note else []),
    ]
    about = [
        wording.person(neighbour.age, neighbour.sex, neighbour.view),
        wording.origin(neighbour.cohort, neighbour.licence),
        text("card.release", name=neighbour.release) if neighbour.release else "",
    ]
    lines.append("  \n".join(f":small[{escaped(line)}]" for line in about if line))
    return "\n\n".join(lines)


def synthetic_badge(is_synthetic: object) -> str:
    """Return the mark of a synthetic study as Markdown with a space before it; "" for a recording."""
    return f" :violet-badge[{text('card.synthetic')}]" if is_synthetic else ""


def head(neighbour: Neighbour) -> str:
    """Return rank, modality and the mark of a synthetic case as one line of Markdown."""
    return f"**{text('card.rank', rank=neighbour.rank)}** {kind(neighbour)}{synthetic_badge(neighbour.synthetic)}"


@dataclass(frozen=True)
class CardState:
    """How one card is drawn.

    mark        : the stored one, or None
    chosen      : whether it is ticked; None where it cannot be
    first       : the first card of a page opens by key too
    row         : part of the keys, so that one case may stand in two rows
    relevance   : as in `facts`
    explainable : whether there is something to explain
    note        : as in `facts`
    query_id    : beside which the case was found, for a collection that it is added to
    """

    mark: str | None = None
    chosen: bool | None = None
    first: bool = False
    row: str = ""
    relevance: bool = True
    explainable: bool = True
    note: str = ""
    query_id: str | None = None


@dataclass(frozen=True)
class CardActions:
    """What the buttons of a card do: each is called with the study's id, `open` with whether it is explained as well,
    `choose` with whether it is ticked now, `rate` with the mark or None.
    """

    open: Callable[[str, bool], None]
    choose: Callable[[str, bool], None]
    rate: Callable[[str, str | None], None]


def draw_case_card(neighbour: Neighbour, state: CardState, actions: CardActions) -> None:
    """Draw the card: the picture, its rank and labels, what was counted, one line of source, and the buttons.

    The buttons show under the pointer, on focus, or where there is no pointer; assets/style.css lays them out.
    """
    with st.container(key=f"card-{state.row}{neighbour.modality}-{neighbour.rank}", border=True, gap=None):
        content.draw_thumbnail(neighbour.study_id, neighbour.modality, text("card.case", rank=neighbour.rank))
        title = text("card.title", rank=neighbour.rank, labels=wording.labels(neighbour.labels))
        st.subheader(escaped(title), anchor=False)
        st.markdown(_lines(neighbour, state))
        with st.container(
            horizontal=True, vertical_alignment="center", gap=None, key=f"do-{state.row}{neighbour.study_id}"
        ):
            _buttons(neighbour, state, actions)
            _rating(neighbour, state, actions.rate)


def _lines(neighbour: Neighbour, state: CardState) -> str:
    """Return what was counted, what is to be known of the case here, and its source, as lines of Markdown."""
    counted = wording.relevance(neighbour) if state.relevance else ""
    lines = [escaped(state.note) or counted or wording.further(neighbour)]
    if neighbour.same_recording:
        lines.append(f":orange-badge[:material/content_copy: {wording.copy_of_query(neighbour)}]")
    if state.mark:
        lines.append(f":material/check: {text('card.saved_line', mark=text(f'mark.{state.mark}'))}")
    person = wording.person(neighbour.age, neighbour.sex, neighbour.view)
    source = " · ".join(part for part in (person, wording.origin(neighbour.cohort, neighbour.licence)) if part)
    lines.append(f"{synthetic_badge(neighbour.synthetic).strip()} {escaped(source)}".strip())
    return "\n\n".join(f":small[{line}]" for line in lines)


def _buttons(neighbour: Neighbour, state: CardState, actions: CardActions) -> None:
    """Draw the buttons; each has the rank in its name."""
    study_id, rank = neighbour.study_id, neighbour.rank
    for name, icon, explained in (("open", "open_in_full", False), ("why", "help", True))[: 1 + state.explainable]:
        st.button(
            text(f"card.{name}", rank=rank),
            key=f"{name}-{state.row}{study_id}",
            icon=f":material/{icon}:",
            type="tertiary",
            help=text(f"card.{name}_help", rank=rank),
            on_click=actions.open,
            args=(study_id, explained),
            shortcut=KEYS["open"] if state.first and not explained else None,
        )
    if state.chosen is not None:
        name = "chosen" if state.chosen else "choose"
        st.button(
            text(f"like.{name}", rank=rank),
            key=f"choose-{study_id}",
            type="primary" if state.chosen else "tertiary",
            icon=f":material/{'check_box' if state.chosen else 'check_box_outline_blank'}:",
            help=text(f"like.{name}_help", rank=rank),
            on_click=actions.choose,
            args=(study_id, not state.chosen),
        )
    if not state.row:
        label = text("card.collect", rank=rank)
        collect.draw_collect_many((study_id,), state.query_id, key=f"collect-{study_id}", label=label)


def _rating(neighbour: Neighbour, state: CardState, on_rate: Callable[[str, str | None], None]) -> None:
    """Draw the three marks; the stored one is chosen."""
    key = f"mark-{state.row}{neighbour.study_id}"
    known = f"{key}-known"
    if key not in st.session_state or st.session_state.get(known) != state.mark:  # rated in another row, or undone
        st.session_state[key] = st.session_state[known] = state.mark
    st.segmented_control(
        text("card.rate", rank=neighbour.rank),
        MARKS,
        format_func=lambda name: f"{text(f'icon.mark_{name}')} {text(f'mark.{name}')}",
        key=key,
        label_visibility="collapsed",
        on_change=lambda: on_rate(neighbour.study_id, st.session_state[key]),
    )
