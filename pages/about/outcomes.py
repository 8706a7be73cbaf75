"""What embeddings add to a language model on a synthetic cohort, as it was recorded; never a word on a patient."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.evaluate.outcomes.recorded import RecordedFigure, recorded
from engine.evaluate.outcomes.texts import TASKS
from engine.strings import number, text
from pages.shared import plain_table

SHOWN = ("text", "reports", "zoo", "normal", "bound", "shuffled", "embeddings")  # arms, in the table's order


def draw_outcomes() -> None:
    """Draw the recorded table folded; nothing where none was recorded. The note says of which release it is."""
    found = recorded()
    if found is None:
        return
    with st.expander(text("about.outcomes_title")):
        asked = {task: number(found.asked[task]) for task in TASKS}
        st.markdown(text("about.outcomes_note", release=found.release, seeds=found.seeds, **asked))
        names = [text("about.outcomes_read"), *(text(f"about.outcomes_{task}") for task in TASKS)]
        rows = [
            (text(f"about.outcomes_arm_{arm}"), *(_cell(found.rows[arm].get(task)) for task in TASKS))
            for arm in SHOWN
            if arm in found.rows
        ]
        plain_table.draw(pd.DataFrame(rows, columns=names))


def _cell(figure: RecordedFigure | None) -> str:
    if figure is None:
        return ""
    interval = text("agreement.interval", low=f"{figure.low:.2f}", high=f"{figure.high:.2f}")
    return f"{figure.value:.2f} ({interval})"
