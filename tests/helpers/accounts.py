"""Accounts as `casebind users` makes them, and requests to a server behind the gate as any program sends them."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from click.testing import CliRunner

from engine.cli import casebind

PASSWORD = "four unrelated words stand here"


def users(*words: str) -> str:
    """Run `casebind users …` and return what it prints."""
    done = CliRunner().invoke(casebind, ["users", *words])
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def invite(workspace: Path, name: str, role: str = "clinician") -> str:
    """Add an account and return the token of its one-time link."""
    link = users("add", name, "--role", role, "--workspace", str(workspace)).splitlines()[0]
    return parse_qs(urlsplit(link).query)["token"][0]


def ask(
    url: str, path: str, method: str = "GET", *, form: dict[str, str] | None = None, **headers: str
) -> http.client.HTTPResponse:
    """Send one request, headers with - for _, and return its answer, read, with the body as `text`; follows nothing."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if form is not None:
        named.setdefault("content-type", "application/x-www-form-urlencoded")
    connection.request(method, path, urlencode(form) if form is not None else None, named)
    answer: Any = connection.getresponse()
    answer.text = answer.read().decode("utf-8", errors="replace")
    connection.close()
    return answer  # type: ignore[no-any-return]


def cookie_of(answer: http.client.HTTPResponse) -> str:
    """Return the session's cookie that an answer sets, as a Cookie header."""
    found = [one.split(";")[0] for one in answer.headers.get_all("set-cookie", ()) if "casebind_session=" in one]
    assert len(found) == 1, answer.headers.items()
    return found[0]


def sign_in(url: str, name: str, password: str = PASSWORD) -> str:
    """Sign in and return the cookie."""
    answer = ask(url, "/sign-in", "POST", form={"name": name, "password": password})
    assert answer.status == 303, answer.text  # type: ignore[attr-defined]
    return cookie_of(answer)


def who(url: str, cookie: str) -> str | None:
    """Return who a cookie stands for; None for nobody."""
    answer = ask(url, "/session", cookie=cookie)
    return json.loads(answer.text)["name"] if answer.status == 200 else None  # type: ignore[attr-defined]
