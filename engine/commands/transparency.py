"""casebind transparency"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import click

from engine.commands.shared import workspace_from_option, workspace_option
from engine.errors import UsageError


@click.command("transparency")
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release. [the newest]")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="HTML, PDF and JSON; or one file.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Signs it. [the key of the audit]")
@click.option("--unsigned", is_flag=True, help="Do not sign it.")
@click.option("--verify", "given", type=click.Path(path_type=Path, exists=True), metavar="FILE", help="Check a JSON.")
@workspace_option
def command(
    *,
    folder: Path | None,
    out: Path | None,
    key: Path | None,
    unsigned: bool,
    given: Path | None,
    workspace: Path | None,
) -> None:
    """Write a release's transparency report from its manifest, its recorded evaluations and the workspace.

    The Applied Model Card of the Coalition for Health AI, the source attributes of HTI-1, known failures, what was not
    measured, and changes since the release before; signed. With --workspace, what the collection is stands in it.
    """
    from engine.actor import single_user
    from engine.audit.key import key_path, signing_key
    from engine.model.release import load_release
    from engine.transparency.make import made, write
    from engine.transparency.sign import verify

    if given is not None:
        signer = verify(_read(given))
        click.echo(f"Whole; signed by {signer}." if signer else "Whole; nobody signed it.")
        return
    with ExitStack() as opened:
        place = None if workspace is None else opened.enter_context(workspace_from_option(workspace))
        signer_key = None if unsigned else signing_key(key_path(key))
        found = made(load_release(folder), place, signer_key, actor=single_user())
    try:
        written = write(found, out or Path())
    except OSError as error:
        raise UsageError(f"The report cannot be written ({error.strerror}): name another place by --out.") from error
    for path in written:
        click.echo(path)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is no report's JSON: name the file that `casebind transparency` wrote.")
    return found
