"""Browsers by which somebody signed in before. Their attempts have a count of their own.

Whoever fails on purpose, at an account or from an address, keeps others waiting, but nobody who comes by a browser that
is known: it has a cookie with a number of its own and a mark for each account, which is an HMAC-SHA-256 of both under a
key of the workspace (device cookies, as OWASP has them). The cookie signs nobody in.
"""

from __future__ import annotations

import hmac
import re
import secrets

from engine.store.people import People

COOKIE = "casebind_known"
LASTS_S = 90 * 86400.0
MOST = 12  # accounts of a browser
KEY = "known browsers"
_FORM = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{64})+")


def known(people: People, cookie: str, name: str) -> str:
    """Return the number of a browser by which an account was signed in before; "" where it was not."""
    number, *marks = cookie.split(".") if _FORM.fullmatch(cookie) else [""]
    mark = _mark(people, number, name)
    return number if any(hmac.compare_digest(one, mark) for one in marks) else ""


def remembering(people: People, cookie: str, name: str) -> str:
    """Return a browser's cookie with a mark for an account that was signed in just now, the latest first."""
    number, *marks = cookie.split(".") if _FORM.fullmatch(cookie) else [secrets.token_hex(16)]
    mark = _mark(people, number, name)
    return ".".join((number, mark, *[one for one in marks if one != mark][: MOST - 1]))


def _mark(people: People, number: str, name: str) -> str:
    return hmac.digest(people.key(KEY), f"{number} {name}".encode(), "sha256").hex()
