"""casebind bench viewer"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from engine.commands.shared import load_release


@click.command("viewer")
@click.option("--seconds", type=click.FloatRange(min=0.5), default=3.0, show_default=True, help="Of each drag.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, seconds: float, as_json: bool) -> int:
    """Count the frames a second of the film and ECG viewers in a real browser, and what they ask the server meanwhile.

    Status 1 where a drag falls below 30 frames a second or asks the server.
    """
    from engine.bench.viewer.bench import as_lines, run

    release = load_release()
    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    with tempfile.TemporaryDirectory(prefix="casebind-viewer-") as folder:
        found = run(Path(folder), release, seconds=seconds, on_progress=say)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else as_lines(found))
    return 0 if all(found["within"].values()) else 1
