"""What a release would change for the last ten queries: neighbours before and after, side by side."""

from __future__ import annotations

import streamlit as st

from engine.learning.preview import QUERIES, PreviewNeighbour, QueryChange
from engine.learning.timeline import TimelineEntry
from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.sentences import spoken
from engine.strings import text
from pages.releases import state
from pages.shared.case_card import synthetic_badge
from pages.shared.content import shortened
from pages.shared.markdown import escaped
from pages.shared.resources import actor

MAX_QUERY_LENGTH = 60  # letters of a query's words in the list
ICONS = {"kept": "check", "new": "add", "gone": "remove"}
COLOURS = {"kept": "gray", "new": "green", "gone": "orange"}  # beside sign and word


def draw_changes(entry: TimelineEntry, serving: TimelineEntry) -> None:
    """Draw the switch that asks for it, then one query of the last ten."""
    if entry.release is None:
        return
    st.subheader(text("releases.changes"), anchor=False)
    st.markdown(text("releases.changes_note", n=QUERIES, name=escaped(entry.name)))
    if not st.toggle(text("releases.changes_show"), key="changes-show"):
        return
    with st.spinner(text("releases.changes_making"), show_time=True):
        found = state.release_changes(entry.release, actor().name)
    if not found:
        st.markdown(text("releases.changes_none"))
        return
    chosen = st.selectbox(
        text("releases.changes_query"), range(len(found)), format_func=lambda at: _named(found[at]), key="changes-query"
    )
    _pair(found[chosen], serving.name, entry.name)


def _named(change: QueryChange) -> str:
    return text(
        "releases.changes_line",
        said=shortened(spoken(change.description), MAX_QUERY_LENGTH),
        kept=change.unchanged_count,
        total=change.total,
        day=f"{change.created_at:%Y-%m-%d %H:%M}" if change.created_at else "",
    )


def _pair(change: QueryChange, before: str, after: str) -> None:
    """Draw both sides of one query, a row per modality."""
    for modality in MODALITIES:
        if not change.before[modality] and not change.after[modality]:
            continue
        st.markdown(f"**{text(f'icon.{modality}')} {text(f'modality.{modality}')}**")
        with st.container(key=f"beside-facts-{modality}"):
            left, right = st.columns(2, gap="medium", border=True)
        left.markdown(
            f"{text('releases.changes_before', name=escaped(before))}\n\n{_list(change.before[modality], 'then')}"
        )
        right.markdown(
            f"{text('releases.changes_after', name=escaped(after))}\n\n{_list(change.after[modality], 'was')}"
        )


def _list(neighbours: tuple[PreviewNeighbour, ...], other: str) -> str:
    return "\n".join(_near(one, other) for one in neighbours)


def _near(neighbour: PreviewNeighbour, other: str) -> str:
    """Return one neighbour as an entry of a list: id, whether it is kept, new or gone, labels, how near.

    other : "then" or "was", how the place on the other side is spoken of
    """
    name = f"kept_{other}" if neighbour.fate == "kept" else neighbour.fate
    fate = text(f"releases.fate_{name}", rank=neighbour.other)
    badge = f":{COLOURS[neighbour.fate]}-badge[:material/{ICONS[neighbour.fate]}: {fate}]"
    labels = escaped(wording.labels(neighbour.labels))
    about = f"{labels}, {wording.closer_than(neighbour.further_share)}"
    name = f"**{escaped(neighbour.study_id)}** {badge}{synthetic_badge(neighbour.synthetic)}"
    return f"{neighbour.rank}. {name}  \n   :small[{about}]"
