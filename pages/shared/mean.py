"""The query that several cases make together, drawn as these cases."""

from __future__ import annotations

import streamlit as st

from engine.retrieval import wording
from engine.strings import text
from engine.study import Study
from pages.shared import case_card, content, resources
from pages.shared.markdown import escaped


def draw_mean_query(study: Study) -> None:
    """Draw what the mean is, and its cases small."""
    st.markdown(text("like.about"))
    st.markdown(f":small[{text('like.careful')}]")
    grid = st.grid(min_column_width=200, border=True)
    for row in resources.workspace().rows(study.facts["like"], actor=resources.actor()):
        with grid.cell():
            kind = text(f"modality_one.{row.modality}")
            st.markdown(f"{text(f'icon.{row.modality}')} {kind}{case_card.synthetic_badge(row.synthetic)}")
            content.draw_thumbnail(row.study_id, row.modality, kind)
            st.markdown(f":small[{escaped(wording.labels(row.labels))}]")
