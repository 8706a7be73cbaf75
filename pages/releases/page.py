"""Releases: what rounds of learning made, how they did before and after, which one serves, and the way back.

/releases?release=<name> looks at one round's release; &who=<name> is who promotes.
"""

from __future__ import annotations

import streamlit as st

from engine.learning import promotion
from engine.learning.timeline import Entry, timeline
from pages.releases import changed, gate_table, making, state, timeline_list
from pages.releases import promotion as takeover
from pages.shared import resources
from pages.shared.markdown import plain
from pages.shared.strings import text


def draw() -> None:
    """Draw what serves, the rounds, and the release that is looked at."""
    state.say()
    st.title(text("releases.title"), anchor=False)
    st.markdown(text("releases.lead"))
    resources.settle()
    workspace = resources.workspace()
    entries = timeline(workspace)
    serving = next((one for one in entries if one.serves), None)
    if serving is None:
        st.info(text("releases.no_codes"), icon=":material/inventory_2:")
        return
    takeover.draw_moving(promotion.present(workspace))
    with st.container(key="beside"):
        left, right = st.columns([3, 2], gap="large")
    with left:
        timeline_list.draw(entries, serving)
    with right:
        making.draw(serving)
    shown = state.looked_at(entries)
    if shown is not None:
        _look(shown, serving)
    timeline_list.draw_history(promotion.history(workspace))


def _look(shown: Entry, serving: Entry) -> None:
    """Draw one round's release: verdict, table, promotion, and what it changes."""
    if shown.release is None:
        return
    st.divider()
    st.header(text("releases.against", name=plain(shown.name), base=plain(shown.made_from)), anchor=False)
    gate_table.draw(shown.release)
    if not shown.serves:
        takeover.draw(shown, serving)
        changed.draw(shown, serving)


draw()
