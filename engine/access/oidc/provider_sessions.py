"""Sessions of people who came from the provider: beginning, asking the provider again, ending.

At a click that comes an hour (`ask_again_minutes`) after the provider was last asked, it is asked again, with the
refresh token where it gave one; sooner where that token would not last. What it says counts from that click on; where
it refuses, or gives no role any more, the sessions end. A provider that is away changes nothing: what stands goes on
until it ends by itself.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import asdict, replace

from engine.access import mode
from engine.access.accounts import digest
from engine.access.oidc import claims
from engine.access.oidc.provider import AwayError, Ended, Provider, ProviderRefusedError, ProviderTokens, Said
from engine.access.oidc.sealed import Seal
from engine.access.policies.emergency_use import opens_more
from engine.access.sessions import UNKNOWN, Session
from engine.actor import Actor, Use
from engine.errors import UsageError
from engine.store import provider_people
from engine.store.acts import Act
from engine.store.people import Account, People
from engine.store.provider_people import ProviderSession
from engine.strings import text

ALONE_S = 60.0  # for which a provider that was away is not asked again about a session
UNREADABLE = "its tokens cannot be read: the client's secret was changed"


class ProviderSessions:
    """The sessions that one provider let in; for one process, whose event loop asks."""

    def __init__(self, people: People, provider: Provider) -> None:
        self._people = people
        self._provider = provider
        self._settings = provider.settings
        self._seal = Seal(self._settings.client_secret.encode(), f"tokens of {self._settings.issuer}")
        self._asking: dict[str, asyncio.Task[bool]] = {}
        self._alone: dict[str, float] = {}  # session → until when the provider is left alone about it

    def begin(self, said: Said, use: Use, reason: str, address: str) -> str:
        """Return the cookie of a new session of whom the provider names; UsageError where nothing is theirs here."""
        account = self._settled(said)
        if account is None or not account.roles:
            raise self._refusal(account, "provider.no_role", said, address)
        if account.closed_at is not None:
            raise self._refusal(account, "provider.closed", said, address)
        somebody = Actor(
            account.name, roles=account.roles, attributes=account.attributes, signed_in=True, use=use, reason=reason
        )
        if use == "emergency" and not opens_more(self._people.path.parent, somebody):
            raise self._refusal(account, "purpose.nothing_more", said, address)
        return self._begun(somebody, account, said)

    def _settled(self, said: Said) -> Account | None:
        """Return the account with what the provider says now; without a role all its sessions end.

        None where somebody without a role never came in.
        """
        person = claims.person(self._settings, said.claims)
        if not person.roles and not provider_people.account_of(self._people, person.issuer, person.subject):
            return None
        account = provider_people.settle(self._people, person, time.time())
        if not person.roles:
            now, why = time.time(), "the provider gives no role any more"
            provider_people.end(self._people, person.issuer, now, why=why, subject=person.subject)
        return account

    def _begun(self, somebody: Actor, account: Account, said: Said) -> str:
        cookie, number = secrets.token_urlsafe(32), secrets.token_hex(8)
        actor = replace(somebody, session=number)
        sid = said.claims.get("sid")
        kept = ProviderSession(
            session=number,
            name=account.name,
            issuer=account.issuer,
            subject=account.subject,
            provider_session=sid if isinstance(sid, str) else "",
            tokens=self._seal.close(asdict(said.tokens), number),
            asked_at=time.time(),
            good_for=self._good_for(said.tokens),
        )
        expired = kept.asked_at - mode.session_seconds()
        provider_people.begin(self._people, kept, digest(cookie), actor=actor, expired=expired)
        return cookie

    def _refusal(self, account: Account | None, sentence: str, said: Said, address: str) -> UsageError:
        """Write down that somebody whom the provider let through is not let in; return the error that says so."""
        words = text(sentence, provider=self._settings.name)
        about = {"address": address, "issuer": self._settings.issuer, "subject": str(said.claims["sub"])}
        actor = Actor(account.name) if account is not None else UNKNOWN
        self._people.audit.append(actor, Act("sign-in refused", refused=words, about=about))
        return UsageError(words)

    async def stands(self, session: Session) -> bool:
        """Return whether a session goes on at a click; the provider is asked first where that is due."""
        kept = provider_people.find(self._people, session.number)
        if kept is None:
            return False  # ended meanwhile
        is_due = not 0 <= time.time() - kept.asked_at < min(kept.good_for, self._settings.ask_again_s)
        if not is_due or time.monotonic() < self._alone.get(session.number, 0.0):
            return True
        task = self._asking.get(session.number)
        if task is None:  # several clicks at once wait for one answer
            task = self._asking[session.number] = asyncio.create_task(self._ask(kept))
            task.add_done_callback(lambda _: self._asking.pop(session.number, None))
        return await asyncio.shield(task)

    async def _ask(self, kept: ProviderSession) -> bool:
        """Ask the provider about the person of a session; return whether the session goes on."""
        tokens = self._tokens(kept)
        try:
            if tokens is None:
                raise ProviderRefusedError(UNREADABLE)
            said = await self._provider.ask_again(tokens, kept.subject)
        except AwayError:
            self._leave_alone(kept.session)
            return True
        except ProviderRefusedError as problem:
            provider_people.end_session(self._people, kept, time.time(), why=str(problem))
            return False
        account = self._settled(said)
        if account is None or not account.roles:
            return False
        sealed = self._seal.close(asdict(said.tokens), kept.session)
        provider_people.renew(self._people, kept.session, sealed, time.time(), self._good_for(said.tokens))
        return True

    def _good_for(self, tokens: ProviderTokens) -> float:
        """Return the seconds after which the provider is asked again: before its refresh token is half spent."""
        asked_every = self._settings.ask_again_s
        return min(asked_every, tokens.lasts_s / 2) if tokens.lasts_s > 0 else asked_every

    def _leave_alone(self, session: str) -> None:
        now = time.monotonic()
        self._alone = {one: until for one, until in self._alone.items() if until > now} | {session: now + ALONE_S}

    async def sign_out_address(self, session: Session, back_to: str) -> str:
        """Return where to go to sign out at the provider too; "" where that is not wanted or not offered."""
        kept = provider_people.find(self._people, session.number)
        tokens = self._tokens(kept) if kept else None
        if tokens is None or self._settings.sign_out != "provider":
            return ""
        return await self._provider.sign_out_address(tokens, back_to)

    def end(self, ended: Ended) -> tuple[str, ...]:
        """End the sessions that the provider says it has ended; return their numbers."""
        issuer, now = self._settings.issuer, time.time()
        why = "the provider ended the session"
        return provider_people.end(self._people, issuer, now, why=why, subject=ended.subject, sid=ended.sid)

    def _tokens(self, kept: ProviderSession) -> ProviderTokens | None:
        found = self._seal.open(kept.tokens, kept.session)
        return ProviderTokens(**found) if found is not None else None
