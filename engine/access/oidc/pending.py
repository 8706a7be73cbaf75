"""Sign-ins that a browser has begun: kept in a cookie of ten minutes, sealed under a key of this process.

A few at once, so that two tabs may sign in side by side. An entry is used once; a callback without one is of another
browser, of an old page or made up.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

from authlib.integrations.starlette_client import StarletteIntegration

from engine.access.oidc.sealed import Seal

COOKIE = "casebind_pending"
LASTS_S = 600.0
MOST = 3  # begun at once by one browser
LONGEST = 3800  # characters of the cookie; browsers keep 4,096 with its name
KEPT = ("redirect_uri", "code_verifier", "nonce", "then", "use", "reason")

Begun = dict[str, dict[str, Any]]  # state → what was begun with it, the oldest first


def entry(begun: Begun, state: str) -> dict[str, Any] | None:
    """Return what was begun with a state; None where nothing was, or too long ago."""
    found = begun.get(state)
    return found if found is not None and found["until"] > time.time() else None


class InCookie(StarletteIntegration):
    """Where Authlib keeps what belongs to a state: in the request's `session`, which is a `Begun`."""

    async def get_state_data(self, session: Begun | None, state: str) -> dict[str, Any] | None:
        """Return what was begun with a state; None where nothing was, or too long ago."""
        return entry(session or {}, state)

    async def set_state_data(self, session: Begun | None, state: str, data: dict[str, Any]) -> None:
        """Keep what a sign-in needs when it comes back; the oldest beyond MOST goes."""
        if session is not None:
            session[state] = {name: data[name] for name in KEPT} | {"until": time.time() + LASTS_S}
            for old in list(session)[:-MOST]:
                del session[old]

    async def clear_state_data(self, session: Begun | None, state: str) -> None:
        """Use a state up."""
        (session or {}).pop(state, None)


class PendingCookie:
    """Writes and reads the cookie's value; a restart of the app makes all of them worth nothing."""

    def __init__(self) -> None:
        self._seal = Seal(secrets.token_bytes(32), "begun sign-ins")

    def value(self, begun: Begun) -> str:
        """Return what the cookie holds of begun sign-ins, the newest of them where not all fit."""
        kept = dict(begun)
        while True:
            value = base64.urlsafe_b64encode(self._seal.close(kept, COOKIE)).decode()
            if len(value) <= LONGEST or not kept:
                return value
            del kept[next(iter(kept))]

    def begun(self, value: str | None) -> Begun:
        """Return the begun sign-ins of a cookie; none where it is missing or was not written by this process."""
        try:
            return self._seal.open(base64.urlsafe_b64decode(value or ""), COOKIE) or {}
        except ValueError:
            return {}
