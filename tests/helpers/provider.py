"""A real OpenID Connect provider on loopback (oidc-provider-mock), and what a hospital's IT writes for it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import flask
import requests
from helpers.accounts import ask
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import app as provider_app
from werkzeug.serving import make_server

from engine.access.oidc.provider import LOGOUT
from engine.access.oidc.settings_file import FILE

CLIENT, SECRET = "casebind", "a secret of the client"
SETTINGS = """
[provider]
name = "Hospital"
issuer = "{issuer}"
client_id = "casebind"
client_secret_file = "oidc-secret"
{more}
[claims]
roles = "groups"
department = "unit"
projects = "groups"
[roles]
"rad-doctors" = ["clinician", "rater"]
"rad-readers" = "clinician"
"it" = "administrator"
[departments]
"RAD" = "radiology"
[projects]
"study-42" = "afib"
"""

DOCTOR = {"groups": ["rad-doctors", "study-42", "canteen"], "unit": "RAD"}


@dataclass
class Hospital:
    """A running provider.

    asked           : (path, fields) of what was asked of it, in order
    is_away         : it answers 503 to everything
    refresh_lasts_s : what it says of its refresh tokens, as Keycloak does; 0 for nothing
    speaks_by_token : groups stand in identity tokens, also in those that come with a refreshed one, and not in userinfo
    forge           : what it sends in place of an identity token with these claims
    """

    url: str
    app: flask.Flask
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    is_away: bool = False
    refresh_lasts_s: int = 0
    speaks_by_token: bool = False
    forge: Callable[[dict[str, Any]], str] | None = None

    @property
    def key(self) -> RSAKey:
        """The key that it signs by."""
        return RSAKey.import_key(self._storage().jwk.as_dict(is_private=True))

    def _storage(self) -> Any:
        with self.app.test_request_context():
            self.app.preprocess_request()
            return flask.g.oidc_provider_mock_storage

    def sign(self, claims: dict[str, Any]) -> str:
        """Return claims as a token that it signed."""
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self._storage().jwk.as_dict()["kid"]}, kept, self.key)

    def has(self, subject: str, **claims: Any) -> None:
        """Give somebody claims; earlier ones go."""
        requests.put(f"{self.url}/users/{subject}", json=claims, timeout=20).raise_for_status()

    def revoke(self, subject: str) -> None:
        """Take away what tokens somebody's sessions hold."""
        requests.post(f"{self.url}/users/{subject}/revoke-tokens", timeout=20).raise_for_status()

    def logout_token(self, **changes: Any) -> str:
        """Return a message, signed as the provider signs, that ends sessions."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": os.urandom(8).hex()}
        claims |= {"events": {LOGOUT: {}}}
        claims |= changes
        return self.sign(claims)


@contextmanager
def hospital() -> Iterator[Hospital]:
    """Run a provider in this process."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the provider's own check of https
    app = provider_app(require_nonce=True)
    app.debug = False
    found = Hospital("", app)

    @app.before_request
    def note() -> tuple[str, int] | None:
        if found.is_away:
            return "", 503
        values = {**flask.request.args.to_dict(), **flask.request.form.to_dict()}
        found.asked.append((flask.request.path, values))
        return None

    @app.after_request
    def as_others_do(answer: flask.Response) -> flask.Response:
        if found.refresh_lasts_s and flask.request.path == "/oauth2/token":
            answer.data = json.dumps({**answer.get_json(), "refresh_expires_in": found.refresh_lasts_s})
        if found.forge and flask.request.path == "/oauth2/token":
            given = answer.get_json()
            claims = dict(jwt.decode(given["id_token"], key=found.key).claims)
            answer.data = json.dumps({**given, "id_token": found.forge(claims)})
        if found.speaks_by_token and flask.request.path == "/userinfo" and answer.status_code == 200:
            answer.data = json.dumps({"sub": answer.get_json()["sub"]})
        elif found.speaks_by_token and flask.request.form.get("grant_type") == "refresh_token":
            storage = flask.g.oidc_provider_mock_storage
            given, now = answer.get_json(), int(time.time())
            user = storage.get_user(storage.get_access_token(given["access_token"]).user_id)
            claims = {"iss": found.url, "aud": CLIENT, "sub": user.sub, "iat": now, "exp": now + 60, **user.claims}
            answer.data = json.dumps({**given, "id_token": found.sign(claims)})
        return answer

    server = make_server("localhost", 0, app, threaded=True)
    found.url = f"http://localhost:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def write_settings(folder: Path, issuer: str, more: str = "") -> None:
    """Write sign_in.toml and the client's secret into a workspace."""
    (folder / FILE).write_text(SETTINGS.format(issuer=issuer, more=more), encoding="utf-8")
    secret = folder / "oidc-secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)


@dataclass
class Visitor:
    """A browser without a screen: its cookies, and what it was told last."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, method: str = "GET", **more: Any) -> Any:
        """Send one request with the cookies, and keep those that come back."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = ask(self.url, path, method, cookie=cookie, accept="text/html", **more)
        for one in answer.headers.get_all("set-cookie", ()):
            name, _, value = one.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def leave(self, then: str = "/", **purpose: str) -> str:
        """Press the button of the sign-in page; return the address at the provider."""
        page = self.ask("/sign-in", "POST", form={"then": then, **purpose})
        assert page.status == 200, page.text
        return str(page.headers["refresh"]).removeprefix("0;url=")

    def agreed(self, address: str, subject: str) -> str:
        """Say at the provider who it is; return path and query of the way back."""
        answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    def sign_in(self, subject: str, then: str = "/", **purpose: str) -> Any:
        """Go all the way; return the answer to the callback."""
        return self.ask(self.agreed(self.leave(then, **purpose), subject))

    def name(self) -> str | None:
        """Return as whom this browser is signed in."""
        answer = self.ask("/session")
        return json.loads(answer.text)["name"] if answer.status == 200 else None


def alert(page: Any) -> str:
    """Return the one sentence of a sign-in page."""
    assert 'data-page="provider"' in page.text, page.text
    return re.search(r'role="alert">([^<]*)', page.text)[1]  # type: ignore[index]
