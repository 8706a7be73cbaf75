"""casebind bench living"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from engine.commands.shared import load_release


@click.command("living")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="How long.")
@click.option("--threads", type=click.IntRange(1, 256), default=16, show_default=True, help="Each does everything.")
@click.option("--kills", type=click.IntRange(min=0), default=20, show_default=True, help="Processes killed.")
@click.option("--patients", type=click.IntRange(min=20), default=500, show_default=True, help="Patients at the start.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, seconds: float, threads: int, kills: int, patients: int, seed: int, as_json: bool) -> int:
    """Search, insert, replace, delete and withdraw at once, then kill writers; compare with a serial oracle.

    Works on a workspace of its own, which is thrown away. Status 1 where an answer was wrong or something was lost.
    """
    from engine.bench.living import kill, stress

    release = load_release()
    with tempfile.TemporaryDirectory(prefix="casebind-living-") as folder:
        together = stress.measure(
            Path(folder) / "crowd", release, threads=threads, seconds=seconds, patients=patients, seed=seed
        )
        killed = kill.measure(Path(folder) / "killed", kills, threads, seed)
    bad = (together["wrong"], together["errors"], killed["lost"], killed["half"], killed["wrong_after_kill"])
    found = {"passed": not any(bad), "together": together, "killed": killed}
    click.echo(json.dumps(found) if as_json else as_lines(found))
    return 0 if found["passed"] else 1


def as_lines(results: dict[str, Any]) -> str:
    """Return the figures for a person."""
    one, two = results["together"], results["killed"]
    took = one["search_ms"]
    lines = [
        f"{one['threads']} threads, {one['seconds']:.0f} s: {one['searches']} searches (median "
        f"{took['median']:.0f} ms, 95 % within {took['p95']:.0f} ms) among {one['changes']} changes; "
        f"{one['wrong']} wrong answers, {one['errors']} errors{': ' + one['first_error'] if one['errors'] else ''}.",
        f"{two['kills']} kills: {two['acknowledged']} acknowledged steps, {two['lost']} lost, {two['half']} of "
        f"{two['unfinished']} unfinished ones there by half, {two['wrong_after_kill']} wrong answers afterwards"
        + (f"; reopened in {two['reopen_ms']['median']:.0f} ms." if two["reopen_ms"] else "."),
    ]
    return "\n".join(lines)
