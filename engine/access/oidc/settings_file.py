"""`sign_in.toml` in the workspace: which provider people sign in at, and what its groups mean here.

docs/access.md has the file whole. What it says is checked when it is read: an unknown key, role or kind is an error, so
that nothing that was meant to narrow is passed over.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from engine.access import mode
from engine.access.accounts import ROLES
from engine.errors import UsageError, brief

FILE = "sign_in.toml"
LONGEST_AGE_MINUTES = 60.0  # for which the provider is taken at its word
SCOPES = "openid profile"
SIGN_OUT = ("provider", "here")
PROMPTS = ("", "login", "select_account")
Value = TypeVar("Value")
CLAIMS = {"roles": "groups", "department": "", "projects": "", "name": "preferred_username"}


@dataclass(frozen=True)
class ProviderSettings:
    """What `sign_in.toml` says.

    name          : what people call the provider; stands on the button
    issuer        : its address, as it calls itself
    scopes        : what is asked for, with openid among them
    ask_again_s   : after how long a click has the provider asked again
    sign_out      : "provider" signs out there too, "here" leaves that session alone
    prompt        : what the provider is asked to show each time: "login" a password, "select_account" the choice
    claims        : of CLAIMS → where the provider says it; "" for nowhere
    roles         : a value of the claim → roles here
    departments   : a value of the claim → the department's name here
    projects      : a value of the claim → the project's name here
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    ask_again_s: float
    sign_out: str
    prompt: str
    claims: Mapping[str, str]
    roles: Mapping[str, tuple[str, ...]]
    departments: Mapping[str, str]
    projects: Mapping[str, str]


def read(folder: Path) -> ProviderSettings:
    """Return what the file in a workspace's folder says; UsageError, one sentence, where it cannot be used."""
    path = folder / FILE
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{mode.VARIABLE} is oidc, and there is no {path}; docs/access.md has an example.") from None
    except (OSError, ValueError) as problem:
        raise UsageError(f"{path} cannot be read: {problem}.") from None
    try:
        return _settings(given, folder)
    except _WrongError as problem:
        raise UsageError(f"{path}: {problem}.") from None


def is_safe(address: str) -> bool:
    """Return whether an address is spoken to over TLS, or is on this machine."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in mode.LOOPBACK)
    )


class _WrongError(ValueError):
    """What is wrong with the file, without its name and full stop."""


def _settings(given: dict[str, Any], folder: Path) -> ProviderSettings:
    _check_keys("", given, ("provider", "claims", "roles", "departments", "projects"))
    provider = _table(given, "provider")
    known = ("name", "issuer", "client_id", "client_secret_file", "scopes", "ask_again_minutes", "sign_out", "prompt")
    _check_keys("provider.", provider, known)
    claims = _table(given, "claims")
    _check_keys("claims.", claims, tuple(CLAIMS))
    found = ProviderSettings(
        name=_word(provider, "name", urlsplit(_word(provider, "issuer")).hostname or ""),
        issuer=_issuer(provider),
        client_id=_word(provider, "client_id"),
        client_secret=_secret(folder / _word(provider, "client_secret_file")),
        scopes=_scopes(provider),
        ask_again_s=60 * _minutes(provider),
        sign_out=_one_of(provider, "sign_out", SIGN_OUT),
        prompt=_one_of(provider, "prompt", PROMPTS),
        claims={name: _word(claims, name, default) for name, default in CLAIMS.items()},
        roles=_mapped(given, "roles", _roles),
        departments=_mapped(given, "departments", _name),
        projects=_mapped(given, "projects", _name),
    )
    _check_use(found)
    return found


def _check_use(found: ProviderSettings) -> None:
    """Raise where nobody would have a role, or a table maps a claim that is not named."""
    if not found.roles:
        raise _WrongError("[roles] is empty, so nobody would come in; map a group to roles")
    for table, claim in (("departments", "department"), ("projects", "projects")):
        if getattr(found, table) and not found.claims[claim]:
            raise _WrongError(f"[{table}] maps values, and claims.{claim} does not say where they stand")


def _check_keys(place: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise _WrongError(f"there is no {place}{brief(key)}; known are {', '.join(known)}")


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise _WrongError(f"{name} is a table, written [{name}]")
    return found


def _word(given: Mapping[str, Any], name: str, default: str | None = None) -> str:
    found = given.get(name, default)
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise _WrongError(f"{name} is missing, or is no text in quotation marks")
    return found.strip()


def _issuer(provider: Mapping[str, Any]) -> str:
    found = _word(provider, "issuer")
    if not is_safe(found) or urlsplit(found).query or urlsplit(found).fragment:
        raise _WrongError(f"issuer is {brief(found)!r}; it is an https address without ? and #")
    return found


def _secret(path: Path) -> str:
    """Return the client's secret out of its own file, which others must not read."""
    try:
        mode_bits, found = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise _WrongError(f"client_secret_file {path} cannot be read") from None
    if mode_bits & 0o007:
        raise _WrongError(f"client_secret_file {path} can be read by everybody; run chmod 600 on it")
    if not found:
        raise _WrongError(f"client_secret_file {path} is empty")
    return found


def _scopes(provider: Mapping[str, Any]) -> str:
    found = _word(provider, "scopes", SCOPES)
    if "openid" not in found.split():
        raise _WrongError(f"scopes are {brief(found)!r}; openid must be among them")
    return found


def _minutes(provider: Mapping[str, Any]) -> float:
    found = provider.get("ask_again_minutes", LONGEST_AGE_MINUTES)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= LONGEST_AGE_MINUTES:
        raise _WrongError(f"ask_again_minutes is a number above 0 and at most {LONGEST_AGE_MINUTES:.0f}")
    return float(found)


def _one_of(provider: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    found = _word(provider, name, choices[0])
    if found not in choices:
        raise _WrongError(f"{name} is {brief(found)!r}; take {' or '.join(repr(one) for one in choices)}")
    return found


def _mapped(given: Mapping[str, Any], name: str, value: Callable[[str, Any], Value]) -> dict[str, Value]:
    return {key: value(f"{name}.{key}", one) for key, one in _table(given, name).items()}


def _roles(place: str, given: Any) -> tuple[str, ...]:
    wanted = [given] if isinstance(given, str) else given
    if not isinstance(wanted, list) or not wanted or not all(one in ROLES for one in wanted):
        raise _WrongError(f"{brief(place)} gives {brief(str(given))}; roles are {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in wanted)


def _name(place: str, given: Any) -> str:
    if not isinstance(given, str) or not given.strip() or "," in given:
        raise _WrongError(f"{brief(place)} is a name in quotation marks, without commas")
    return given.strip()
