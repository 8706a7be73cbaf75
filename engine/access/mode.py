"""How people sign in, from the environment: nobody (`off`), by accounts of the workspace (`accounts`), or at the
hospital's own provider (`oidc`)."""

from __future__ import annotations

import ipaddress
import os
from typing import Literal, get_args
from urllib.parse import urlsplit

from engine.errors import UsageError, brief

SignIn = Literal["off", "accounts", "oidc"]
VARIABLE = "CASEBIND_SIGN_IN"
ADDRESS = "CASEBIND_ADDRESS"  # where users find the app, e.g. https://casebind.example
DEFAULT_ADDRESS = "http://localhost:8501"  # where `make app` serves
IDLE, WHOLE = "CASEBIND_IDLE_MINUTES", "CASEBIND_SESSION_HOURS"
IDLE_MINUTES, SESSION_HOURS = 15.0, 8.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def sign_in() -> SignIn:
    """Return what CASEBIND_SIGN_IN says, or "off"; UsageError for an unknown way."""
    found = os.environ.get(VARIABLE, "off")
    for known in get_args(SignIn):
        if found == known:
            return known
    raise UsageError(f"{VARIABLE} is {brief(found)!r}; set it to {' or '.join(get_args(SignIn))}.")


def idle_seconds() -> float:
    """Return after how long without a click a session ends: CASEBIND_IDLE_MINUTES, or 15 minutes."""
    return 60 * _positive(IDLE, IDLE_MINUTES)


def session_seconds() -> float:
    """Return how long a session lasts at most: CASEBIND_SESSION_HOURS, or 8 hours."""
    return 3600 * _positive(WHOLE, SESSION_HOURS)


def public_address() -> str:
    """Return CASEBIND_ADDRESS, where users find the app, or ""; UsageError where it is no http(s) address."""
    given = os.environ.get(ADDRESS, "").rstrip("/")
    parts = urlsplit(given)
    if given and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(f"{ADDRESS} is {brief(given)!r}; set it to an address such as https://casebind.example.")
    return given


def allowed_hosts() -> frozenset[str]:
    """Return the host names under which the app answers: those of this machine alone, and that of CASEBIND_ADDRESS.

    A page of a stranger whose name is made to point at 127.0.0.1 (DNS rebinding) asks under another one.
    """
    public = urlsplit(public_address()).hostname
    return frozenset((*LOOPBACK, *([public] if public else ())))


def check_listening(address: str) -> None:
    """Raise UsageError where the app would be served to other machines without a sign-in."""
    if sign_in() == "off" and not _is_loopback(address):
        raise UsageError(
            f"Without sign-in the app is served to this machine alone, not on {brief(address)!r};"
            f" set {VARIABLE}=accounts and add people with `casebind users add`, or to oidc, or serve it on 127.0.0.1."
        )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def _positive(variable: str, default: float) -> float:
    try:
        found = float(os.environ.get(variable, default))
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageError(f"{variable} is {brief(os.environ[variable])!r}; set it to a number above 0.")
    return found
