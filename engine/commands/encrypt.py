"""casebind encrypt SOURCE"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.consent.acts import carry_out
from engine.errors import UsageError, WorkspaceError
from engine.store.data_keys import FILE
from engine.store.key_source import checked, make_key_file

AT_ONCE_S = 10.0  # of work, after which the progress is said and others have their turn


@click.command("encrypt")
@click.argument("source", required=False, default="")
@click.option("--rotate", is_flag=True, help="Wrap the keys anew, under the workspace key from SOURCE.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workspace_option
def command(*, source: str, rotate: bool, as_json: bool, workspace: Path | None) -> None:
    """Encrypt study files, uploads, maps and reports: those that are there, and all that come.

    SOURCE says where the workspace key is: file:PATH outside of the workspace (made where it is not there),
    credential:NAME of systemd, or command:WORDS that prints it. Stopped at any moment, the same command goes on. The
    app may be running: it does the work, searches go on.
    """
    folder = workspace or settings.workspace_path()
    if rotate and not source:
        raise UsageError("Say by which key: casebind encrypt --rotate file:PATH.")
    if source:
        source = checked(source, folder)
        if (rotate or not (folder / FILE).exists()) and make_key_file(source):
            click.echo(
                f"A new key was made in {source.partition(':')[2]}: copy it to a safe elsewhere, not beside the "
                "backups. Without it nothing that is encrypted can be read.",
                err=True,
            )
    found = _worked(folder, source, rotate)
    if as_json:
        click.echo(json.dumps(found))
        return
    if "rotated" in found:
        click.echo(f"{found['rotated']:,} keys wrapped anew. Destroy the former key once no backup needs it.")
    click.echo(f"{found['done']:,} files encrypted; {found['keys']:,} keys, under the key from {found['source']}.")
    click.echo("The rest of the record is not encrypted: " + DISK[found["disk"]])


DISK = {
    True: "its disk is, by LUKS.",
    False: "its disk is not, as far as can be seen, so move the folder to an encrypted one.",
    None: "whether its disk is cannot be seen from here, so check that.",
}


def _worked(folder: Path, source: str, rotate: bool) -> dict[str, Any]:
    """Encrypt piece by piece until nothing is left; return what came of all pieces."""
    facts, done, before = {"source": source, "rotate": rotate, "seconds": AT_ONCE_S}, 0, -1
    rotated: dict[str, Any] = {}
    while True:
        found = carry_out(folder, "encrypt", facts, single_user().name)
        done += found["done"]
        rotated |= {name: found[name] for name in ("rotated",) if name in found}
        if not found["left"]:
            return {**found, **rotated, "done": done}
        if found["left"] == before:
            raise WorkspaceError(f"{before:,} files stay as they are: look at `casebind doctor`, and do it again.")
        before, facts = found["left"], {**facts, "source": "", "rotate": False}
        click.echo(f"{done:,} encrypted, {before:,} left", err=True)
