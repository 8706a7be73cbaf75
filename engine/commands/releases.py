"""casebind releases [--json] · casebind releases promote NAME [--despite REASON] · … rollback [NAME] · … onnx"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.promotion import serving_digest, wait_with_progress
from engine.commands.shared import count_pairs, without_passages, workspace_from_option, workspace_option
from engine.errors import UsageError
from engine.model.packing import BITS

if TYPE_CHECKING:
    from engine.learning.timeline import TimelineEntry


@click.group("releases", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
@click.pass_context
def command(context: click.Context, as_json: bool, workspace: Path | None) -> None:
    """List the releases of a workspace: which serves, what rounds made, who put them in place."""
    if context.invoked_subcommand is not None:
        return
    with workspace_from_option(workspace) as place:
        from engine.learning.timeline import timeline

        entries = timeline(place)
    click.echo(json.dumps([_object(one) for one in entries]) if as_json else "\n".join(map(_line, entries)))


@command.command("onnx")
@workspace_option
def onnx_command(workspace: Path | None) -> None:
    """Export the serving release's encoders for ONNX Runtime, so that a search starts without PyTorch.

    They are exact, and their codes are compared with PyTorch's. What is there already stays.
    """
    from engine.commands.shared import load_release
    from engine.edge.whole_encoders import export_whole
    from engine.workspace.serving import serving_release

    with workspace_from_option(workspace) as place:
        release = serving_release(place, load_release())
    made = export_whole(release, say=lambda modality: click.echo(f"Exporting the encoder of {modality} …", err=True))
    for one in made:
        of = f"{one.bits_changed} of {BITS * one.checked:,} bits differ from PyTorch's in {one.checked} studies"
        click.echo(f"{one.modality}: {one.file.stat().st_size / 1e6:.1f} MB, {of}; {one.file}")


@command.command("promote")
@click.argument("name")
@click.option("--despite", "reason", default="", metavar="REASON", help="Why, although guards fell; it is kept.")
@click.option("--who", default=SINGLE_USER, help="Who does it.", show_default=True)
@workspace_option
def promote_command(name: str, reason: str, who: str, workspace: Path | None) -> None:
    """Show what was measured of a round's release and let it take over.

    The old codes answer until the new ones are all there.
    """
    reason = without_passages(reason)
    with workspace_from_option(workspace) as place:
        from engine.commands.gate_lines import gate_report
        from engine.learning import promotion
        from engine.learning.round_release import round_releases

        release = next((one for one in round_releases(place.path) if one.name == name), None)
        if release is None:
            names = ", ".join(one.name for one in round_releases(place.path)) or "none, make one with `casebind round`"
            raise UsageError(f"No round made a release {name}: choose from {names}.")
        click.echo(gate_report(release))
        wait_with_progress(promotion.promote(place, release, Actor(who), serving_digest(place), reason))
        count_pairs(place)
    click.echo(f"Release {name} serves.")


@command.command("rollback")
@click.argument("name", required=False)
@click.option("--who", default=SINGLE_USER, help="Who does it.", show_default=True)
@workspace_option
def rollback_command(name: str | None, who: str, workspace: Path | None) -> None:
    """Let a release that served before take over again, with the codes it had: NAME, or the one before."""
    with workspace_from_option(workspace) as place:
        from engine.learning import promotion

        moving = promotion.roll_back(place, Actor(who), serving_digest(place), name)
        wait_with_progress(moving)
        count_pairs(place)
    click.echo(f"Release {moving.request.after[0]} serves again, with the codes it had.")


def _line(entry: TimelineEntry) -> str:
    made = f"  from {entry.made_from}, {entry.ratings} ratings, {_verdict(entry)}" if entry.made_from else "  shipped"
    return f"{'*' if entry.serves else ' '} {entry.name:10}{entry.created[:10]:12}{made}"


def _verdict(entry: TimelineEntry) -> str:
    return "passes" if entry.passed else f"does not pass: {'; '.join(entry.failed_guards)}"


def _object(entry: TimelineEntry) -> dict[str, object]:
    return {
        "release": entry.name,
        "serves": entry.serves,
        "created": entry.created,
        "from": entry.made_from,
        "ratings": entry.ratings,
        "raters": entry.raters,
        "passes": entry.passed,
        "falls": list(entry.failed_guards),
    }
