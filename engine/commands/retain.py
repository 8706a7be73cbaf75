"""casebind retain"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine import settings
from engine.actor import single_user
from engine.commands.shared import workspace_option
from engine.consent.acts import carry_out


@click.command("retain")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workspace_option
def command(*, as_json: bool, workspace: Path | None) -> None:
    """Apply what ends: uploads after CASEBIND_UPLOAD_DAYS, cohorts with their agreement; for a daily timer.

    A case beside it in a collection, a mark, a known pair or a share keeps an upload. Patients of a cohort whose
    agreement has ended are withdrawn, and listed as due for erasure. Then the database is written anew
    where anything was deleted, so that no byte of it is left. The app may be running.
    """
    done = carry_out(workspace or settings.workspace_path(), "retain", {}, single_user().name)
    if as_json:
        click.echo(json.dumps(done))
        return
    anew = "the database was written anew" if done["rewritten"] else "nothing was to be written anew"
    click.echo(f"{done['uploads']:,} uploads deleted, {done['withdrawn']:,} patients withdrawn; {anew}.")
    for cohort, n in done["due"].items():
        click.echo(f"Due for erasure, the agreement has ended: {n:,} patients of {cohort}.")
