"""The parts of the About page that come from the release's manifest and from the workspace."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.study import MODALITIES
from pages.shared import resources
from pages.shared.markdown import plain
from pages.shared.strings import text


def draw_collection() -> None:
    """Draw how many studies the collection holds, and its cohorts with their licences."""
    workspace = resources.workspace()
    counts = workspace.counts()
    rows = [(text(f"modality.{name}"), f"{counts.get(name, 0):,}") for name in MODALITIES]
    st.table(pd.DataFrame(rows, columns=[text("about.workspace_kind"), text("about.workspace_n")]), hide_index=True)
    for cohort in workspace.cohorts():
        made = text("card.synthetic") if cohort.synthetic else text("about.recorded")
        st.markdown(f"**{plain(cohort.name)}** ({made}): {plain(cohort.licence)}. {plain(cohort.attribution)}")
