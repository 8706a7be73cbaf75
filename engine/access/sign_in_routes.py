"""The addresses of a sign-in by accounts: /sign-in, /invitation, /sign-out, and /session, which says how long it lasts.

What the sign-in at a provider (engine.access.oidc.sign_in) answers likewise is here for both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.access import accounts, browsers, forms, mode, sessions
from engine.access.answers import CLOSE, answer, form
from engine.access.refused import RefusedRequests
from engine.access.sessions import Session, TooManyAttemptsError
from engine.errors import UsageError
from engine.store.people import People
from engine.strings import ENGLISH, LANGUAGES, speaking, text

COOKIE = "casebind_session"
COOKIES = (f"__Host-{COOKIE}", COOKIE)  # over TLS the browser holds to the prefix's rules
PATHS = frozenset(("/sign-in", "/invitation", "/sign-out", "/session", "/callback", "/backchannel-logout"))
HTML = b"text/html; charset=utf-8"
POLICY = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
)


class AccountSignIn:
    """The way in by accounts of the workspace (`engine.access.ways.Way`)."""

    paths = frozenset(("/sign-in", "/invitation", "/sign-out", "/session"))

    def __init__(self, people: People) -> None:
        self._people = people

    async def serve(
        self, scope: Any, receive: Any, send: Any, *, session: Session | None, refused: RefusedRequests
    ) -> tuple[str, ...]:
        """Answer one request; return the numbers of the sessions that it ended."""
        way, people = (scope["method"], scope["path"]), self._people
        with speaking(language_of(dict(scope["headers"]))):
            if way == ("GET", "/session"):
                await say_session(send, session)
            elif way == ("POST", "/sign-out"):
                return await _sign_out(scope, receive, send, people, session)
            elif way == ("GET", "/sign-in"):
                await send_page(send, 200, forms.sign_in_page(local(asked_for(scope, "then"))))
            elif way == ("POST", "/sign-in"):
                return await _sign_in(scope, receive, send, people, session=session, refused=refused)
            elif way == ("GET", "/invitation"):
                await _invitation(send, people, asked_for(scope, "token"))
            elif way == ("POST", "/invitation"):
                return await _choose(scope, receive, send, people, session)
            else:
                await answer(send, 405, b"This address does not take that.")
        return ()

    async def stands(self, session: Session) -> bool:
        """Return whether a session goes on at a click: one of an account does."""
        return True


def local(then: str) -> str:
    """Return an address of this app to go to after the sign-in; "/" for anything else, so that no link leads away."""
    parts = urlsplit(then) if then.isprintable() and "\\" not in then else None
    is_own = parts is not None and not parts.scheme and not parts.netloc and then.startswith("/")
    return then if is_own and not then.startswith("//") and parts.path not in PATHS else "/"  # type: ignore[union-attr]


async def say_session(send: Any, session: Session | None) -> None:
    """Say who is signed in, in which session and for how long; 401 for nobody."""
    said = {"name": session.name, "number": session.number, "ends_in": round(session.ends_in)} if session else {}
    await answer(send, 200 if session else 401, json.dumps(said).encode(), kind=b"application/json")


async def is_shown(receive: Any, session: Session | None) -> bool:
    """Return whether a page that wants to sign out shows the session that its browser has; any page that names none.

    A browser has one session. A page that was drawn in an earlier one is not to end the session of whoever came next.
    """
    given = await form(receive)
    return session is not None and given is not None and given.get("session", session.number) == session.number


def replace(people: People, session: Session | None) -> tuple[str, ...]:
    """End the session that a browser had before it is given another, or none; return its number."""
    if session is None:
        return ()
    sessions.end(people, session)
    return (session.number,)


async def _sign_in(
    scope: Any, receive: Any, send: Any, people: People, *, session: Session | None, refused: RefusedRequests
) -> tuple[str, ...]:
    """Let somebody in; return the number of the session that this browser had before."""
    given = await form(receive) or {}
    name, then = given.get("name", "").strip().lower(), local(given.get("then", "/"))
    if not name:  # no page of ours sends that
        await send_page(send, 400, forms.sign_in_page(then, text("sign_in.cut_off")), [CLOSE])
        return ()
    address, browser = str((scope.get("client") or ("",))[0]), cookie(scope, browsers.COOKIE)
    try:
        purpose = {"use": given.get("purpose", "treatment"), "reason": given.get("reason", "")}
        known = browsers.known(people, browser, name)
        beginning = partial(sessions.begin, people, name, given.get("password", ""), address, **purpose, browser=known)
        token = await asyncio.to_thread(beginning)
    except UsageError as problem:
        if isinstance(problem, TooManyAttemptsError):
            await refused.add_sign_in(address, problem.who, str(problem))
        status = 429 if isinstance(problem, TooManyAttemptsError) else 401
        values = {"name": name[:64], "purpose": given.get("purpose", ""), "reason": given.get("reason", "")[:200]}
        await send_page(send, status, forms.sign_in_page(then, str(problem), values))
        return ()
    ended = replace(people, session)
    remembered = set_cookie(scope, browsers.COOKIE, browsers.remembering(people, browser, name), browsers.LASTS_S)
    await answer(send, 303, headers=[(b"location", then.encode()), session_cookie(scope, token), remembered])
    return ended


async def _sign_out(scope: Any, receive: Any, send: Any, people: People, session: Session | None) -> tuple[str, ...]:
    """End the session that the page shows; return its number."""
    to = (b"location", b"/sign-in")
    if session is not None and not await is_shown(receive, session):
        await answer(send, 303, headers=[to])
        return ()
    ended = replace(people, session)
    await answer(send, 303, headers=[to, session_cookie(scope, "")])
    return ended


async def _invitation(send: Any, people: People, token: str) -> None:
    try:
        name = accounts.link_is_for(people, token)
    except UsageError as problem:
        await send_page(send, 410, forms.message_page(str(problem)))
        return
    await send_page(send, 200, forms.choose_page(token, name))


async def _choose(scope: Any, receive: Any, send: Any, people: People, session: Session | None) -> tuple[str, ...]:
    """Set a password by a link; return the numbers of the account's sessions and of the one that this browser had."""
    given = await form(receive)
    if given is None:
        await send_page(send, 400, forms.message_page(text("sign_in.cut_off")), [CLOSE])
        return ()
    token, password = given.get("token", ""), given.get("password", "")
    try:
        name = accounts.link_is_for(people, token)
    except UsageError as problem:
        await send_page(send, 410, forms.message_page(str(problem)))
        return ()
    before = [one.session for one in people.sessions() if one.name == name]
    try:
        if password != given.get("again"):
            raise UsageError(text("choose_password.differ"))
        await asyncio.to_thread(accounts.set_password, people, token, password)
    except UsageError as problem:
        await send_page(send, 400, forms.choose_page(token, name, str(problem)))
        return ()
    ended = replace(people, session)
    await send_page(send, 200, forms.sign_in_page("/", values={"name": name}), [session_cookie(scope, "")])
    return (*before, *ended)


def session_cookie(scope: Any, token: str) -> tuple[bytes, bytes]:
    """Return the header that gives a browser its session, or with "" takes it away."""
    return set_cookie(scope, COOKIE, token, mode.session_seconds() if token else 0.0)


def set_cookie(scope: Any, name: str, value: str, lasts_s: float) -> tuple[bytes, bytes]:
    """Return the header that sets a cookie: out of reach of scripts and of other sites' forms.

    Lax and not Strict: a link in a mail to a stored query opens it for somebody who is signed in, and somebody who
    comes back from the provider has what began the sign-in.
    """
    prefix, secure = ("__Host-", "; Secure") if scope["scheme"] == "https" else ("", "")
    cookie = f"{prefix}{name}={value}; Max-Age={lasts_s:.0f}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", cookie.encode()


def cookie(scope: Any, name: str) -> str:
    """Return what a browser sends in a cookie that `set_cookie` gave it; "" for none."""
    try:
        found = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    name = f"__Host-{name}" if scope["scheme"] == "https" else name
    return found[name].value if name in found else ""


async def send_page(send: Any, status: int, page: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Send one of the pages that stand before the app."""
    await answer(send, status, page.encode(), kind=HTML, headers=[POLICY, *headers])


def asked_for(scope: Any, name: str) -> str:
    """Return one field of an address's query; "" where it has none of that name."""
    return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get(name, [""])[0]


def language_of(headers: dict[bytes, bytes]) -> str:
    """Return the first language of the browser that Casebind speaks; English where it speaks none."""
    for part in headers.get(b"accept-language", b"").decode("latin-1").split(","):
        if (code := part.strip()[:2].lower()) in LANGUAGES:
            return code
    return ENGLISH
