"""Which browser this is: by a random cookie that the server sets with the first page, so that makers and learners of
quizzes are told apart without a sign-in. Scripts cannot read the cookie, and the record holds its digest alone.

Without a cookie, as where the app is embedded elsewhere, the session of the tab stands for the browser.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any

import streamlit as st

COOKIE = "casebind-browser"
SHORTEST = 32  # characters
LASTS_S = 365 * 24 * 3600
TOKEN = "browser-token"  # in the session, where there is no cookie


def session() -> str:
    """Return what stands for this browser in the record."""
    token = st.context.cookies.get(COOKIE)
    if not isinstance(token, str) or len(token) < SHORTEST:  # none, or one that could be guessed
        token = str(st.session_state.setdefault(TOKEN, secrets.token_urlsafe(32)))
    return sha256(token.encode()).hexdigest()[:32]


class BrowserCookie:
    """ASGI middleware: gives a browser that asks for a page without the cookie a new one."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on; the answer to it carries the cookie where one is needed."""
        headers = dict(scope.get("headers", ())) if scope["type"] == "http" else {}
        wanted = b"text/html" in headers.get(b"accept", b"") and COOKIE not in SimpleCookie(
            headers.get(b"cookie", b"").decode("latin-1")
        )
        await self._app(scope, receive, _setting_cookie(send, scope["scheme"] == "https") if wanted else send)


def _setting_cookie(send: Any, is_secure: bool) -> Any:
    """Return `send` with the cookie added to the head of the answer."""
    cookie = f"{COOKIE}={secrets.token_urlsafe(32)}; Max-Age={LASTS_S}; Path=/; HttpOnly; SameSite=Lax"
    cookie += "; Secure" if is_secure else ""

    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
        await send(message)

    return sending
