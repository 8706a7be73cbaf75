"""The viewers on a page of its own: `streamlit run film_page.py`, on the workspace of the settings.

?pair shows two films side by side; ?anonymous shows one as in a quiz; ?saved keeps what is drawn in the record;
?asked asks, while a box is ticked, which window was set; ?trace shows an ECG and keeps what is drawn on it.
"""

from __future__ import annotations

import streamlit as st

from engine.actor import single_user
from pages.shared import resources, viewer
from pages.shared.viewer import Panel, shown_window

st.set_page_config(layout="wide" if {"pair", "trace"} & set(st.query_params) else "centered")
place = resources.workspace()
first, second, ecg = place.rows(["deep", "plain", "ecg"], actor=single_user())
studies = [place.study_of(row) for row in (first, second)]
if "pair" in st.query_params:
    one, other = (Panel(study, row.study_id) for study, row in zip(studies, (first, second), strict=True))
    viewer.draw_pair(one, other, key="two", height="600px")
elif "anonymous" in st.query_params:
    viewer.draw(studies[0], key="quiz", anonymous=True, shortcuts=False, height="600px")
elif "trace" in st.query_params:
    viewer.draw(place.study_of(ecg), key="trace", height="700px", study_id=ecg.study_id)
elif "asked" in st.query_params:
    st.checkbox("export", key=shown_window.WANTED)
    viewer.draw(studies[1], key="asked", height="600px")
    st.button("again")
    st.text(f"shown {shown_window.window_of(studies[1])}")
elif "saved" in st.query_params:
    viewer.draw(studies[1], key="saved", height="700px", study_id=second.study_id)
else:
    viewer.draw(studies[0], key="one", title="Mine", height="700px")
