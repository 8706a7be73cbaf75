"""casebind bench encryption"""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine import settings
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import UsageError


@click.command("encryption")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
@click.option("--rounds", type=click.IntRange(min=1), default=20, show_default=True, help="Rounds; medians are shown.")
@click.option("--k", type=click.IntRange(1, 100), default=10, show_default=True, help="Cases per modality.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(*, files: tuple[Path, ...], rounds: int, k: int, as_json: bool, workspace: Path | None) -> int:
    """Time queries whose cases are shown, on a plain and on an encrypted copy of a workspace, in turn.

    Without files, the first study of each modality of the shipped cohort. Status 1 where a query on the encrypted copy
    takes more than 1.1 times as long.
    """
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise UsageError(f"There is no file {missing[0]}: check the path.")
    with workspace_from_option(workspace) as place:
        from engine.bench.encryption import as_lines, run
        from engine.bench.end_to_end import examples, files_as_sources
        from engine.workspace.serving import serving_release

        sources = files_as_sources(files) if files else examples(settings.DEMO)
        found = run(place, serving_release(place, load_release()), sources, rounds=rounds, k=k)
    click.echo(json.dumps(found) if as_json else as_lines(found))
    return 0 if found["within"] else 1
