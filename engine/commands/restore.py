"""casebind restore DIR INTO"""

from __future__ import annotations

from pathlib import Path

import click

from engine.actor import single_user
from engine.errors import CasebindError


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("into", type=click.Path(path_type=Path))
@click.option(
    "--erased",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="erased.json of the workspace that is replaced, where it can still be read; may be given again.",
)
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="FILE", help="A checkpoint of the audit kept elsewhere."
)
def command(*, backup: Path, into: Path, erased: tuple[Path, ...], against: Path | None) -> int:
    """Restore a backup, or the newest one in DIR, into the folder INTO, which must be empty or not there.

    Every digest and the chain of the audit are verified; who was erased since is erased again, as far as later backups
    or --erased know of it; everybody signs in anew. Then the workspace is checked as `casebind doctor` does.
    Stopped at any moment, INTO is not there, and the same command begins again.
    """
    from engine.audit.checkpoint import read_checkpoint
    from engine.commands.doctor import check_workspace
    from engine.upkeep.restore import chosen, restore

    anchor = read_checkpoint(against) if against else None
    done = restore(chosen(backup), into, actor=single_user(), erased=erased, against=anchor)
    manifest = done.manifest
    click.echo(
        f"{into}: the state of {manifest.made} UTC, {len(manifest.files):,} files, audit whole up to row "
        f"{manifest.rows:,}; {done.erased:,} erasures done again."
    )
    if done.accounts:
        click.echo(
            "Accounts and roles are those of that moment, and everybody signs in anew: close again who was closed "
            "since (`casebind users list`)."
        )
    return 0 if check_workspace(into) else CasebindError.exit_status
