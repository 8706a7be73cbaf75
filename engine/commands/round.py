"""casebind round [--min N] [--balance age|sex] [--who NAME] [--json]"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.job_progress import follow_job
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import CasebindError, UsageError

if TYPE_CHECKING:
    from engine.learning.round_job import RoundJob
    from engine.model.release import Release


@click.command("round")
@click.option("--min", "least", default=1, show_default=True, help="Ratings since the serving release that it takes.")
@click.option("--balance", type=click.Choice(("age", "sex")), help="Let each age band, or both sexes, count equally.")
@click.option("--who", default=SINGLE_USER, help="Who makes it.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(least: int, balance: str | None, who: str, as_json: bool, workspace: Path | None) -> None:
    """Learn a release from the ratings and the original pairs, and show what it changes. Nothing is promoted.

    Ctrl+C cancels it; ratings and releases stay as they were.
    """
    with workspace_from_option(workspace) as place:
        from engine.commands.gate_lines import gate_report
        from engine.learning import gate, round_job
        from engine.learning.round_data import new_ratings, ratings_cutoff
        from engine.learning.round_release import round_releases
        from engine.workspace.serving import serving_release

        release = serving_release(place, load_release())
        there = new_ratings(place, ratings_cutoff(release))
        if there < least:
            raise UsageError(f"There are {there} new ratings and {least} are asked for: rate more, or lower --min.")
        done = follow_job(place, round_job.begin(place, release, Actor(who), balance or ""))
        if done.step == "failed":
            raise CasebindError(done.error)
        made = next(one for one in reversed(round_releases(place.path)) if one.name == done.name)
        if as_json:
            click.echo(json.dumps(_object(made, done)))
            return
        despite = "" if gate.verdict(made).passed else ' --despite "REASON"'
        click.echo(f"{gate_report(made)}\nPromote it with `casebind releases promote {made.name}{despite}`.")


def _object(made: Release, done: RoundJob) -> dict[str, object]:
    from engine.learning import gate

    verdict, about = gate.verdict(made), made.manifest["round"]
    return {
        "release": made.name,
        "from": about["from"],
        "round": done.number,
        "balance": about["plan"]["balance"],
        "ratings": about["ratings"],
        "kept_apart": about["kept_apart"],
        "left_out": about["left_out"],
        "raters": about["raters"],
        "seconds": about["seconds"],
        "passes": verdict.passed,
        "falls": list(verdict.failed_guards),
        "gate": gate.rows_as_json(gate.table(made)),
    }
