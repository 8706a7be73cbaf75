"""The app: `streamlit run app.py`. Only the frame; every screen is pages/<screen>/page.py."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from engine.attention import drawing
from engine.settings import ASSETS
from engine.store.rule import Act
from engine.strings import speaking, text
from pages.shared import frame, notice, permitted, signed_in
from pages.shared.guard import guarded
from pages.shared.language import of_session

st.set_page_config(page_title=text("app.name"), page_icon=ASSETS / "logo.png", layout="wide")
permitted.begin()
SCREENS: dict[str, tuple[Act, str]] = {  # name in its address → what whoever opens it must be allowed, icon
    "search": ("search", "search"),
    "compare": ("search", "compare"),
    "map": ("search", "scatter_plot"),
    "trend": ("search", "timeline"),
    "collections": ("collect", "collections_bookmark"),
    "quiz": ("learn", "quiz"),
    "reader_study": ("search", "science"),
    "review": ("review", "rate_review"),
    "releases": ("curate", "inventory_2"),
    "watch": ("curate", "monitoring"),
    "pacs": ("fetch", "cloud_download"),
    "inbox": ("receive", "inbox"),
    "record": ("record", "history"),
    "consent": ("consent", "shield_person"),
    "people": ("record", "group"),
    "groups": ("curate", "balance"),
}


def screen(name: str, *, shown: bool, icon: str) -> StreamlitPage:
    """Return a page of the navigation; one that is not shown there keeps its address, which refuses."""
    return st.Page(
        f"pages/{name}/page.py",
        title=text(f"app.{name}"),
        icon=f":material/{icon}:",
        url_path="" if name == "search" else name,
        default=name == "search",
        visibility="visible" if shown else "hidden",
    )


shown = {name: permitted.may(act) for name, (act, _) in SCREENS.items()}
shown["trend"] &= permitted.has_exports()
shown["reader_study"] &= permitted.has_reader_studies()
shown["people"] &= permitted.has_accounts()
shown["inbox"] &= permitted.has_archive()
shown["pacs"] &= permitted.has_archive()
screens = [screen(name, shown=shown[name], icon=icon) for name, (_, icon) in SCREENS.items()]
page = st.navigation([*screens, screen("about", shown=True, icon="info")], position="top")
with drawing(), speaking(of_session()):  # the language is looked up once a run
    frame.begin(page.title)
    st.html(ASSETS / "style.css")
    tools = None
    with guarded():
        signed_in.begin()
        tools = notice.draw_banner()
        notice.draw_damage()
        if notice.accepted():
            name = page.url_path or "search"
            if name == "search" and not shown[name] and any(shown.values()):
                st.switch_page(screens[list(shown.values()).index(True)])
            if name in SCREENS:
                permitted.refuse(name, SCREENS[name][0])
            page.run()
        else:
            notice.draw_notice()
    if tools is not None:
        with tools:
            frame.draw()
