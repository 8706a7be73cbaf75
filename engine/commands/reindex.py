"""casebind reindex: the workspace's studies under the installed release."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.shared import load_release, open_folder, workspace_option


@click.command("reindex")
@click.option("--shipped", is_flag=True, help="Leave a round's release for the newest shipped one.")
@workspace_option
def command(shipped: bool, workspace: Path | None) -> None:
    """Encode every study that the installed release has not encoded yet; may be stopped and started again.

    The codes that answered until now go on answering, in this process and in any after a stop, until all are there.
    Where a round's release serves, its codes are completed and it stays; `--shipped` leaves it for the shipped one.
    """
    with open_folder(workspace) as place:
        from tqdm import tqdm

        from engine.index.reindex import reindex
        from engine.serving import kept

        release = load_release() if shipped else kept(place, load_release())

        with tqdm(total=sum(place.counts().values()), desc=f"release {release.name}", leave=False) as progress:
            done = reindex(place, release, release.digest, progress)
    click.echo(f"{done} studies encoded with release {release.name}; the workspace is complete.")
