"""casebind consent withdraw | restore | list"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.consent.acts import carry_out
from engine.store.records import SCOPES

SCOPE_HELP = "Of the consent; may be repeated. Without it, all three."
scope_option = click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help=SCOPE_HELP)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("consent")
def command() -> None:
    """Withdraw and restore the consent of patients; list what is withdrawn.

    The app may be running: what changes here counts in its next answer. Nothing is deleted; `casebind erase` does that.
    """


@command.command("withdraw")
@click.argument("patient")
@scope_option
@json_option
@workspace_option
def withdraw(*, patient: str, scopes: tuple[str, ...], as_json: bool, workspace: Path | None) -> None:
    """Leave a patient out of searches, of training or of teaching from the next answer on."""
    decide(workspace, patient, scopes, granted=False, as_json=as_json)


@command.command("restore")
@click.argument("patient")
@scope_option
@json_option
@workspace_option
def restore(*, patient: str, scopes: tuple[str, ...], as_json: bool, workspace: Path | None) -> None:
    """Take a withdrawal back."""
    decide(workspace, patient, scopes, granted=True, as_json=as_json)


@command.command("list")
@json_option
@workspace_option
def show(*, as_json: bool, workspace: Path | None) -> None:
    """List what patients have withdrawn, by patient."""
    found = carry_out(workspace or settings.workspace_path(), "withdrawn", {}, single_user().name)["withdrawn"]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one['patient_id']}  {one['scope']}  {one['since']}  by {one['who']}  {one['studies']} studies")


def decide(folder: Path | None, patient: str, scopes: tuple[str, ...], *, granted: bool, as_json: bool) -> None:
    """Record the decision of a patient, and print what their consent is now."""
    facts = {"patient": patient, "scopes": list(scopes), "granted": granted}
    done = carry_out(folder or settings.workspace_path(), "decide", facts, single_user().name)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
        return
    words = ", ".join(f"{scope} {'granted' if stands else 'withdrawn'}" for scope, stands in done["scopes"].items())
    click.echo(f"Patient {done['patient']}: {words}. The next answer honours it.")
