"""casebind evaluate demographics"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from engine.commands.measuring import keep, keeper_options
from engine.datasets.folder import open_recordings


@click.command("demographics")
@click.option("--recordings", type=click.Path(path_type=Path), metavar="DIR", help="The open recordings.")
@keeper_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, recordings: Path | None, folder: Path | None, record: bool, as_json: bool) -> None:
    """Print age, sex and view of the recordings by data set and split."""
    path, began = open_recordings(recordings), time.monotonic()
    from engine.evaluate import demographics
    from engine.model.release import load_release

    found = demographics.evaluate(path)
    if record:
        keep(load_release(folder), "demographics", found, "", began)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else demographics.as_table(found))
