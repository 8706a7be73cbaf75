"""casebind backup DIR"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.errors import WorkspaceError

NAMED = 3  # missing files


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Delete older ones than the last N afterwards.")
@click.option("--check", is_flag=True, help="Make none; read every byte of the newest one and compare its digests.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workspace_option
def command(*, directory: Path, keep: int | None, check: bool, as_json: bool, workspace: Path | None) -> None:
    """Make a backup of the workspace as a new folder in DIR; for a nightly timer.

    The app may be running: it copies the database as it is at one moment, and searches and marks go on. A backup is
    whole or not there. Content files that did not change are hard links to the backup before. Nothing in it is
    encrypted, so keep DIR on an encrypted disk.
    """
    from engine.upkeep.restore import check as check_whole
    from engine.upkeep.restore import chosen

    if check:
        path = chosen(directory)
        manifest = check_whole(path)
        facts = {"backup": str(path), "made": manifest.made, "files": len(manifest.files), "bytes": manifest.bytes}
        words = f"{path}: all {len(manifest.files):,} files and the audit are whole."
        click.echo(json.dumps(facts) if as_json else words)
        return
    _make(directory, keep, as_json, workspace or settings.workspace_path())


def _make(directory: Path, keep: int | None, as_json: bool, folder: Path) -> None:
    from engine.consent.acts import carry_out
    from engine.upkeep.backup import back_up

    actor = single_user()

    def copy() -> Path:
        return Path(carry_out(folder, "copy", {}, actor.name)["file"])

    made = back_up(folder, directory, copy, actor=actor, keep=keep)
    manifest = made.manifest
    facts = {
        "backup": str(made.path),
        "made": manifest.made,
        "files": len(manifest.files),
        "bytes": manifest.bytes,
        "linked": made.linked,
        "dropped": made.dropped,
        "missing": list(manifest.missing),
    }
    words = (
        f"{made.path}: {len(manifest.files):,} files, {manifest.bytes / 1e6:,.1f} MB, {made.linked:,} of them shared "
        f"with the backup before; {made.dropped:,} older ones deleted."
    )
    click.echo(json.dumps(facts) if as_json else words)
    if manifest.missing:
        named = ", ".join(manifest.missing[:NAMED])
        raise WorkspaceError(
            f"The backup was made, but {len(manifest.missing):,} files that the record names are not there ({named}): "
            "see `casebind doctor`."
        )
