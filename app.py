"""The app: `streamlit run app.py`. Only the frame; every screen is pages/<screen>/page.py."""

from __future__ import annotations

import streamlit as st

from engine.settings import ASSETS
from engine.strings import text
from pages.shared import frame, notice
from pages.shared.guard import guarded

st.set_page_config(page_title=text("app.name"), page_icon=ASSETS / "logo.png", layout="wide")
page = st.navigation(
    [
        st.Page("pages/search/page.py", title=text("app.search"), icon=":material/search:", default=True),
        st.Page("pages/compare/page.py", title=text("app.compare"), icon=":material/compare:", url_path="compare"),
        st.Page("pages/map/page.py", title=text("app.map"), icon=":material/scatter_plot:", url_path="map"),
        st.Page(
            "pages/collections/page.py",
            title=text("app.collections"),
            icon=":material/collections_bookmark:",
            url_path="collections",
        ),
        st.Page("pages/quiz/page.py", title=text("app.quiz"), icon=":material/quiz:", url_path="quiz"),
        st.Page("pages/review/page.py", title=text("app.review"), icon=":material/rate_review:", url_path="review"),
        st.Page(
            "pages/releases/page.py", title=text("app.releases"), icon=":material/inventory_2:", url_path="releases"
        ),
        st.Page("pages/about/page.py", title=text("app.about"), icon=":material/info:", url_path="about"),
    ],
    position="top",
)
frame.begin(page.title)
st.html(ASSETS / "style.css")
tools = notice.draw_banner()
with guarded():
    notice.draw_damage()
    if notice.accepted():
        page.run()
    else:
        notice.draw_notice()
with tools:
    frame.draw()
