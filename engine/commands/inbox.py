"""casebind inbox run | list | again | clear | add"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import archive_workspace, count_pairs, load_release, workspace_option
from engine.consent.acts import carry_out
from engine.errors import IntakeError, UsageError, WorkspaceBusyError

LOOKS_EVERY_S = 2.0


@click.group("inbox")
def command() -> None:
    """What the archive sent: take it up, list it, try again what stays out (docs/pacs.md)."""


@command.command("run")
@click.option("--watch", is_flag=True, help="Go on until it is stopped; for a server without the app.")
@workspace_option
def run(*, watch: bool, workspace: Path | None) -> None:
    """Take up what waits, until nothing does. While the app runs, the app does it, and this waits for it.

    May be stopped at any time: nothing is lost, and nothing comes twice.
    """
    folder = (workspace or settings.workspace_path()).expanduser().resolve()
    while True:
        take_up_waiting(folder)
        if not watch:
            return
        time.sleep(LOOKS_EVERY_S)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="Newest objects.")
@workspace_option
def list_(*, as_json: bool, limit: int, workspace: Path | None) -> None:
    """List what came, the newest first, with its state and why it stays out. The app may be running."""
    done = carry_out(workspace or settings.workspace_path(), "inbox", {"limit": limit}, single_user().name)
    click.echo(json.dumps(done["state"]) if as_json else "\n".join(done["lines"]))


@command.command("again")
@click.option(
    "--burned-in",
    type=click.Choice(["black-out", "keep", "refuse"]),
    help="What is done about films with text in the picture, which somebody has looked at.",
)
@workspace_option
def again(*, burned_in: str | None, workspace: Path | None) -> None:
    """Have what was refused or left a question taken up again. The app may be running."""
    done = carry_out(
        workspace or settings.workspace_path(), "inbox again", {"burned_in": burned_in}, single_user().name
    )
    done_with = "are left out" if burned_in == "refuse" else "wait to be taken up again"
    click.echo(f"{done['objects']:,} objects {done_with}.")


@command.command("clear")
@click.option("--days", type=click.IntRange(min=0), required=True, help="Kept aside for so many days or longer.")
@workspace_option
def clear(*, days: int, workspace: Path | None) -> None:
    """Delete what is kept aside, as the archive sent it. The app may be running."""
    done = carry_out(workspace or settings.workspace_path(), "inbox clear", {"days": days}, single_user().name)
    click.echo(f"{done['objects']:,} objects that were kept aside are deleted.")


@command.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--cohort", default="", help="Where the texts go; the cohort of [hl7] in pacs.toml without it.")
@workspace_option
def add(*, files: tuple[Path, ...], cohort: str, workspace: Path | None) -> None:
    """Put reports into the inbox: HL7 v2 ORU^R01, FHIR R4 DiagnosticReport (JSON). The app may be running."""
    from engine.hospital.report_files import add_report_file

    folder = archive_workspace(workspace)
    added = 0
    for file in files:
        try:
            added += add_report_file(folder, file, cohort, actor=single_user())
        except IntakeError as error:
            raise UsageError(f"{added:,} reports wait in the inbox. {file.name}: {error}") from error
    click.echo(f"{added:,} reports wait in the inbox; the app, or casebind inbox run, takes them up.")


def take_up_waiting(folder: Path) -> None:
    """Take up what waits, or wait until the process that has the workspace open has done it; say what came of it."""
    from tqdm import tqdm

    from engine.hospital.inbox import count_waiting
    from engine.hospital.take_up import Taken, take_up
    from engine.workspace.serving import serving_release
    from engine.workspace.workspace import open_workspace

    total, taken = count_waiting(folder), Taken()
    if not total:
        click.echo("Nothing waits in the inbox.")
        return
    with tqdm(total=total, desc="inbox", unit="object", leave=False) as progress:

        def on_progress(done: int) -> None:
            progress.update(done - progress.n)

        while left := count_waiting(folder):
            try:
                with open_workspace(folder) as place:
                    taken = take_up(place, serving_release(place, load_release()), on_progress=on_progress)
                    if taken.states.get("stored"):
                        count_pairs(place)
            except WorkspaceBusyError:
                progress.set_postfix_str("the app takes them up")
                on_progress(max(0, total - left))
                time.sleep(LOOKS_EVERY_S)
    states = ", ".join(f"{n:,} {state}" for state, n in sorted(taken.states.items()))
    known = f", {taken.known:,} known already" if taken.known else ""
    click.echo(f"{states}{known}." if taken.all else "The app has taken up everything that waited.")
