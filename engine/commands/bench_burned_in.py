"""casebind bench burned-in"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("burned-in")
@click.option("--drawn", type=click.IntRange(min=16), default=160, show_default=True, help="Films with a text.")
@click.option("--clean", type=click.IntRange(min=1), default=100, show_default=True, help="Films as they are.")
@click.option(
    "--split", type=click.Choice(["train", "valid", "test"]), default="test", show_default=True, help="Whose films."
)
@click.option(
    "--recordings",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The folder of the open recordings (default: CASEBIND_RECORDINGS).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, drawn: int, clean: int, split: str, recordings: Path | None, as_json: bool) -> int:
    """Draw names, dates and numbers on films, and count which are found and which films are stopped without.

    Status 1 where fewer than 0.95 of 14 px and contrast 80 or more are found, or more than 0.10 of the others stopped.
    """
    from engine.bench.burned_in import as_lines, run
    from engine.datasets.folder import open_recordings

    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    found = run(open_recordings(recordings), split, drawn, clean, say)
    click.echo(json.dumps(found) if as_json else as_lines(found))
    return 0 if found["within"] else 1
