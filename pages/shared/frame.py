"""What stands around every screen: title, share button, list of keys, and what a browser window keeps of the app.

The window's part is assets/browser/frame.js (one history entry a press, the place in every page, the keys of a card)
and streamlit_words.js (Streamlit's own words in the language of the page).
"""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.settings import ASSETS
from engine.strings import ENGLISH, table, text
from pages.shared import collect, export, keys, query_state

SCRIPTS = ("streamlit_words.js", "frame.js")  # one module
PAGE = "frame-page"  # the page of the last run
DIALOGS = (collect.OPEN, export.OPEN, query_state.ENLARGED)
STATE = "frame"  # what the screen of this run says to the window
CARD_KEYS = {"open": ("open-", 0), "why": ("why-", 0), "choose": ("choose-", 0), "collect": ("collect-", 0)}
MARK_KEYS = {"relevant": ("mark-", 0), "partly": ("mark-", 1), "irrelevant": ("mark-", 2)}

_window = st.components.v2.component(
    "casebind_frame",
    html='<div class="tools"></div>',
    js="".join((ASSETS / "browser" / name).read_text(encoding="utf-8") for name in SCRIPTS),
    isolate_styles=False,
)


def begin(title: str) -> None:
    """Begin a run of a page with its own title; what was open over another page is not open over this one."""
    if st.session_state.get(PAGE) != title:
        st.session_state[PAGE] = title
        for name in DIALOGS:
            st.session_state.pop(name, None)
    describe(title)


def describe(
    title: str, *, screen: str = "", token: str = "", announcement: str = "", focus: str = "", group: str = ""
) -> None:
    """Name what is shown in the browser's title, and tell the window what is new.

    screen       : whose keys stand first in the list of keys
    token        : a new one has the announcement read out and the focus moved, once
    announcement : words for screen readers
    focus        : key of the container that takes the focus where nothing has it: its heading, field or button
    group        : what that container is called; where it has a name, itself takes the focus, and keys still work
    """
    st.set_page_config(page_title=text("frame.title", title=title, app=text("app.name")) if title else text("app.name"))
    st.session_state[STATE] = {
        "screen": screen,
        "token": token,
        "announcement": announcement,
        "focus": f"st-key-{focus}" if focus else "",
        "group": group,
    }


def heard(name: str, *, width: Literal["stretch", "content"] = "stretch") -> DeltaGenerator:
    """Return a container for words that screen readers say whenever they change, also in a fragment."""
    return st.container(key=f"heard-{name}", width=width, gap=None)


def draw() -> None:
    """Draw the share button and the button that opens the list of keys; the last thing of a run."""
    said = st.session_state.pop(STATE, {})
    _window(
        key="frame",
        data={
            "words": {
                name: text(f"frame.{name}") for name in ("share", "copied", "not_copied", "unmarked", "keys", "close")
            }
            | {"note": text("keys.note")},
            "streamlit": [
                (english, text(f"streamlit.{name}")) for name, english in table(ENGLISH)["streamlit"].items()
            ],
            "keys": _card_keys(),
            "screens": _screens(),
            **said,
        },
    )


def _card_keys() -> dict[str, tuple[str, int]]:
    """Return key of the browser → what it presses on the card that has the focus."""
    pressed = {keys.KEYS[action]: target for action, target in (CARD_KEYS | MARK_KEYS).items()}
    return {keys.IN_BROWSER.get(key, key): target for key, target in pressed.items()} | {"Enter": CARD_KEYS["open"]}


def _screens() -> list[dict[str, object]]:
    return [
        {
            "name": screen,
            "title": text(f"keys.screen_{screen}"),
            "rows": [(keys.SHOWN.get(key, key), text(f"keys.{action}")) for action, key in one.items()],
        }
        for screen, one in keys.by_screen().items()
    ]
