"""casebind withdraw PATIENT"""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.consent import decide, json_option, scope_option
from engine.commands.shared import workspace_option


@click.command("withdraw")
@click.argument("patient")
@scope_option
@click.option("--undo", is_flag=True, help="Take the withdrawal back.")
@json_option
@workspace_option
def command(*, patient: str, scopes: tuple[str, ...], undo: bool, as_json: bool, workspace: Path | None) -> None:
    """Withdraw the consent of a patient; the app may be running, its next answer honours it."""
    decide(workspace, patient, scopes, granted=undo, as_json=as_json)
