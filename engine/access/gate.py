"""The gate: ASGI middleware before every address of the app and before its WebSocket.

It answers under the names of this machine and of CASEBIND_ADDRESS alone (against DNS rebinding), to pages of its own
alone (Origin), and, where people sign in, to nobody without a session but for the health addresses and the sign-in;
whether it is ready is said to this machine alone.
Headers with which a browser could claim to be somebody are dropped. Streamlit itself asks nobody on /media, /component,
/_stcore/upload_file and /_stcore/metrics, which is why this stands before all of them; the last, which counts what
everybody's sessions hold, is answered to nobody, and a file under /media to the sessions alone that it was given to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from engine import counters
from engine.access import mode, sessions, sign_in_routes
from engine.access.answers import answer
from engine.access.refused import RefusedRequests
from engine.access.sessions import Session
from engine.access.sign_in_routes import AccountSignIn
from engine.access.ways import Way
from engine.store.audit_file import AuditFile
from engine.store.people import People

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Probe = Callable[[], tuple[int, Mapping[str, Any]]]  # status and what is said, quick and from any thread

OPEN = frozenset(("/_stcore/health", "/healthz"))
CLOSED = frozenset(("/_stcore/metrics",))  # the figures for monitoring have a port of their own
PASSIVE = frozenset(("/_stcore/host-config", "/session"))  # asked by pages of themselves: no click
CLAIMS = (b"x-casebind-", b"x-forwarded-user", b"x-remote-user", b"remote-user")
MEDIA, UPLOADS = OWNED = ("/media", "/_stcore/upload_file")  # files that are given out, and those that come
ASKING: ContextVar[str] = ContextVar("asking", default="")  # number of the session whose WebSocket asks
OF_SESSION = b"x-casebind-session"  # by which Streamlit tells whose window asks for the state of an earlier one
FOREIGN = "No page of this app sends that."
POLICY_BREACH, SIGNED_OUT = 1008, 4401  # closing codes of a WebSocket
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
        b" img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; connect-src 'self' blob: data:;"
        b" worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Gate:
    """ASGI middleware.

    people   : the accounts and sessions; None where nobody signs in
    way      : how people come in; by accounts where none is given
    audit    : where refusals are written; None where there is no workspace
    is_click : whether a message that the browser sends was asked for by a person, and not by a page of itself; None
               for one that no page of the app sends, which is dropped
    owners   : of OWNED, whether what is at an address (first) is of the session of a number (second); else of nobody's
    probes   : address → what answers whoever watches the app, without a session; on this machine where it is not open
    """

    def __init__(
        self,
        app: Any,
        people: People | None,
        is_click: Callable[[bytes], bool | None],
        audit: AuditFile | None = None,
        *,
        probes: Mapping[str, Probe] | None = None,
        way: Way | None = None,
        owners: Mapping[str, Callable[[str, str], bool]] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._people = people
        self._way = way or (AccountSignIn(people) if people is not None else None)
        self._is_click = is_click
        self._probes = probes or {}
        self._owners = owners
        self._refused = RefusedRequests(audit)
        self._sockets: dict[str, set[asyncio.Task[None]]] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let a request through, answer it, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_headers(send, kept=self._people is None)
        scope["headers"] = [(key, value) for key, value in scope["headers"] if not key.lower().startswith(CLAIMS)]
        headers = dict(scope["headers"])
        if problem := _stranger(scope, headers):
            await self._refuse(scope, receive, send, 403, problem)
        elif scope["type"] == "http" and (probe := self._probe(scope)) is not None:
            await self._answer(scope, send, probe)
        elif self._people is None or self._way is None or scope["path"] in OPEN:
            await self._pass(scope, receive, send)
        else:
            await self._ask(scope, receive, send, people=self._people, way=self._way)

    async def _ask(self, scope: Any, receive: Receive, send: Send, *, people: People, way: Way) -> None:
        """Answer the addresses of the sign-in; everything else needs a session."""
        token = cookie_of(scope)
        session = sessions.live(people, token)
        is_click = scope["type"] == "http" and scope["path"] not in PASSIVE
        if scope["type"] == "http" and scope["path"] in way.paths:
            self._close_sockets(await way.serve(scope, receive, send, session=session, refused=self._refused))
        elif session is None or (is_click and not await way.stands(session)):
            await self._turn_away(scope, receive, send)
        elif scope["type"] == "http" and self._is_withheld(scope["path"], session):
            await self._refuse(scope, receive, send, 404, "There is no such file.")
        elif scope["type"] == "http":
            if is_click:
                sessions.use(people, session)
            await self._pass(scope, receive, send)
        else:
            await self._hold(scope, receive, send, people=people, way=way, token=token or "", session=session)

    async def _pass(self, scope: Any, receive: Receive, send: Send) -> None:
        """Let a request through to the app; what it would tell of everybody's sessions is not there."""
        if scope["path"].rstrip("/") in CLOSED:
            await answer(send, 404, b"Not found.")
        else:
            await self._app(scope, receive, send)

    async def _hold(
        self, scope: Any, receive: Receive, send: Send, *, people: People, way: Way, token: str, session: Session
    ) -> None:
        """Serve a WebSocket for as long as its session lives; each message from the browser is looked at first.

        The app is told the session's number, so that it resumes a window's state for nobody else who knows its id.
        """
        scope["headers"].append((OF_SESSION, session.number.encode()))

        async def receiving() -> Message:
            message = await receive()
            while message["type"] == "websocket.receive" and self._is_click(message.get("bytes") or b"") is None:
                await self._refused.add(_address_of(scope), 403, str(scope["path"]), FOREIGN)
                message = await receive()
            if message["type"] != "websocket.receive":
                return message
            now = sessions.live(people, token)
            is_click = now is not None and self._is_click(message.get("bytes") or b"")
            if now is None or (is_click and not await way.stands(now)):
                await send({"type": "websocket.close", "code": SIGNED_OUT})
                return {"type": "websocket.disconnect", "code": SIGNED_OUT}
            if is_click:
                sessions.use(people, now)
            return message

        ASKING.set(session.number)
        task = asyncio.ensure_future(self._app(scope, receiving, send))
        sockets = self._sockets.setdefault(session.number, set())
        sockets.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) is not None and own.cancelling():
                raise  # the server ends
            await send({"type": "websocket.close", "code": SIGNED_OUT})
        finally:
            sockets.discard(task)
            if not sockets:
                self._sockets.pop(session.number, None)

    def _is_withheld(self, path: str, session: Session) -> bool:
        """Return whether an address may be that of what is another session's."""
        under = next((one for one in OWNED if f"{path}/".startswith(f"{one}/")), None)
        return under is not None and not (under in self._owners and self._owners[under](path, session.number))

    async def _turn_away(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send a page's request to the sign-in, and refuse anything else."""
        wants_page = b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        if scope["type"] == "http" and scope["method"] == "GET" and wants_page:
            query = scope["query_string"].decode("latin-1")
            then = scope["path"] + (f"?{query}" if query else "")
            to = "/sign-in" if then == "/" else f"/sign-in?then={quote(then, safe='')}"
            await answer(send, 303, headers=[(b"location", to.encode("latin-1"))])
        else:
            await self._refuse(scope, receive, send, 401, "Sign in first.")

    def _probe(self, scope: Any) -> Probe | None:
        """Return what answers whoever asks how the app stands, None where nothing is told."""
        return self._probes.get(scope["path"]) if scope["path"] in OPEN or _is_of_this_machine(scope) else None

    async def _answer(self, scope: Any, send: Send, probe: Probe) -> None:
        """Answer whoever watches the app."""
        if scope["method"] in ("GET", "HEAD"):
            status, found = await asyncio.to_thread(probe)
            await answer(send, status, json.dumps(found).encode(), kind=b"application/json")
        else:
            await answer(send, 405, headers=[(b"allow", b"GET, HEAD")])

    async def _refuse(self, scope: Any, receive: Receive, send: Send, status: int, sentence: str) -> None:
        counters.refused("session" if status == 401 else "address")
        await self._refused.add(_address_of(scope), status, str(scope["path"]), sentence)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": SIGNED_OUT if status == 401 else POLICY_BREACH})
        else:
            await answer(send, status, json.dumps({"error": sentence}).encode(), kind=b"application/json")

    def _close_sockets(self, ended: Iterable[str]) -> None:
        for task in [one for number in ended for one in self._sockets.get(number, ())]:
            task.cancel()


def _address_of(scope: Any) -> str:
    """Return the address from which a request comes; "" where the server knows none."""
    return str((scope.get("client") or ("",))[0])


def cookie_of(scope: Any) -> str | None:
    """Return the session's cookie of a request; None where there is none."""
    return token_in(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))


def token_in(cookies: str) -> str | None:
    """Return the session's cookie out of a Cookie header; None where there is none, or two that differ."""
    try:
        found = SimpleCookie(cookies)
    except CookieError:
        return None
    tokens = {found[name].value for name in sign_in_routes.COOKIES if name in found}
    return tokens.pop() if len(tokens) == 1 else None


def _stranger(scope: Any, headers: dict[bytes, bytes]) -> str:
    """Return what is wrong with the names that a request carries; "" where it comes from a page of this app."""
    allowed = mode.allowed_hosts()
    host = headers.get(b"host", b"").decode("latin-1")
    if _name(f"//{host}") not in allowed:
        return f"This address is not served here; use {mode.public_address() or 'http://localhost'}."
    origin = headers.get(b"origin", b"").decode("latin-1")
    is_safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
    if origin and not is_safe and _place(origin) not in _own_places(scope, host):
        return "A page of another site may not do this."
    return ""


def _is_of_this_machine(scope: Any) -> bool:
    """Return whether a request comes from this machine; behind a proxy, whether the proxy says so."""
    try:
        return ipaddress.ip_address(_address_of(scope)).is_loopback
    except ValueError:
        return False


Place = tuple[str, str, int | None]  # scheme, host and port: another of each is another site (RFC 6454)
PORTS = {"http": 80, "https": 443}


def _own_places(scope: Any, host: str) -> set[Place | None]:
    """Return the origins of the app's own pages: the public address, and where this request found the app.

    Under the public name the public address alone counts: a proxy ends TLS, and the request itself comes without.
    """
    public = _place(mode.public_address())
    scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
    if public is not None and _place(f"{public[0]}://{host}") == public:
        return {public}
    return {public, _place(f"{scheme}://{host}")} - {None}


def _place(address: str) -> Place | None:
    """Return the origin of an address; None for none."""
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.scheme in PORTS and parts.hostname else None


def _name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _with_headers(send: Send, kept: bool) -> Send:
    """Return `send` with the security headers on every answer; an answer's own stand.

    kept : whether the browser may keep a page; where people sign in, *Back* would show one that nobody may see any more
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            if not kept and _is_page(message["headers"]):
                others = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
                message = {**message, "headers": [*others, (b"cache-control", b"no-store")]}
            there = {key.lower() for key, _ in message["headers"]}
            message = {**message, "headers": [*message["headers"], *(h for h in HEADERS if h[0] not in there)]}
        await send(message)

    return sending


def _is_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(key.lower() == b"content-type" and value.startswith(b"text/html") for key, value in headers)
