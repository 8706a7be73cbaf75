"""Studies of the collection whose codes small changes move unusually far, as they came in by an ingest."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from engine.strings import number, several, text
from pages.shared.markdown import escaped
from pages.watch import state


def draw_unsteady() -> None:
    """Draw them, those that move furthest first, each with the way to its neighbours; nothing where there are none."""
    found, n = state.unsteady()
    if not n:
        return
    with st.expander(several(n, "unsteady.listed"), icon=":material/blur_on:"):
        st.markdown(text("unsteady.lead"))
        if n > len(found):
            st.markdown(text("unsteady.most", n=number(len(found))))
        heads = [text(f"unsteady.column_{name}") for name in ("study", "kind", "cohort", "turn")]
        rows = [
            [
                f"[{escaped(one.study_id)}](/?query={quote(one.study_id)})",
                text(f"modality.{one.modality}"),
                escaped(one.cohort),
                f"{one.turn:.3f}",
            ]
            for one in found
        ]
        st.markdown("\n".join(f"| {' | '.join(line)} |" for line in [heads, ["---"] * len(heads), *rows]))
