"""casebind users add | list | roles | link | close | open | join | provider"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from engine import settings
from engine.access import accounts, mode
from engine.actor import single_user
from engine.commands import users_provider
from engine.commands.shared import workspace_option
from engine.errors import UsageError, WorkspaceError
from engine.store.people import Account, People

role_option = click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    metavar="R[,R]",
    help=f"Of {', '.join(accounts.ROLES)}; may be repeated.",
)
MANY = "project"  # the attribute that may have several values, joined by commas


@click.group("users")
def command() -> None:
    """Add, list and close accounts of people who sign in.

    The app may be running: what changes here counts there at the next click. What each role may see and do is
    written in policies (`casebind policy show`).
    """


@command.command("add")
@click.argument("name")
@role_option
@click.option(
    "--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="E.g. department=cardiology; may be repeated."
)
@workspace_option
def add(*, name: str, roles: tuple[str, ...], attributes: tuple[str, ...], workspace: Path | None) -> None:
    """Add an account, and print the one-time link by which its owner chooses a password."""
    with _people(workspace) as people:
        _print_link(accounts.add(people, name, _split(roles), _attributes(attributes), actor=single_user()))


@command.command("link")
@click.argument("name")
@workspace_option
def link(*, name: str, workspace: Path | None) -> None:
    """Print a new one-time link, for a password that was forgotten; earlier links are void."""
    with _people(workspace) as people:
        _print_link(accounts.new_link(people, name, actor=single_user()))


@command.command("roles")
@click.argument("name")
@role_option
@workspace_option
def roles(*, name: str, roles: tuple[str, ...], workspace: Path | None) -> None:
    """Give an account other roles."""
    with _people(workspace) as people:
        accounts.set_roles(people, name, _split(roles), actor=single_user())


@command.command("close")
@click.argument("name")
@workspace_option
def close(*, name: str, workspace: Path | None) -> None:
    """Close an account: its sessions end, and its name stays taken."""
    with _people(workspace) as people:
        accounts.close(people, name, actor=single_user())


@command.command("open")
@click.argument("name")
@workspace_option
def reopen(*, name: str, workspace: Path | None) -> None:
    """Open a closed account again; one of this workspace gets a link for a new password."""
    with _people(workspace) as people:
        if token := accounts.reopen(people, name, actor=single_user()):
            _print_link(token)


@command.command("join")
@click.argument("name")
@click.argument("comes_as")
@workspace_option
def join(*, name: str, comes_as: str, workspace: Path | None) -> None:
    """Let whoever the provider sends as COMES_AS go on as NAME, an account of this workspace that was theirs.

    COMES_AS is closed; what was made under it stays under that name.
    """
    with _people(workspace) as people:
        accounts.join(people, name, comes_as, actor=single_user())


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@workspace_option
def show(*, as_json: bool, workspace: Path | None) -> None:
    """List the accounts, closed ones too."""
    with _people(workspace) as people:
        found = people.accounts()
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        attributes = " ".join(f"{key}={value}" for key, value in one.attributes)
        source = f"from {one.issuer}" if one.issuer else ""
        click.echo("  ".join(part for part in (one.name, one.state, ",".join(one.roles), attributes, source) if part))


command.add_command(users_provider.command)


@contextmanager
def _people(workspace: Path | None) -> Iterator[People]:
    folder = workspace or settings.workspace_path()
    if not folder.is_dir():
        raise WorkspaceError(f"There is no workspace at {folder}; run `casebind demo`, or name another by --workspace.")
    people = People(folder)
    try:
        yield people
    finally:
        people.close()


def _print_link(token: str) -> None:
    days = accounts.LINK_LASTS_S // (24 * 3600)
    click.echo(f"{mode.public_address() or mode.DEFAULT_ADDRESS}/invitation?token={token}")
    click.echo(f"Give it to its owner alone: it sets the password once, within {days} days.", err=True)


def _split(roles: Sequence[str]) -> list[str]:
    return [role.strip() for role in ",".join(roles).split(",") if role.strip()]


def _attributes(given: Sequence[str]) -> dict[str, str]:
    """Return attributes by key; projects add up, any other key has one value."""
    known: dict[str, str] = {}
    for key, value in map(_pair, given):
        if key in known and key != MANY:
            raise UsageError(f"The attribute {key} is given more than once and has one value: give it once.")
        known[key] = f"{known[key]},{value}" if key in known else value
    return known


def _pair(given: str) -> tuple[str, str]:
    key, equals, value = given.partition("=")
    if not equals or not value:
        raise UsageError(f"{given!r} is no attribute; write it as department=cardiology.")
    return key, value


def _shown(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "state": account.state,
        "roles": list(account.roles),
        "attributes": dict(account.attributes),
        "from": account.issuer or "accounts",
        "subject": account.subject or None,
        "created_at": datetime.fromtimestamp(account.created_at, UTC).isoformat(timespec="seconds"),
    }
