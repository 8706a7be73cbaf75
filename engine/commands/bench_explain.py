"""casebind bench explain"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("explain")
@click.option("--pairs", type=click.IntRange(1, 40), default=6, show_default=True, help="Pairs of every view.")
@click.option(
    "--recordings",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Films and traces of `valid` there, instead of the shipped cohort.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, pairs: int, recordings: Path | None, as_json: bool) -> None:
    """Time the maps of pairs, ours beside halved Gauss–Legendre pieces, at the same convergence gap."""
    from engine.bench.explain import as_lines, run
    from engine.model.release import load_release

    say = (lambda _: None) if as_json else (lambda line: click.echo(line, err=True))
    found = run(load_release(), pairs, recordings, say)
    click.echo(json.dumps(found) if as_json else as_lines(found))
