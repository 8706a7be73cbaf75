"""What a provider's claims about somebody mean here. What sign_in.toml does not name gives nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from engine.access.accounts import ROLES
from engine.access.oidc.settings_file import ProviderSettings
from engine.store.provider_people import ProviderPerson

LONGEST_NAME = 40  # letters
NOBODY = "person"  # the name of an account whose provider names nobody


def person(settings: ProviderSettings, claims: Mapping[str, Any]) -> ProviderPerson:
    """Return somebody by the claims of the provider, which have been checked; without a known group no role.

    Raises KeyError where the claims name no subject.
    """
    roles = {role for value in _values(claims, settings.claims["roles"]) for role in settings.roles.get(value, ())}
    departments = _known(settings.departments, claims, settings.claims["department"])
    projects = _known(settings.projects, claims, settings.claims["projects"])
    attributes = {"department": departments[0] if len(departments) == 1 else "", "project": ",".join(projects)}
    return ProviderPerson(
        issuer=settings.issuer,
        subject=str(claims["sub"]),
        name=_account_name(claims, settings.claims["name"]),
        roles=tuple(role for role in ROLES if role in roles),
        attributes={key: value for key, value in attributes.items() if value},
    )


def _known(table: Mapping[str, str], claims: Mapping[str, Any], place: str) -> list[str]:
    """Return the names that a claim's values stand for, once each, in order."""
    return sorted({table[value] for value in _values(claims, place) if value in table})


def _values(claims: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """Return the texts of a claim: of that very name, or, with dots, of a claim within claims."""
    found = claims.get(place)
    if found is None:
        found = claims
        for name in place.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return tuple(one for one in listed if isinstance(one, str))


def _account_name(claims: Mapping[str, Any], place: str) -> str:
    """Return what an account may be called: small letters and digits, the part before the @."""
    for one in (*_values(claims, place), *_values(claims, "name")):
        plain = unicodedata.normalize("NFKD", one.split("@")[0]).encode("ascii", "ignore").decode().lower()
        if name := re.sub(r"[^a-z0-9]+", ".", plain).strip(".")[:LONGEST_NAME].strip("."):
            return name
    return NOBODY
