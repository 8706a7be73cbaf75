"""casebind bench energy"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from engine.commands.measuring import keep, record_option
from engine.commands.shared import workspace_option
from engine.errors import UsageError

LEAST_S = 10.0  # of the processor: what is shorter is noise


@click.command("energy")
@click.option("--n", type=click.IntRange(1000), default=200_000, show_default=True, help="Studies to search.")
@click.option("--seconds", type=click.FloatRange(0.1), default=LEAST_S, show_default=True, help="Of work a figure.")
@click.option(
    "--queries", type=click.IntRange(1), default=100_000, show_default=True, help="A year, of the life cycle."
)
@click.option("--grid", type=click.FloatRange(0), metavar="G", help="Grams of CO₂ per kWh here [CASEBIND_GRID].")
@click.option("--storage", type=click.FloatRange(0), metavar="W", help="Watts of a terabyte on disk. [default: 1.2]")
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(
    *,
    n: int,
    seconds: float,
    queries: int,
    grid: float | None,
    storage: float | None,
    folder: Path | None,
    record: bool,
    as_json: bool,
    workspace: Path | None,
) -> None:
    """Joules of a query by stage and kind, beside dense retrieval; of trainings and rounds; of a year.

    Measured by the processor's meter (RAPL) where it may be read, else estimated.
    """
    from engine import settings
    from engine.bench.energy.run import STORAGE_W_PER_TB, EnergyPlan, as_lines, run
    from engine.learning.round_release import round_releases
    from engine.model.release import load_release

    if record and seconds < LEAST_S:
        raise UsageError(f"Less than {LEAST_S:g} s of work is noise: leave out --record, or --seconds.")
    began, release = time.monotonic(), load_release(folder)
    stated = settings.grid_grams_per_kwh() if grid is None else grid
    plan = EnergyPlan(n, seconds, queries, stated, STORAGE_W_PER_TB if storage is None else storage)
    made_here = round_releases(workspace or settings.workspace_path())
    found = run(release, made_here, plan, lambda line: click.echo(line, err=True))
    if record:
        keep(release, "energy", found, "", began)
    click.echo(json.dumps(found) if as_json else as_lines(found))
