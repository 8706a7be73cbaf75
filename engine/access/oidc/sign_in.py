"""The addresses of the sign-in at a provider: /sign-in, /callback, /sign-out, /backchannel-logout and /session.

Whatever goes wrong ends at the sign-in page with one sentence. From there a page of ours, and not an answer to the
form, leads to the provider: browsers hold every hop after a form to the page's form-action, and a provider may send
people on to another one.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request

from engine.access import forms, mode
from engine.access.answers import CLOSE, answer, form
from engine.access.oidc import pending
from engine.access.oidc.pending import COOKIE, LASTS_S, Begun, PendingCookie
from engine.access.oidc.provider import AwayError, Provider, ProviderRefusedError
from engine.access.oidc.provider_sessions import ProviderSessions
from engine.access.oidc.settings_file import ProviderSettings
from engine.access.refused import RefusedRequests
from engine.access.sessions import Session, check_purpose
from engine.access.sign_in_routes import (
    asked_for,
    cookie,
    is_shown,
    language_of,
    local,
    replace,
    say_session,
    send_page,
    session_cookie,
    set_cookie,
)
from engine.errors import UsageError
from engine.store.people import People
from engine.strings import speaking, text

LONGEST_THEN = 600  # characters of an address to come back to; a longer one is the first page
MOVED = "moved"  # in the query of a sign-in page that was sent on to the public address


class ProviderSignIn:
    """The way in by a hospital's own provider (`engine.access.ways.Way`)."""

    paths = frozenset(("/sign-in", "/callback", "/sign-out", "/backchannel-logout", "/session"))

    def __init__(self, people: People, settings: ProviderSettings) -> None:
        self._people = people
        self._name = settings.name
        self._provider = Provider(settings)
        self._sessions = ProviderSessions(people, self._provider)
        self._pending = PendingCookie()

    async def serve(
        self, scope: Any, receive: Any, send: Any, *, session: Session | None, refused: RefusedRequests
    ) -> tuple[str, ...]:
        """Answer one request; return the numbers of the sessions that it ended."""
        way = (scope["method"], scope["path"])
        with speaking(language_of(dict(scope["headers"]))):
            if way == ("GET", "/session"):
                await say_session(send, session)
            elif way == ("GET", "/sign-in"):
                await self._show(scope, send)
            elif way == ("POST", "/sign-in"):
                await self._leave(scope, receive, send)
            elif way == ("GET", "/callback"):
                return await self._come_back(scope, send, session, refused)
            elif way == ("POST", "/sign-out"):
                return await self._sign_out(scope, receive, send, session)
            elif way == ("POST", "/backchannel-logout"):
                return await self._end(scope, receive, send, refused)
            else:
                await answer(send, 405, b"This address does not take that.")
        return ()

    async def stands(self, session: Session) -> bool:
        """Return whether a session goes on at a click; the provider may be asked first."""
        return await self._sessions.stands(session)

    async def _show(self, scope: Any, send: Any) -> None:
        """Show the sign-in page; under another name than the public one send on to that, where cookies come back."""
        then, public = local(asked_for(scope, "then")), mode.public_address()
        if public and not asked_for(scope, MOVED) and urlsplit(public).netloc != _host(scope):
            to = f"{public}/sign-in?{MOVED}=1&then={quote(then, safe='')}"
            await answer(send, 303, headers=[(b"location", to.encode("latin-1"))])
            return
        await send_page(send, 200, forms.provider_page(then, self._name))

    async def _leave(self, scope: Any, receive: Any, send: Any) -> None:
        """Take the purpose, and lead to the provider."""
        given = await form(receive)
        if given is None:
            await send_page(send, 400, forms.provider_page("/", self._name, text("sign_in.cut_off")), [CLOSE])
            return
        then, begun = local(given.get("then", "/")), self._begun(scope)
        then = then if len(then) <= LONGEST_THEN else "/"
        try:
            use, reason = check_purpose(given.get("purpose", "treatment"), given.get("reason", ""))
            request = Request({**scope, "session": begun})
            back_to = f"{_address(scope)}/callback"
            to = await self._provider.begin(request, back_to, then=then, use=use, reason=reason)
        except UsageError as problem:
            values = {"purpose": given.get("purpose", ""), "reason": given.get("reason", "")[:200]}
            await send_page(send, 401, forms.provider_page(then, self._name, str(problem), values))
        except AwayError:
            sentence = text("provider.away", provider=self._name)
            await send_page(send, 503, forms.provider_page(then, self._name, sentence))
        else:
            onward = (b"refresh", f"0;url={to}".encode("latin-1"))
            await send_page(send, 200, forms.leaving_page(to, self._name), [onward, self._kept(scope, begun)])

    async def _come_back(
        self, scope: Any, send: Any, session: Session | None, refused: RefusedRequests
    ) -> tuple[str, ...]:
        """Let somebody in whom the provider sends back; return the session that this browser had before."""
        begun, status = self._begun(scope), 401
        entry = pending.entry(begun, asked_for(scope, "state"))
        then = entry["then"] if entry else "/"
        try:
            if entry is None:
                raise ProviderRefusedError(text("provider.again"))
            use, reason = check_purpose(entry["use"], entry["reason"])
            said = await self._provider.finish(Request({**scope, "session": begun}))
            token = self._sessions.begin(said, use, reason, _from(scope))
        except UsageError as problem:  # written down where it arose
            sentence = str(problem)
        except (ProviderRefusedError, AwayError) as problem:
            status = 503 if isinstance(problem, AwayError) else 401
            sentence = _sentence(problem, is_known=entry is not None, provider=self._name)
            await refused.add(_from(scope), status, "/callback", str(problem))
        else:
            headers = [(b"location", then.encode()), session_cookie(scope, token), self._kept(scope, begun)]
            replaced = replace(self._people, session)
            await answer(send, 303, headers=headers)
            return replaced
        if entry is None and session is not None:  # the back button, by somebody who is signed in
            await answer(send, 303, headers=[(b"location", b"/")])
        else:
            page = forms.provider_page(then, self._name, sentence)
            await send_page(send, status, page, [self._kept(scope, begun)])
        return ()

    async def _sign_out(self, scope: Any, receive: Any, send: Any, session: Session | None) -> tuple[str, ...]:
        """End the session that the page shows, and say where to go: to the provider, which ends its own, or back."""
        to, headers, is_own = "", [], session is None or await is_shown(receive, session)
        if is_own:
            headers = [session_cookie(scope, "")]
            to = await self._sessions.sign_out_address(session, f"{_address(scope)}/sign-in") if session else ""
        ended = replace(self._people, session) if is_own else ()
        said = json.dumps({"to": to or "/sign-in"}).encode()
        await answer(send, 200, said, kind=b"application/json", headers=headers)
        return ended

    async def _end(self, scope: Any, receive: Any, send: Any, refused: RefusedRequests) -> tuple[str, ...]:
        """End the sessions that the provider's signed message names (OpenID Connect Back-Channel Logout 1.0)."""
        given = await form(receive) or {}
        try:
            ended = self._sessions.end(await self._provider.ended(given.get("logout_token", "")))
        except (ProviderRefusedError, AwayError) as problem:
            status = 503 if isinstance(problem, AwayError) else 400
            await refused.add(_from(scope), status, "/backchannel-logout", str(problem))
            await answer(send, status, b'{"error": "invalid_request"}', kind=b"application/json")
            return ()
        await answer(send, 200)
        return ended

    def _begun(self, scope: Any) -> Begun:
        """Return the sign-ins that a browser has begun."""
        return self._pending.begun(cookie(scope, COOKIE))

    def _kept(self, scope: Any, begun: Begun) -> tuple[bytes, bytes]:
        """Return the header by which a browser keeps the sign-ins that it has begun."""
        return set_cookie(scope, COOKIE, self._pending.value(begun) if begun else "", LASTS_S if begun else 0.0)


def _sentence(problem: ProviderRefusedError | AwayError, *, is_known: bool, provider: str) -> str:
    """Return what a person is told; the problem itself is for the record."""
    if isinstance(problem, AwayError):
        return text("provider.away", provider=provider)
    return text("provider.refused", provider=provider) if is_known else text("provider.again")


def _address(scope: Any) -> str:
    """Return where the app is found: its public address, or the one that was asked, which the gate has checked."""
    return mode.public_address() or f"{scope['scheme']}://{_host(scope)}"


def _host(scope: Any) -> str:
    return str(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))


def _from(scope: Any) -> str:
    return str((scope.get("client") or ("",))[0])
