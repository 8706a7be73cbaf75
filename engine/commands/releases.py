"""casebind releases [--json] · casebind releases promote NAME [--despite REASON] · casebind releases rollback [NAME]"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.promotion import awaited, shown
from engine.commands.shared import open_folder, workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.learning.timeline import Entry


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
    """Show what was measured of a round's release and let it take over.

    The old codes answer until the new ones are all there.
    """
    with open_folder(workspace) as place:
        from engine.commands.gate_lines import lines
        from engine.learning import promotion
        from engine.learning.round_release import rounds

        release = next((one for one in rounds(place.path) if one.name == name), None)
        if release is None:
            names = ", ".join(one.name for one in rounds(place.path)) or "none, make one with `casebind round`"
            raise UsageError(f"No round made a release {name}: choose from {names}.")
        click.echo(lines(release))
        awaited(promotion.promote(place, release, who, shown(place), reason))
    click.echo(f"Release {name} serves.")


@command.command("rollback")
@click.argument("name", required=False)
@click.option("--who", default="local", help="Who does it.", show_default=True)
@workspace_option
def rollback_command(name: str | None, who: str, workspace: Path | None) -> None:
    """Let a release that served before take over again, with the codes it had: NAME, or the one before."""
    with open_folder(workspace) as place:
        from engine.learning import promotion

        moving = promotion.roll_back(place, who, shown(place), name)
        awaited(moving)
    click.echo(f"Release {moving.asked.after[0]} serves again, with the codes it had.")


def _line(entry: Entry) -> str:
    made = f"  from {entry.made_from}, {entry.ratings} ratings, {_verdict(entry)}" if entry.made_from else "  shipped"
    return f"{'*' if entry.serves else ' '} {entry.name:10}{entry.created[:10]:12}{made}"


def _verdict(entry: Entry) -> str:
    return "passes" if entry.passes else f"does not pass: {'; '.join(entry.falls)}"


def _object(entry: Entry) -> dict[str, object]:
    return {
        "release": entry.name,
        "serves": entry.serves,
        "created": entry.created,
        "from": entry.made_from,
        "ratings": entry.ratings,
        "raters": entry.raters,
        "passes": entry.passes,
        "falls": list(entry.falls),
    }
