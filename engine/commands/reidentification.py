"""casebind reidentification keys | open"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.errors import UsageError

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("reidentification")
def command() -> None:
    """Make the privacy officer's keys; open a file that says which ids pseudonyms stand for.

    `casebind ingest --reidentification FILE --officer-key PUBLIC` writes such a file. To open it needs no workspace: do
    that on the officer's own machine.
    """


@command.command("keys")
@click.argument("private", type=FILE)
@click.argument("public", type=FILE)
def keys(private: Path, public: Path) -> None:
    """Write a new pair of keys to the files PRIVATE and PUBLIC."""
    from engine.workspace.reidentification import make_keys

    make_keys(private, public)
    click.echo(f"Keep {private} with the privacy officer alone, with a copy in a safe; give {public} to the workspace.")


@command.command("open")
@click.argument("file", type=FILE)
@click.argument("pseudonyms", nargs=-1)
@click.option("--key", "private", type=FILE, required=True, help="The officer's private key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(*, file: Path, pseudonyms: tuple[str, ...], private: Path, as_json: bool) -> None:
    """Print which ids the PSEUDONYMS in a FILE stand for, or all of them."""
    from engine.workspace.reidentification import read

    found = read(file, private)
    if missing := set(pseudonyms) - {one for _, one in found}:
        raise UsageError(f"{min(missing)} is not in {file.name}: look in the file of the ingest that brought it in.")
    chosen = {one: value for one, value in found.items() if not pseudonyms or one[1] in pseudonyms}
    if as_json:
        rows = [{"what": what, "pseudonym": one, "id": value} for (what, one), value in chosen.items()]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for (what, one), value in chosen.items():
        click.echo(f"{what}  {one}  {value}")
