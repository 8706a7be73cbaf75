"""casebind reindex [--shipped] [--who NAME]: the workspace's studies under the installed release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.promotion import wait_with_progress
from engine.commands.shared import count_pairs, load_release, workspace_from_option, workspace_option

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.workspace.rejudge import Rejudgement
    from engine.workspace.workspace import Workspace


@click.command("reindex")
@click.option("--shipped", is_flag=True, help="Leave a round's release for the newest shipped one.")
@click.option("--who", default=SINGLE_USER, help="Who does it.", show_default=True)
@workspace_option
def command(shipped: bool, who: str, workspace: Path | None) -> None:
    """Encode every study that the installed release has not encoded yet; may be stopped and started again.

    The codes that answered until now go on answering, in this process and in any after a stop, until all are there.
    Where a round's release serves, its codes are completed and it stays; `--shipped` leaves it for the shipped one.
    Another release that takes over is on record, and `casebind releases rollback` leads back.
    Studies that another quality gate judged are judged again; those it refuses now are set aside, none is deleted.
    """
    with workspace_from_option(workspace) as place:
        from engine.workspace.serving import release_to_renew

        release = load_release() if shipped else release_to_renew(place, load_release())
        served = place.releases.serving()
        if served is None or served[1] == release.digest:
            done = _completed(place, release)
        else:
            from engine.learning import promotion

            moving = promotion.start_reindex(place, release, Actor(who), served[1])
            wait_with_progress(moving)
            done = moving.encoded
        again = _judged_again(place)
        count_pairs(place)
    click.echo(f"{done} studies encoded with release {release.name}; the workspace is complete.")
    if again.judged:
        click.echo(again.sentence)


def _completed(workspace: Workspace, release: Release) -> int:
    """Encode what the serving release lacks, or everything where none serves yet; return how many."""
    from tqdm import tqdm

    from engine.workspace.reindex import reindex

    with tqdm(total=sum(workspace.all_counts().values()), desc=f"release {release.name}", leave=False) as progress:
        return reindex(workspace, release, release.digest, progress)


def _judged_again(workspace: Workspace) -> Rejudgement:
    """Judge what another gate judged, with a bar."""
    from tqdm import tqdm

    from engine.workspace.rejudge import outdated, rejudge

    with tqdm(total=outdated(workspace), desc="quality gate", unit="study", leave=False) as progress:
        return rejudge(workspace, progress)
