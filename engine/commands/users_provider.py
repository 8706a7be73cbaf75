"""casebind users provider"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from engine import settings
from engine.access import mode, ways
from engine.access.oidc import claims, settings_file
from engine.access.oidc.settings_file import ProviderSettings
from engine.commands.shared import workspace_option
from engine.errors import UsageError


@click.command("provider")
@click.option(
    "--claims",
    "claims_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with somebody's claims: print what they are worth here, and ask nobody.",
)
@workspace_option
def command(*, claims_file: Path | None, workspace: Path | None) -> None:
    """Check sign_in.toml, ask the provider what it offers, and print the addresses to enter there."""
    found = settings_file.read(workspace or settings.workspace_path())
    if claims_file is not None:
        click.echo(json.dumps(_worth(found, claims_file), ensure_ascii=False))
        return
    address = mode.public_address() or mode.DEFAULT_ADDRESS
    for label, value in (
        (
            "sign_in.toml",
            f"{len(found.roles)} values give roles, {len(found.departments)} a department,"
            f" {len(found.projects)} a project",
        ),
        ("provider", f"{found.name}, {found.issuer}"),
        *_offered(found),
        ("redirect", f"{address}/callback"),
        ("after sign-out", f"{address}/sign-in"),
        ("back-channel logout", f"{address}/backchannel-logout"),
    ):
        click.echo(f"{label:<20}{value}")


def _offered(found: ProviderSettings) -> list[tuple[str, str]]:
    """Return what the provider says it can do; UsageError where it cannot be asked."""
    ways.check_extra()
    from engine.access.oidc.provider import AwayError, Provider

    try:
        described = asyncio.run(Provider(found).described())
    except AwayError as problem:
        raise UsageError(f"{found.issuer} cannot be used: {problem}") from None
    yes = {True: "yes", False: "no"}
    return [
        ("ends sessions", f"{yes[bool(described.get('backchannel_logout_supported'))]}, by back-channel logout"),
        ("signs out", f"{yes['end_session_endpoint' in described]}, with its own session"),
        ("signs with", ", ".join(described["id_token_signing_alg_values_supported"])),
    ]


def _worth(found: ProviderSettings, file: Path) -> dict[str, Any]:
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise UsageError(f"{file} holds no JSON object of claims.")
    person = claims.person(found, {"sub": "", **given})
    return {"name": person.name, "roles": list(person.roles), "attributes": dict(person.attributes)}
