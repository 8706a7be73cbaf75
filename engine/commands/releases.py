"""casebind releases [--json] · casebind releases promote NAME [--despite REASON] · casebind releases rollback [NAME]"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.shared import open_folder, workspace_option
from engine.errors import CasebindError, UsageError

if TYPE_CHECKING:
    from engine.index.workspace import Workspace
    from engine.learning.promotion import Moving
    from engine.learning.timeline import Entry

LOOK_S = 0.2  # between two looks at a takeover


@click.group("releases", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
@click.pass_context
def command(context: click.Context, as_json: bool, workspace: Path | None) -> None:
    """List the releases of a workspace: which serves, what rounds made, who put them in place."""
    if context.invoked_subcommand is not None:
        return
    with open_folder(workspace) as place:
        from engine.learning.timeline import timeline

        entries = timeline(place)
    click.echo(json.dumps([_object(one) for one in entries]) if as_json else "\n".join(map(_line, entries)))


@command.command("promote")
@click.argument("name")
@click.option("--despite", "reason", default="", metavar="REASON", help="Why, although guards fell; it is kept.")
@click.option("--who", default="local", help="Who does it.", show_default=True)
@workspace_option
def promote_command(name: str, reason: str, who: str, workspace: Path | None) -> None:
    """Let a round's release take over. The old codes answer until the new ones are all there."""
    with open_folder(workspace) as place:
        from engine.learning import promotion
        from engine.learning.round_release import rounds

        release = next((one for one in rounds(place.path) if one.name == name), None)
        if release is None:
            names = ", ".join(one.name for one in rounds(place.path)) or "none, make one with `casebind round`"
            raise UsageError(f"No round made a release {name}: choose from {names}.")
        _awaited(promotion.promote(place, release, who, _shown(place), reason))
    click.echo(f"Release {name} serves.")


@command.command("rollback")
@click.argument("name", required=False)
@click.option("--who", default="local", help="Who does it.", show_default=True)
@workspace_option
def rollback_command(name: str | None, who: str, workspace: Path | None) -> None:
    """Let a release that served before take over again, with the codes it had: NAME, or the one before."""
    with open_folder(workspace) as place:
        from engine.learning import promotion

        moving = promotion.roll_back(place, who, _shown(place), name)
        _awaited(moving)
    click.echo(f"Release {moving.asked.after[0]} serves again, with the codes it had.")


def _shown(place: Workspace) -> str:
    """Return the digest of the release that serves; nobody else can change it while this process has the workspace."""
    return (place.releases.serving() or ("", ""))[1]


def _awaited(moving: Moving) -> None:
    """Show how far a takeover is until it ends."""
    from tqdm import tqdm

    with tqdm(total=100, desc=f"release {moving.asked.after[0]}", unit="%", leave=False) as progress:
        while not moving.wait(LOOK_S):
            progress.update(round(100 * moving.share) - progress.n)
    if moving.why:
        raise CasebindError(moving.why)


def _line(entry: Entry) -> str:
    made = f"  from {entry.made_from}, {entry.ratings} ratings, {_verdict(entry)}" if entry.made_from else "  shipped"
    return f"{'*' if entry.serves else ' '} {entry.name:10}{entry.created[:10]:12}{made}"


def _verdict(entry: Entry) -> str:
    return "passes" if entry.passes else f"does not pass: {'; '.join(entry.falls)}"


def _object(entry: Entry) -> dict[str, object]:
    return {
        "release": entry.name, "serves": entry.serves, "created": entry.created, "from": entry.made_from,
        "ratings": entry.ratings, "raters": entry.raters, "passes": entry.passes, "falls": list(entry.falls),
    }  # fmt: skip
