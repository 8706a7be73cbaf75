"""casebind monitor run | show | acknowledge NUMBER | simulate --shift NAME"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine import settings
from engine.actor import SINGLE_USER
from engine.commands.shared import without_passages, workspace_option
from engine.consent.acts import carry_out
from engine.store.alarms import DECISIONS

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
WHO = click.option("--who", default=SINGLE_USER, help="Who does it.", show_default=True)


@click.group("monitor")
def command() -> None:
    """Hold what is asked against the release's own recordings and the collection. The app may be running."""


@command.command("run")
@AS_JSON
@WHO
@workspace_option
def run_command(*, as_json: bool, who: str, workspace: Path | None) -> None:
    """Look at what came since the last run and raise alarms; for a daily timer. A run that was killed goes on."""
    done = carry_out(workspace or settings.workspace_path(), "monitor", {}, who)
    if as_json:
        click.echo(json.dumps(done))
        return
    click.echo(f"{done['windows']:,} comparisons, {len(done['alarms']):,} new alarms.")
    for one in done["alarms"]:
        click.echo(_alarm(one))


@command.command("show")
@AS_JSON
@WHO
@workspace_option
def show_command(*, as_json: bool, who: str, workspace: Path | None) -> None:
    """Show the alarms that stand, and every signal of every source."""
    seen = carry_out(workspace or settings.workspace_path(), "watch", {}, who)
    if as_json:
        click.echo(json.dumps(seen))
        return
    click.echo(
        f"Release {seen['release']}, last run {seen['last_run'] or 'never'}. {len(seen['alarms'])} alarms stand."
    )
    for one in seen["alarms"]:
        click.echo(f"{one['number']:>4}  {_alarm(one)}")
    for one in seen["signals"]:
        click.echo(_signal(one))


@command.command("acknowledge")
@click.argument("number", type=int)
@click.option("--as", "decision", type=click.Choice(DECISIONS), required=True, help="What follows.")
@click.option("--reason", required=True, metavar="WORDS", help="What was found; it is kept.")
@WHO
@workspace_option
def acknowledge_command(*, number: int, decision: str, reason: str, who: str, workspace: Path | None) -> None:
    """Acknowledge an alarm: its cause is mended, or the source is expected to be as it is from now on."""
    facts = {"number": number, "decision": decision, "reason": without_passages(reason)}
    carry_out(workspace or settings.workspace_path(), "acknowledge", facts, who)
    click.echo(f"Alarm {number} is acknowledged: {decision}.")


@command.command("simulate")
@click.option("--shift", required=True, metavar="NAME", help="electrodes, polarity, detector, lead-lost, hospital …")
@click.option("--recordings", type=click.Path(path_type=Path), help="The folder of the open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), help="A release's folder. [default: the newest]")
@click.option("--streams", type=click.IntRange(1), default=100, show_default=True, help="With the shift.")
@click.option("--months", type=click.IntRange(0), default=3, show_default=True, help="Without a shift.")
@click.option("--cache", type=click.Path(path_type=Path), default=settings.CHECKS, metavar="DIR", help="For encodings.")
@AS_JSON
def simulate_command(*, shift: str, recordings: Path | None, folder: Path | None, as_json: bool, **asked: Any) -> None:
    """Simulate a shift on open recordings of `valid`: queries until it is noticed, and false alarms without one."""
    from engine.datasets.folder import open_recordings
    from engine.evaluate import drift
    from engine.model.release import load_release

    found = drift.evaluate(load_release(folder), open_recordings(recordings), shift, **asked)
    click.echo(json.dumps(found) if as_json else "\n".join(drift.as_lines(found)))


def _alarm(one: dict[str, Any]) -> str:
    usual = f"{one['usual_low']:.3g} to {one['usual_high']:.3g} ({one['reference']})"
    what = f"{one['signal']} of {one['modality']} from {one['source']}"
    return f"{one['level']}: {what} is {one['value']:.3g}, usual {usual}, after {one['queries']} queries."


def _signal(one: dict[str, Any]) -> str:
    head = f"{one['modality']:<5}{one['source'][:28]:<30}{one['signal']:<15}"
    if one["value"] is None:
        return f"{head}too few queries ({one['waiting']} of {one['window']})"
    figures = f"{one['value']:>9.3g}  usual {one['usual'][0]:.3g} to {one['usual'][1]:.3g} ({one['reference']})"
    return f"{head}{figures}  evidence {one['evidence'] or 0:.3g} of {one['limit']:.0f}, {one['queries']} queries"
