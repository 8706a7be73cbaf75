"""casebind adapt [--encoders] [--steps N] [--who NAME] [--json]"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.actor import SINGLE_USER, Actor
from engine.commands.job_progress import follow_job, reading_progress
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import CasebindError

if TYPE_CHECKING:
    from engine.model.release import Release


@click.command("adapt")
@click.option("--steps", type=click.IntRange(min=1), help="Of the maps and, half as many, of the hash layer.")
@click.option(
    "--encoders", is_flag=True, help="Adapt the towers of films, ECGs and PPGs too: all stored ones are read."
)
@click.option("--who", default=SINGLE_USER, help="Who makes it.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(steps: int | None, *, encoders: bool, who: str, as_json: bool, workspace: Path | None) -> None:
    """Bind the workspace's own pairs in a new release, and show what it changes. Nothing is promoted.

    Stored embeddings are learnt from, no encoder runs, unless --encoders is given. Ctrl+C cancels it; an adaptation
    that was killed, or stopped while it read, goes on where it was when the same command is given again.
    """
    with workspace_from_option(workspace) as place:
        from engine.commands.gate_lines import gate_report
        from engine.learning import adaptation_job, gate
        from engine.learning.adaptation_fit import AdaptationPlan
        from engine.learning.round_release import round_releases
        from engine.workspace.serving import serving_release

        plan = AdaptationPlan(encoders=encoders)
        if steps is not None:
            plan = replace(plan, steps=steps, hash_steps=max(1, steps // 2))
        release = serving_release(place, load_release())
        with reading_progress(encoders) as progress:
            begun = adaptation_job.begin(place, release, Actor(who), plan, progress=progress)
        done = follow_job(place, begun)
        if done.step != "done":
            raise CasebindError(done.error or "The adaptation was cancelled; releases are as they were.")
        made = next(one for one in reversed(round_releases(place.path)) if one.name == done.name)
        if as_json:
            click.echo(json.dumps(_object(made)))
            return
        despite = "" if gate.verdict(made).passed else ' --despite "REASON"'
        click.echo("\n".join(_lines(made)))
        click.echo(f"{gate_report(made)}\nPromote it with `casebind releases promote {made.name}{despite}`.")


def _object(made: Release) -> dict[str, Any]:
    """Return what is known of an adaptation as JSON: own pairs, also beside matched ones, and labels, by codes."""
    from engine.learning import gate

    about, verdict = made.manifest["round"], gate.verdict(made)
    learnt = about["adaptation"]
    sides = {
        way: {
            "own_pair": {name: one[way]["codes"]["r_at_10"] for name, one in learnt["own_pair"].items()},
            "beyond": {name: one[way]["beyond"] for name, one in learnt["own_pair"].items()},
            "label_map": {name: one[way]["codes"] for name, one in learnt["label_map"].items()},
        }
        for way in ("before", "after")
    }
    return {
        "release": made.name,
        "from": about["from"],
        **sides,
        **learnt,
        "seconds": about["seconds"],
        "passes": verdict.passed,
        "falls": list(verdict.failed_guards),
        "gate": gate.rows_as_json(gate.table(made)),
    }


def _lines(made: Release) -> list[str]:
    """Return how much was learnt from, own pairs before and after, and the curve."""
    learnt = made.manifest["round"]["adaptation"]
    lines = [f"Learnt from {learnt['pairs']:,} pairs of {learnt['patients']:,} patients."]
    for name, one in learnt["own_pair"].items():
        before, after = (_figure(one[way]["codes"]["r_at_10"]) for way in ("before", "after"))
        lines.append(f"own {name}  R@10 {before} → {after}  chance {one['chance']:.3f}  n {one['n']}")
        if one["after"]["beyond"] is not None:
            nearer = (_figure(one[way]["beyond"]) for way in ("before", "after"))
            lines.append(f"  beyond findings, age and sex {' → '.join(nearer)}  chance 0.5  n {one['matched']}")
    for kinds in dict.fromkeys(name for point in learnt["curve"] for name in point["found"]):
        found = [point["found"][kinds] for point in learnt["curve"]]
        lines.append(f"curve {kinds}  " + "  ".join(f"{one['pairs']}: {one['r_at_10'][0]:.3f}" for one in found))
    return lines


def _figure(figure: list[float]) -> str:
    return f"{figure[0]:.3f} ({figure[1]:.3f} to {figure[2]:.3f})"
