"""Releases: what rounds of learning made, how they did before and after, which one serves, and the way back.

/releases?release=<name> looks at one round's release; &who=<name> is who promotes.
"""

from __future__ import annotations

import streamlit as st

from engine.learning import promotion
from engine.learning.timeline import TimelineEntry, timeline
from engine.strings import text
from pages.releases import changed, gate_table, round_progress, state, timeline_list
from pages.releases import promotion as promotion_view
from pages.shared import resources
from pages.shared.markdown import escaped
from pages.shared.session import show_error


def draw() -> None:
    """Draw what serves, the rounds, and the release that is looked at."""
    show_error(state.ERROR)
    st.title(text("releases.title"), anchor=False)
    st.markdown(text("releases.lead"))
    resources.freeze_gc()
    workspace = resources.workspace()
    entries = timeline(workspace)
    serving = next((one for one in entries if one.serves), None)
    if serving is None:
        st.info(text("releases.no_codes"), icon=":material/inventory_2:")
        return
    promotion_view.draw_running_promotion(promotion.latest_job(workspace))
    with st.container(key="beside"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        timeline_list.draw_timeline(entries, serving)
    with right:
        round_progress.draw_round(serving)
    shown = state.selected_entry(entries)
    if shown is not None:
        _look(shown, serving)
    timeline_list.draw_history(promotion.history(workspace))


def _look(entry: TimelineEntry, serving: TimelineEntry) -> None:
    """Draw one round's release: verdict, table, promotion, and what it changes."""
    if entry.release is None:
        return
    st.divider()
    st.header(text("releases.against", name=escaped(entry.name), base=escaped(entry.made_from)), anchor=False)
    gate_table.draw_gate(entry.release)
    if not entry.serves:
        promotion_view.draw_promote_button(entry, serving)
        changed.draw_changes(entry, serving)


draw()
