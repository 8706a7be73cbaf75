"""casebind demo [--workspace DIR] [--if-missing]"""

from __future__ import annotations

from pathlib import Path

import click

from engine import settings
from engine.commands.shared import count_pairs, load_release, workspace_from_option, workspace_option


@click.command("demo")
@click.option("--if-missing", is_flag=True, help="Do nothing where the workspace is there and up to date.")
@workspace_option
def command(if_missing: bool, workspace: Path | None) -> None:
    """Build the shipped workspace, a synthetic cohort, from data/demo."""
    folder = (workspace or settings.workspace_path()).expanduser().resolve()
    from engine.store.database import FILE_NAME
    from engine.workspace.demo import build, is_up_to_date

    release = load_release()
    if if_missing and is_up_to_date(folder, settings.DEMO, release.digest):
        click.echo(f"The workspace {folder} is ready.")
        return
    if (folder / FILE_NAME).is_file():
        workspace_from_option(folder).close()  # says what was damaged
    from tqdm import tqdm

    from engine.workspace.manifest import read_manifest

    with tqdm(total=len(read_manifest(settings.DEMO)), desc="shipped workspace", unit="study", leave=False) as progress:
        summary = build(folder, settings.DEMO, release, release.digest, progress)
    with workspace_from_option(folder) as place:
        count_pairs(place)
    click.echo(
        f"The workspace {folder} holds {summary.ingested + summary.already} synthetic studies, encoded with release "
        f"{release.name}"
        + (f"; {summary.set_aside} are set aside by the quality gate" if summary.set_aside else "")
        + (f"; {len(summary.skipped)} were skipped, see {folder / 'reports'}." if summary.skipped else ".")
    )
