"""casebind erase PATIENT | --query ID"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import without_passages, workspace_option
from engine.consent.acts import carry_out
from engine.errors import UsageError, WorkspaceError


@click.command("erase")
@click.argument("patient", required=False)
@click.option("--query", metavar="ID", help="Erase one query in the place of a patient.")
@click.option("--reason", default="", help="Why, for the certificate; what names somebody is replaced.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@workspace_option
def command(
    *, patient: str | None, query: str | None, reason: str, yes: bool, as_json: bool, workspace: Path | None
) -> None:
    """Erase a patient, or a query, from every file of the workspace, and print the certificate.

    It cannot be taken back. The app may be running: it does the work, searches go on. Stopped at any moment, the next
    opening of the workspace goes on.
    """
    if (patient is None) == (query is None):
        raise UsageError("Name a patient, or a query by --query.")
    if sys.stdin.isatty() and not yes:
        click.confirm(f"Erase {patient or query} for good?", abort=True)
    facts = {
        "patients": [patient] if patient else [],
        "queries": [query] if query else [],
        "reason": without_passages(reason),
    }
    made = carry_out(workspace or settings.workspace_path(), "erase", facts, single_user().name)
    click.echo(json.dumps(made["certificate"], ensure_ascii=False) if as_json else made["page"], nl=as_json)
    if made["certificate"]["found"]:
        places = ", ".join(made["certificate"]["found"])
        raise WorkspaceError(f"Something of what was erased still stands in {places}: delete it there by hand.")
