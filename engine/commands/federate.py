"""casebind federate simulate | keys | coordinator | site | leave"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.federate_sites import coordinator_command, keys_command, leave_command, site_command
from engine.commands.measuring import FOLDER_TYPE, MeasureRequest, record_option, show
from engine.datasets.folder import open_recordings
from engine.settings import CHECKS

if TYPE_CHECKING:
    from engine.metrics.rows import Measurement
    from engine.model.release import Release

SPLIT = "valid"  # sites and plans are chosen on it, and `test` is read for a release alone


@click.group("federate")
def command() -> None:
    """Let hospitals learn one hash function together."""


for each in (keys_command, coordinator_command, site_command, leave_command):
    command.add_command(each)


@command.command("simulate")
@click.option("--recordings", type=FOLDER_TYPE, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=FOLDER_TYPE, metavar="DIR", help="The release that all sites begin with.")
@click.option("--cache", type=FOLDER_TYPE, default=CHECKS, metavar="DIR", help="For embeddings.")
@click.option("--out", type=FOLDER_TYPE, metavar="DIR", help="Write JSON and plots there.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--sites", type=click.IntRange(2, 8), default=4, show_default=True)
@click.option("--ratings", type=click.IntRange(min=2), default=300, help="Of all sites.", show_default=True)
@click.option("--drawings", type=click.IntRange(min=1), default=3, help="Of the sites.", show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=30, help="Of a site in a round.", show_default=True)
def simulate_command(
    *,
    recordings: Path | None,
    cache: Path,
    sites: int,
    ratings: int,
    drawings: int,
    rounds: int,
    steps: int,
    **asked: Any,
) -> None:
    """Share the open recordings out to sites and print what they learn together, alone and in one place.

    Beside it stand a hostile site, one that is often away, noise for privacy, and an attack on what travels.
    """
    path = open_recordings(recordings)
    from engine.evaluate.federation import simulate
    from engine.evaluate.federation.arms import SimulationSetting
    from engine.evaluate.learning.collection import load_replay_data

    usual = SimulationSetting()
    plan = replace(usual.plan, rounds=rounds, steps=steps)
    setting = SimulationSetting(sites, max(sites, usual.hostile_sites), ratings, drawings, plan)

    def say(words: str) -> None:
        click.echo(words, err=True)

    def measured(release: Release) -> Measurement:
        return simulate.evaluate(load_replay_data(release, path, SPLIT, cache), release, SPLIT, setting, say)

    show("federation", measured, simulate, MeasureRequest(**asked))
