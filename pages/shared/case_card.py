"""One result card: what it is, how near, who labelled it, where it is from; buttons to open, explain and rate."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.retrieval import wording
from engine.retrieval.answer import Neighbour
from engine.store.records import MARKS
from engine.strings import text
from pages.shared import content
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


def draw_case_card(
    neighbour: Neighbour,
    mark: str | None,
    *,
    on_open: Callable[..., None],
    on_rate: Callable[..., None],
    first: bool = False,
    row: str = "",
    relevance: bool = True,
    explainable: bool = True,
    note: str = "",
) -> None:
    """Draw the card.

    mark        : the stored one, or None
    on_open     : called with (study_id, explained); the first card opens by key too
    on_rate     : called with (neighbour, mark)
    row         : part of the keys, so that one case may stand in two rows
    explainable : whether there is something to explain; relevance and note as in `facts`
    """
    st.markdown(head(neighbour))
    prefix = text("card.case", rank=neighbour.rank)
    content.draw_thumbnail(neighbour.study_id, neighbour.modality, prefix)
    st.markdown(facts(neighbour, relevance, note))
    with st.container(horizontal=True, gap="small"):
        for action, explained in (("open", False), ("why", True))[: 1 + explainable]:
            st.button(
                text(f"card.{action}"),
                key=f"{action}-{row}{neighbour.study_id}",
                help=text(f"card.{action}_help", rank=neighbour.rank),
                on_click=on_open,
                args=(neighbour.study_id, explained),
                shortcut=KEYS["open"] if first and not explained else None,
            )
    _rating(neighbour, mark, on_rate, row)


def _rating(neighbour: Neighbour, mark: str | None, on_rate: Callable[..., None], row: str) -> None:
    """Draw the three marks; the stored one is chosen, and the word "Saved" appears only when it is stored."""
    key = f"mark-{row}{neighbour.study_id}"
    if key not in st.session_state or st.session_state.get(f"{key}-known") != mark:  # rated in another row, or undone
        st.session_state[key] = st.session_state[f"{key}-known"] = mark
    st.segmented_control(
        text("card.rate", rank=neighbour.rank),
        MARKS,
        format_func=lambda name: text(f"mark.{name}"),
        key=key,
        label_visibility="collapsed",
        on_change=lambda: on_rate(neighbour, st.session_state[key]),
    )
    if mark:
        st.markdown(f":small[:material/check: {text('card.saved_line', mark=text(f'mark.{mark}'))}]")
