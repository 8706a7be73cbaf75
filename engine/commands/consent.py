"""casebind consent withdraw | restore | import | list"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.consent.acts import carry_out
from engine.errors import UsageError
from engine.store.records import SCOPES

SCOPE_HELP = "Of the consent; may be repeated. Without it, all four."
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


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@workspace_option
def import_(*, file: Path, as_json: bool, workspace: Path | None) -> None:
    """Record what a Consent of FHIR R4 decides, or those of a Bundle, as JSON: docs/consent.md says how it is read.

    A scope that the document does not permit is withdrawn. A withdrawal that was recorded after it stays.
    """
    try:
        words = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("The file cannot be read as text in UTF-8: export the Consent as FHIR JSON.") from error
    done = carry_out(workspace or settings.workspace_path(), "import consent", {"words": words}, single_user().name)
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False))
        return
    for one in done["consents"]:
        click.echo(_said(one))
        if one["still_withdrawn"]:
            click.echo(f"Withdrawn after the document was made, so it stays: {', '.join(one['still_withdrawn'])}.")


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
    click.echo(_said(done))


def _said(done: dict[str, Any]) -> str:
    words = ", ".join(f"{scope} {'granted' if stands else 'withdrawn'}" for scope, stands in done["scopes"].items())
    return f"Patient {done['patient']}: {words}. The next answer honours it."
