"""What a release would change for the last ten queries: neighbours before and after, side by side."""

from __future__ import annotations

import streamlit as st

from engine.learning.preview import QUERIES, Change, Near
from engine.learning.timeline import Entry
from engine.study import MODALITIES
from pages.releases import state
from pages.shared import resources
from pages.shared.case_card import synthetic
from pages.shared.markdown import plain
from pages.shared.strings import text

LONGEST_SAID = 60  # letters of a query's words in the list
ICONS = {"kept": "check", "new": "add", "gone": "remove"}
COLOURS = {"kept": "gray", "new": "green", "gone": "orange"}  # beside sign and word


def draw(shown: Entry, serving: Entry) -> None:
    """Draw the switch that asks for it, then one query of the last ten."""
    if shown.release is None:
        return
    st.subheader(text("releases.changes"), anchor=False)
    st.markdown(text("releases.changes_note", n=QUERIES, name=plain(shown.name)))
    if not st.toggle(text("releases.changes_show"), key="changes-show"):
        return
    with st.spinner(text("releases.changes_making"), show_time=True):
        found = state.changed(shown.release, resources.WHO)
    if not found:
        st.markdown(text("releases.changes_none"))
        return
    chosen = st.selectbox(
        text("releases.changes_query"), range(len(found)), format_func=lambda at: _named(found[at]), key="changes-query"
    )
    _pair(found[chosen], serving.name, shown.name)


def _named(one: Change) -> str:
    said = one.said if len(one.said) <= LONGEST_SAID else f"{one.said[: LONGEST_SAID - 1]}…"
    return text(
        "releases.changes_line",
        said=said,
        kept=one.kept,
        total=one.total,
        day=f"{one.created_at:%Y-%m-%d %H:%M}" if one.created_at else "",
    )


def _pair(one: Change, before: str, after: str) -> None:
    """Draw both sides of one query, a row per modality."""
    for modality in MODALITIES:
        if not one.before[modality] and not one.after[modality]:
            continue
        st.markdown(f"**{text(f'icon.{modality}')} {text(f'modality.{modality}')}**")
        with st.container(key=f"beside-facts-{modality}"):
            left, right = st.columns(2, gap="medium", border=True)
        left.markdown(f"{text('releases.changes_before', name=plain(before))}\n\n{_list(one.before[modality], 'then')}")
        right.markdown(f"{text('releases.changes_after', name=plain(after))}\n\n{_list(one.after[modality], 'was')}")


def _list(nears: tuple[Near, ...], other: str) -> str:
    return "\n".join(_near(one, other) for one in nears)


def _near(one: Near, other: str) -> str:
    """Return one neighbour as an entry of a list: id, whether it is kept, new or gone, labels, distance.

    other : "then" or "was", how the place on the other side is spoken of
    """
    name = f"kept_{other}" if one.fate == "kept" else one.fate
    fate = text(f"releases.fate_{name}", rank=one.other)
    badge = f":{COLOURS[one.fate]}-badge[:material/{ICONS[one.fate]}: {fate}]"
    labels = plain(", ".join(one.labels)) or text("card.no_labels")
    about = f"{labels}, {text('releases.bits', hamming=one.hamming)}"
    return f"{one.rank}. **{plain(one.study_id)}** {badge}{synthetic(one.synthetic)}  \n   :small[{about}]"
