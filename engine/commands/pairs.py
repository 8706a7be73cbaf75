"""casebind pairs [--windows FILE] [--out FILE] [--json]"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.shared import workspace_from_option, workspace_option

if TYPE_CHECKING:
    from engine.learning.pairing import RuleCount
    from engine.store.visit_pairs import PairCandidate

HEADS = ("kinds", "rule", "pairs", "patients", "hours", "longest", "untimed")


@click.command("pairs")
@click.option(
    "--windows",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Hours that two modalities may lie apart, as TOML. [default: pairing.toml in the workspace's folder]",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the pairs as CSV.")
@click.option("--who", default=SINGLE_USER, help="Who asks.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(windows: Path | None, out: Path | None, *, who: str, as_json: bool, workspace: Path | None) -> None:
    """Count the studies of one visit that an adaptation may learn from, by the rule that made them pairs.

    Rules: visit (the same visit number), day (one patient within 24 hours), window (the hours that the site sets).
    """
    with workspace_from_option(workspace) as place:
        from engine.commands.shared import load_release
        from engine.learning import pairing
        from engine.workspace.serving import serving_release

        said = None if windows is None else pairing.read_windows(windows)
        serving = serving_release(place, load_release())
        pairs = pairing.find_pairs(place, Actor(who).acting_for("training"), serving.name, said)
        if out is not None:
            from engine.files import write_whole
            from engine.plain_text import csv_text

            place.audit("export", actor=Actor(who), filters="pairs of studies", returned=tuple(p.first for p in pairs))
            write_whole(out, csv_text(("first", "second", "rule", "hours"), map(_cells, pairs)))
        rows = pairing.table(pairs)
    if as_json:
        click.echo(json.dumps({"pairs": len(pairs), "rules": [row.as_json() for row in rows]}))
        return
    click.echo("\n".join(_lines(rows)) if rows else "No two studies are of one visit: give visit numbers or times.")


def _cells(pair: PairCandidate) -> tuple[str, ...]:
    return pair.first, pair.second, pair.rule, "" if pair.hours is None else f"{pair.hours:.2f}"


def _lines(rows: list[RuleCount]) -> list[str]:
    """Return the table; hours are median and longest."""
    cells = [HEADS, *(tuple("–" if one is None else f"{one}" for one in row.as_json().values()) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in cells]
