"""casebind evaluate explanations"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.measuring import FOLDER_TYPE, SPLITS, MeasureRequest, record_option, show
from engine.datasets.folder import open_recordings
from engine.settings import CHECKS

if TYPE_CHECKING:
    from engine.metrics.rows import Measurement
    from engine.model.release import Release


@click.command("explanations")
@click.option("--recordings", type=FOLDER_TYPE, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=FOLDER_TYPE, metavar="DIR", help="The release.")
@click.option("--split", type=click.Choice(SPLITS), default="valid", show_default=True, help="Of the recordings.")
@click.option("--pairs", type=click.IntRange(1), default=6, show_default=True, help="Of traces; half of films.")
@click.option("--films", type=click.IntRange(0), default=6, show_default=True, help="With boxes, and painted ones.")
@click.option("--ludb", type=FOLDER_TYPE, metavar="DIR", help="LUDB as published, for its marked waves.")
@click.option("--cache", type=FOLDER_TYPE, default=CHECKS, metavar="DIR", help="A run that was stopped goes on.")
@click.option("--out", type=FOLDER_TYPE, metavar="DIR", help="Write JSON and plots there.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *,
    recordings: Path | None,
    split: str,
    pairs: int,
    films: int,
    ludb: Path | None,
    cache: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Print whether maps of pairs can be believed: sanity, faithfulness, stability, and where they lie."""
    path = open_recordings(recordings)
    from engine.evaluate import explanations

    sample = explanations.ExplanationSample(pairs, films, ludb)

    def say(line: str) -> None:
        click.echo(line, err=True)

    def measured(release: Release) -> Measurement:
        return explanations.evaluate(release, path, split, sample, cache, say=say)

    show("explanations", measured, explanations, MeasureRequest(as_json=as_json, **asked))
