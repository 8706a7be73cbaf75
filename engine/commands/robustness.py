"""casebind evaluate robustness: attacks on a release, the check at query time, and what is certain of its codes."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.datasets.folder import open_recordings
from engine.errors import UsageError
from engine.settings import CHECKS

if TYPE_CHECKING:
    from engine.metrics.rows import ResultRow
    from engine.model.release import Release
    from engine.model.steadiness import SteadinessLimit

FOLDER = click.Path(path_type=Path)
KINDS = ("cxr", "ecg", "ppg")
CERTIFIED = ("ecg", "ppg")  # unless others are named: no change of a film that matters is short enough


@click.command("robustness")
@click.option("--recordings", type=FOLDER, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=FOLDER, metavar="DIR", help="The release.")
@click.option("--beside", type=FOLDER, multiple=True, metavar="DIR", help="Another release that is given the attacks.")
@click.option("--split", type=click.Choice(["train", "valid"]), default="valid", show_default=True)
@click.option("--modality", "modalities", type=click.Choice(KINDS), multiple=True, help="[default: all]")
@click.option("--budget", "budgets", type=click.FloatRange(0), multiple=True, help="Grey levels of 255, or % of SD.")
@click.option("--n", type=click.IntRange(6), default=20, show_default=True, help="Recordings, one a patient.")
@click.option("--steps", type=click.IntRange(1), default=20, show_default=True, help="Of descent.")
@click.option("--restarts", type=click.IntRange(1), default=2, show_default=True, help="Random starts.")
@click.option("--defences/--no-defences", default=True, help="Attack defences too, at the first size. [default: on]")
@click.option("--certify", is_flag=True, help="Certify codes of traces, and try to break it.")
@click.option("--draws", type=click.IntRange(100), default=400, show_default=True, help="Noisy copies, to certify.")
@click.option("--tries", type=click.IntRange(0), default=200, show_default=True, help="To break certificates, a kind.")
@click.option("--cache", type=FOLDER, default=CHECKS, metavar="DIR", help="For codes and attacks that are done.")
@click.option("--record", is_flag=True, help="Keep figures and the check's limits in the release's folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, folder: Path | None, beside: tuple[Path, ...], record: bool, as_json: bool, **asked: Any) -> None:
    """Attack codes with the release's own gradients, at the input and through files, beside noise of that size.

    Every attack is kept in the cache, so that an evaluation which is stopped goes on where it was. An attacker who
    knows a defence attacks through it.
    """
    from engine.evaluate.robustness.run import measurement
    from engine.metrics.rows import as_table
    from engine.model.release import load_release

    began, release = time.monotonic(), load_release(folder)
    rows, limits = _measured(release, [load_release(other) for other in beside], **asked)
    if record:
        _keep(release, rows, limits, asked["split"], began)
    found = measurement(release, asked["split"], [row for one in rows.values() for row in one])
    shown = {**found.as_dict(), "limits": {name: asdict(limit) for name, limit in limits.items()}}
    click.echo(json.dumps(shown, indent=1, ensure_ascii=False) if as_json else _as_text(as_table(found), limits))


def _measured(
    release: Release,
    others: list[Release],
    *,
    recordings: Path | None,
    modalities: tuple[str, ...],
    certify: bool,
    tries: int,
    **how: Any,
) -> tuple[dict[str, list[ResultRow]], dict[str, SteadinessLimit]]:
    """Return the rows of each modality, and the check's operating points."""
    from engine.evaluate.robustness import certificates
    from engine.evaluate.robustness.run import AttackPlan, evaluate

    path, named = open_recordings(recordings), modalities or KINDS
    if how["budgets"] and len(named) > 1:
        raise UsageError("A budget is grey levels for films and per cent of SD for traces: name one --modality.")
    asked = AttackPlan(path, how.pop("split"), with_defences=how.pop("defences"), **how)
    found = {one: evaluate(release, one, asked, others) for one in named}
    rows = {name: one.rows for name, one in found.items()}
    if certify:
        for one in modalities or CERTIFIED:
            rows[one] = [*rows[one], *certificates.evaluate(release, one, asked, tries)]
    return rows, {name: one.limit for name, one in found.items()}


def _keep(
    release: Release, rows: dict[str, list[ResultRow]], limits: dict[str, SteadinessLimit], split: str, began: float
) -> None:
    """Record the figures of each modality by itself, and write the limits that queries are checked by."""
    from engine.commands.measuring import keep
    from engine.evaluate.robustness.run import measurement
    from engine.model.steadiness import write_limits

    for name, own in rows.items():
        shown = {**measurement(release, split, own).as_dict(), "limits": {name: asdict(limits[name])}}
        keep(release, f"robustness-{name}", shown, split, began)
    write_limits(release, limits)


def _as_text(table: str, limits: dict[str, SteadinessLimit]) -> str:
    """Return the table, and the operating points in words."""
    lines = [
        f"Check of {name}: a turn above {one.limit:g} is unusual (copies usually move {one.usual} bits); "
        f"{one.false_alarms:.1%} of {one.n} clean recordings. {'Used' if one.holds else 'Not used'} at query time."
        for name, one in limits.items()
    ]
    return "\n".join([table, "", *lines])
