"""The provider: what is asked of it, by Authlib's client for Starlette, and what counts as an answer.

An answer is one of three: what it says, a refusal (`ProviderRefusedError`), or nothing that can be used (`AwayError`):
it is down, unreachable or misconfigured. Whoever asks decides what each means.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from starlette.requests import Request

from engine.access.oidc.pending import InCookie
from engine.access.oidc.settings_file import ProviderSettings, is_safe
from engine.errors import CasebindError

ANSWERS_IN_S = 5.0
CLOCKS_DIFFER_S = 120
LOGOUT_LASTS_S = 600.0  # a token that ends sessions is taken for so long after it was written
AGAIN_AFTER_S = 10.0  # a provider that was away is left alone for so long; so are its keys
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
PASSING = ("temporarily_unavailable", "server_error", "slow_down")  # errors that say nothing of the person
Answer = TypeVar("Answer")


class ProviderRefusedError(CasebindError):
    """The provider, or a check of what came from it, says no."""


class AwayError(CasebindError):
    """The provider cannot be asked now."""


@dataclass(frozen=True)
class ProviderTokens:
    """What the provider gave to ask it again with; never shown, kept sealed.

    refresh : "" where it gives none
    id      : the last identity token, by which it knows whom to sign out
    lasts_s : how long the refresh token can be used; 0 where the provider does not say
    """

    access: str
    refresh: str
    id: str
    lasts_s: float


@dataclass(frozen=True)
class Said:
    """What the provider says about somebody: claims that were checked, and tokens to ask again with."""

    claims: dict[str, Any]
    tokens: ProviderTokens


@dataclass(frozen=True)
class Ended:
    """Whose sessions the provider ended: a person's, one of theirs, or "" for either that it does not name."""

    subject: str
    sid: str


class _OAuth(OAuth):
    framework_integration_cls = InCookie


class Provider:
    """One provider, as sign_in.toml names it; nothing is asked of it before somebody signs in."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._client = _OAuth().register(
            "provider",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": settings.scopes, "code_challenge_method": "S256", "timeout": ANSWERS_IN_S},
        )
        self._away_until = self._keys_until = 0.0
        self._seen: dict[str, float] = {}  # jti of a logout token → until when it is remembered

    async def described(self) -> dict[str, Any]:
        """Return what the provider publishes about itself; AwayError where it cannot be asked or is another one."""
        described: dict[str, Any] = self._client.server_metadata
        if "_loaded_at" not in described:
            if time.monotonic() < self._away_until:
                raise AwayError(f"{self.settings.name} was away a moment ago.")
            try:
                described = await _answered(self._client.load_server_metadata())
                self._check_description(described)
            except AwayError:
                self._client.server_metadata.pop("_loaded_at", None)
                self._away_until = time.monotonic() + AGAIN_AFTER_S
                raise
        return described

    def _check_description(self, described: dict[str, Any]) -> None:
        """Raise AwayError for a description that cannot be used; hold the client to safe ways of what it offers."""
        if described.get("issuer") != self.settings.issuer:
            raise AwayError(f"The provider calls itself {described.get('issuer')}, not {self.settings.issuer}.")
        needed = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
        for name in [*needed, *({"userinfo_endpoint"} & described.keys())]:
            if not is_safe(str(described.get(name, ""))):
                raise AwayError(f"The provider's {name} is no https address.")
        offered = described.get("id_token_signing_alg_values_supported") or ["RS256"]
        described["id_token_signing_alg_values_supported"] = [one for one in offered if one in SIGNED_BY]
        ways = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in ways and "client_secret_post" in ways:
            self._client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"

    async def begin(self, request: Request, back_to: str, **kept: str) -> str:
        """Return the address at the provider where somebody signs in; what belongs to it goes into the session.

        back_to : the address of the callback
        kept    : handed back by the session when the sign-in comes back
        """
        await self.described()
        asked = {"prompt": self.settings.prompt} if self.settings.prompt else {}
        made = await self._client.create_authorization_url(back_to, **asked)
        await self._client.save_authorize_data(request, redirect_uri=back_to, **made, **kept)
        return str(made["url"])

    async def finish(self, request: Request) -> Said:
        """Return who came back, once state, nonce, signature, issuer, audience and times were checked."""
        described = await self.described()
        expected = self._expected()
        given = await _answered(self._client.authorize_access_token(request, claims_options=expected))
        if not given.get("userinfo"):
            raise ProviderRefusedError("The provider sent no identity token.")
        return await self._said(described, given, dict(given["userinfo"]))

    async def ask_again(self, tokens: ProviderTokens, subject: str) -> Said:
        """Return what the provider says of somebody now; ProviderRefusedError where it stands by them no more."""
        described = await self.described()
        given, claims = {"access_token": tokens.access, "id_token": tokens.id}, {}
        if tokens.refresh:
            asking = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
            fresh = await _answered(self._client.fetch_access_token(**asking))
            if "id_token" in fresh:
                parsing = self._client.parse_id_token(fresh, nonce=None, claims_options=self._expected())
                claims = dict(await _answered(parsing))
            given = {**given, "refresh_token": tokens.refresh, **fresh}
        elif "userinfo_endpoint" not in described:
            raise ProviderRefusedError("The provider gave nothing to ask it again with.")
        return await self._said(described, given, {"sub": subject, **claims}, subject)

    async def _said(
        self, described: dict[str, Any], given: dict[str, Any], claims: dict[str, Any], subject: str = ""
    ) -> Said:
        """Return the claims of an identity token with those that the provider's userinfo adds, about one subject."""
        access = str(given.get("access_token", ""))
        if "userinfo_endpoint" in described:
            bare = {"access_token": access, "token_type": "Bearer"}  # so that Authlib does not refresh it by itself
            claims |= _of_one(claims, await _answered(self._client.userinfo(token=bare)))
        if not claims.get("sub") or (subject and claims["sub"] != subject):
            raise ProviderRefusedError("The provider speaks of somebody else.")
        refresh, token = (str(given.get(name) or "") for name in ("refresh_token", "id_token"))
        lasts = given.get("refresh_expires_in") if refresh else None
        lasts_s = float(lasts) if isinstance(lasts, int | float) else 0.0
        return Said(claims, ProviderTokens(access, refresh, token, lasts_s))

    async def sign_out_address(self, tokens: ProviderTokens, back_to: str) -> str:
        """Return where the provider ends its own session; "" where it has no such address or cannot be asked."""
        try:
            described = await self.described()
        except AwayError:
            return ""
        if not is_safe(str(described.get("end_session_endpoint", ""))):
            return ""
        known = {"id_token_hint": tokens.id or None, "client_id": self.settings.client_id}
        made = await self._client.create_logout_url(post_logout_redirect_uri=back_to, **known)
        return str(made["url"])

    async def ended(self, token: str) -> Ended:
        """Return whose sessions a logout token ends; ProviderRefusedError where it is another's, or was used."""
        described = await self.described()
        claims = await self._logout_claims(token, described["id_token_signing_alg_values_supported"])
        audience, now = claims.get("aud"), time.time()
        written = claims.get("iat")
        is_ours = claims.get("iss") == self.settings.issuer and self.settings.client_id in (
            audience if isinstance(audience, list) else [audience]
        )
        is_new = isinstance(written, int | float) and -CLOCKS_DIFFER_S < now - written < LOGOUT_LASTS_S
        ends = claims.get("exp", now)
        is_new &= isinstance(ends, int | float) and now < ends + CLOCKS_DIFFER_S
        events = claims.get("events")
        is_logout = isinstance(events, dict) and isinstance(events.get(LOGOUT), dict) and "nonce" not in claims
        subject, sid = (one if isinstance(one := claims.get(name), str) else "" for name in ("sub", "sid"))
        if not (is_ours and is_new and is_logout and (subject or sid) and self._is_first(claims.get("jti"))):
            raise ProviderRefusedError("That is no token of this provider that ends sessions now.")
        return Ended(subject, sid)

    async def _logout_claims(self, token: str, ways: list[str]) -> dict[str, Any]:
        """Return the claims of a signed token; where its key is unknown the provider's keys are asked for anew."""
        for forced in (False, True):
            if forced:
                if time.monotonic() < self._keys_until:
                    break
                self._keys_until = time.monotonic() + AGAIN_AFTER_S
            published = await _answered(self._client.fetch_jwk_set(force=forced))
            try:
                keys = KeySet.import_key_set(published)
                registry = JWSRegistry(algorithms=ways, strict_check_header=False)
                return dict(jwt.decode(token, key=keys, registry=registry).claims)
            except InvalidKeyIdError:
                continue
            except (JoseError, ValueError, TypeError, KeyError) as problem:
                raise ProviderRefusedError(f"That token cannot be checked: {type(problem).__name__}.") from None
        raise ProviderRefusedError("That token has no key of this provider.")

    def _is_first(self, number: object) -> bool:
        """Return whether a logout token was not used before; one without a number never is."""
        now = time.monotonic()
        self._seen = {one: until for one, until in self._seen.items() if until > now}
        if not isinstance(number, str) or not number or number in self._seen:
            return False
        self._seen[number] = now + LOGOUT_LASTS_S + CLOCKS_DIFFER_S
        return True

    def _expected(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "values": [self.settings.issuer]},
            "aud": {"essential": True, "values": [self.settings.client_id]},
        }


def _of_one(claims: dict[str, Any], told: Any) -> dict[str, Any]:
    """Return what userinfo says; ProviderRefusedError where it is about somebody else than the identity token."""
    found = dict(told)
    if found.get("sub") != claims.get("sub"):
        raise ProviderRefusedError("The provider speaks of two people at once.")
    return found


async def _answered(asked: Awaitable[Answer]) -> Answer:
    """Return an answer of the provider; AwayError or ProviderRefusedError where it is none."""
    try:
        return await asked
    except OAuthError as problem:
        kind = AwayError if problem.error in PASSING else ProviderRefusedError
        raise kind(f"The provider answers {str(problem.error)[:60]}.") from None
    except httpx2.HTTPStatusError as problem:
        status = problem.response.status_code
        kind = ProviderRefusedError if status in (400, 401, 403) else AwayError
        raise kind(f"The provider answers {status}.") from None
    except JoseError as problem:
        raise ProviderRefusedError(f"What the provider sent does not hold: {type(problem).__name__}.") from None
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError, KeyError, TypeError) as problem:
        raise AwayError(f"The provider cannot be asked: {type(problem).__name__}.") from None
