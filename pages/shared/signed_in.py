"""Who is signed in, as the pages know it, and the corner of every page that says so.

The gate (engine.access.gate) lets nobody through without a session; a page looks it up again at every run, so that one
that was ended stops at the next click.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable

import streamlit as st
from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import exists, get_instance

from engine.access import mode, sessions, sign_in_routes
from engine.access.gate import ASKING
from engine.access.sessions import Session
from engine.errors import UsageError
from engine.settings import ASSETS, workspace_path
from engine.store.people import People
from engine.strings import text
from pages.shared import keys

NUMBER = "signed-in-session"  # of the session whose state this is
SESSION = "session"  # what Streamlit knows of whoever has a window: the number of the session it was opened in
OF_ITSELF = ("stop_script", "app_heartbeat", "file_urls_request")  # what Streamlit's page sends besides
_gates: list[People] = []  # of this process, at most one

_corner = st.components.v2.component(
    "casebind_session",
    html='<div class="session"></div>',
    js=(ASSETS / "browser" / "session.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def open_gate() -> People | None:
    """Return the accounts for the gate of this process; None where nobody signs in."""
    if mode.sign_in() == "off":
        return None
    _gates[:] = [People(workspace_path())]
    return _gates[0]


def people() -> People | None:
    """Return the accounts of this process; None where nobody signs in."""
    return _gates[0] if _gates else None


def is_click(message: bytes) -> bool | None:
    """Return whether a message of the browser was asked for by a person, and not by a page that draws itself again.

    None for what no page sends. Streamlit takes more than that, from anybody: to empty everybody's caches, to say what
    the server's working copy holds.
    """
    try:
        sent = BackMsg.FromString(message)
    except (DecodeError, ValueError):
        return None
    kind = sent.WhichOneof("type")
    if kind == "backend_operation_request":  # a file that is made when its button is pressed
        return sent.backend_operation_request.HasField("deferred_file")
    if kind == "rerun_script":
        return not sent.rerun_script.is_auto_rerun
    return False if kind in OF_ITSELF else None


def is_own_window(path: str, number: str) -> bool:
    """Return whether the window for which a file comes, at /_stcore/upload_file/<window>/<file>, is of a session."""
    window = path.split("/")[3:4]
    found = get_instance().get_app_session(window[0]) if window and exists() else None
    return found is not None and found.matches_user_info({SESSION: number})


def session() -> Session | None:
    """Return the session of this browser; None where nobody signs in, UsageError where it has ended."""
    return lookup()()


def lookup() -> Callable[[], Session | None]:
    """Return what does as `session` at the moment when it is called, in any thread."""
    if mode.sign_in() == "off":
        return lambda: None
    cookies = {st.context.cookies.get(name) for name in sign_in_routes.COOKIES} - {None}
    token = str(cookies.pop()) if len(cookies) == 1 else None

    def look() -> Session | None:
        if not _gates:
            raise UsageError(text("sign_in.no_gate"))
        found = None if token is None else sessions.live(_gates[0], token)
        if found is None or ASKING.get() not in ("", found.number):  # another session presses what this one was offered
            raise UsageError(text("sign_in.ended"))
        return found

    return look


def begin() -> None:
    """Begin a run: what the session of somebody else left in this window goes; UsageError where nobody is signed in."""
    found = session()
    number = found.number if found else ""
    if st.session_state.get(NUMBER, number) != number:
        st.session_state.clear()
    st.session_state[NUMBER] = number


def draw() -> None:
    """Draw who is signed in with the way out, or that nobody signs in here."""
    found = session()
    _corner(
        key="session",
        data={
            "name": found.name if found else _system_user(),
            "number": found.number if found else "",
            "purpose": text(f"purpose.{found.use}") if found else "",
            "emergency": found is not None and found.use == "emergency",
            "signedIn": found is not None,
            "key": keys.SIGN_OUT,
            "words": {name: text(f"session.{name}") for name in ("sign_out", "off", "off_help", "who")},
        },
    )


def _system_user() -> str:
    """Return the name of whoever runs the app; "" where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
