"""A window of the app without a browser: what Streamlit's page sends over its WebSocket, and what it never would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

PATIENCE_S = 120.0
Change = Callable[[WidgetState], None]


class Tab:
    """One WebSocket to the app, and what came over it in the last run.

    number : by which Streamlit knows the window's state, "" before the first run
    """

    def __init__(self, url: str, cookie: str, *, page: str = "", query: str = "", resumes: str = "") -> None:
        """Connect, as whoever the cookie stands for. resumes : the number of the window whose state is asked for"""
        self._page, self._query, self.number = page, query, ""
        self.messages: list[ForwardMsg] = []
        wanted: Any = ["streamlit", "unused", *([resumes] if resumes else [])]
        self._open = ExitStack()  # to the end of the tests, or until it is let go
        connecting = connect(
            f"{url.replace('http', 'ws', 1)}/_stcore/stream",
            additional_headers={"Cookie": cookie, "Origin": url},
            subprotocols=wanted,
            max_size=None,
            open_timeout=PATIENCE_S,
        )
        self._socket = self._open.enter_context(connecting)

    def close(self) -> None:
        """Close the window."""
        self._open.close()

    def send(self, message: BackMsg | bytes | str) -> None:
        """Send any message."""
        self._socket.send(message.SerializeToString() if isinstance(message, BackMsg) else message)

    def run(self, *changes: Change, fragment: str = "") -> Tab:
        """Have the page, or one fragment of it, drawn with these changes of widgets; return the tab."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name, asked.fragment_id = self._query, self._page, fragment
        for change in changes:
            change(asked.widget_states.widgets.add())
        self.send(message)
        self.messages = []
        while not self.messages or self.messages[-1].WhichOneof("type") != "script_finished":
            self.messages.append(self.next())
            if self.messages[-1].WhichOneof("type") == "new_session":
                self.number = self.messages[-1].new_session.initialize.session_id
        return self

    def next(self, patience_s: float = PATIENCE_S) -> ForwardMsg:
        """Return the next message; TimeoutError where none comes."""
        return ForwardMsg.FromString(bytes(self._socket.recv(patience_s)))

    def elements(self) -> dict[str, Any]:
        """Return the widgets that were drawn, by the key that the app gave them."""
        drawn = [one.delta.new_element for one in self.messages if one.WhichOneof("type") == "delta"]
        widgets = [getattr(one, kind) for one in drawn if (kind := one.WhichOneof("type"))]
        ids = [(str(one.id), one) for one in widgets if getattr(one, "id", "")]
        return {number.split("-", 2)[-1]: one for number, one in ids}

    def fragments(self) -> set[str]:
        """Return the numbers of the fragments that were drawn."""
        return {one.delta.fragment_id for one in self.messages if one.WhichOneof("type") == "delta"} - {""}

    def says(self, words: str) -> bool:
        """Return whether words stand in anything that came in the last run."""
        return any(words.encode() in one.SerializeToString() for one in self.messages)


def pressed(number: str) -> Change:
    """Return the change of a button that is pressed."""

    def change(state: WidgetState) -> None:
        state.id, state.trigger_value = number, True

    return change


def chosen(number: str, words: str) -> Change:
    """Return the change of a box of words, or of a list of which one is chosen."""

    def change(state: WidgetState) -> None:
        state.id, state.string_value = number, words

    return change
