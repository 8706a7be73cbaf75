"""casebind bench uploads"""

from __future__ import annotations

import json

import click


@click.command("uploads")
@click.option("--others", type=click.IntRange(1, 100), default=7, show_default=True, help="Uploads beside the bomb.")
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Times that all upload.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, others: int, rounds: int, as_json: bool) -> int:
    """Time uploads that are read at once, alone and beside one that takes all it can get.

    Status 1 where the others' 95th percentile is above 1.3 times that of alone.
    """
    from engine.bench.uploads import as_lines, run

    found = run(others, rounds, (lambda _: None) if as_json else (lambda line: click.echo(line, err=True)))
    click.echo(json.dumps(found) if as_json else as_lines(found))
    return 0 if found["within"] else 1
