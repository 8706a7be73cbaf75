"""How people come in, as the gate asks for it: what answers at the sign-in, and which sessions stand at a click."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from engine.access import mode, sessions
from engine.access.oidc import settings_file
from engine.access.refused import RefusedRequests
from engine.access.sessions import Session
from engine.access.sign_in_routes import AccountSignIn
from engine.errors import UsageError
from engine.store import provider_people
from engine.store.people import People


class Way(Protocol):
    """One way in.

    paths : the addresses that it answers, with and without a session
    """

    paths: frozenset[str]

    async def serve(
        self, scope: Any, receive: Any, send: Any, *, session: Session | None, refused: RefusedRequests
    ) -> tuple[str, ...]:
        """Answer one request; return the numbers of the sessions that it ended."""

    async def stands(self, session: Session) -> bool:
        """Return whether a session goes on at a click."""


def way_in(people: People, folder: Path) -> Way:
    """Return the way that CASEBIND_SIGN_IN names; sessions end that began in another way or whose time is over.

    UsageError where the provider's settings cannot be used, or its extra is missing.
    """
    sessions.end_expired(people)
    if mode.sign_in() != "oidc":
        provider_people.end_others(people, "", time.time())
        return AccountSignIn(people)
    settings = settings_file.read(folder)
    check_extra()
    from engine.access.oidc.sign_in import ProviderSignIn

    provider_people.end_others(people, settings.issuer, time.time())
    return ProviderSignIn(people, settings)


def check_extra() -> None:
    """Raise UsageError where what speaks to a provider is not installed."""
    missing = [name for name in ("authlib", "httpx2") if find_spec(name) is None]
    if missing:
        raise UsageError(f"Sign-in at a provider needs {' and '.join(missing)}: pip install 'casebind[oidc]'.")
