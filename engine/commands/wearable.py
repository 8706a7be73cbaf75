"""casebind wearable EXPORT --patient P | --list"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.actor import single_user
from engine.commands.shared import count_pairs, load_release, workspace_from_option, workspace_option
from engine.wearable.dates import DATES, Dates
from engine.wearable.rule import PERS, KeepRule, Per

if TYPE_CHECKING:
    from engine.wearable.archive import Export
    from engine.wearable.taking import TakenIn, Whose
    from engine.wearable.windows import Surveyed

NAMED = 8  # recordings that were not read whose sentence is printed; the others are counted


@click.command("wearable")
@click.argument("export", type=click.Path(path_type=Path))
@click.option("--patient", default="", help="Whose it is: the hospital's number, or the pseudonym here.")
@click.option("--cohort", default="Wearables", show_default=True, help="Where the recordings go.")
@click.option("--best", type=click.IntRange(min=1), default=1, show_default=True, help="Windows that are kept at most.")
@click.option("--per", type=click.Choice(PERS), default="hour", show_default=True, help="Of every hour, or day.")
@click.option("--dates", type=click.Choice(DATES), default="shift", show_default=True, help="How times are kept.")
@click.option("--list", "only_list", is_flag=True, help="Say what is in it, and take nothing in.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def command(
    export: Path,
    *,
    patient: str,
    cohort: str,
    best: int,
    per: Per,
    dates: Dates,
    only_list: bool,
    as_json: bool,
    workspace: Path | None,
) -> None:
    """Take the zip that a wearable's maker hands out in, as many studies of one person with their times.

    A folder into which it was unpacked, as Safari does, is taken in as the zip is.

    Read are Apple Health (ECGs), Empatica E4 and EmbracePlus, Polar, Shimmer, and Fitbit's ECGs (Google Takeout). Long
    recordings are cut into windows of ten seconds; all are judged, and the best of every hour or day are kept
    (docs/wearables.md). May be stopped and started again: nothing comes twice.
    """
    from engine.wearable.archive import Export
    from engine.wearable.taking import Whose

    rule = KeepRule(best, per)
    with Export(export) as opened:
        if only_list:
            found = _listed(opened, rule)
            lines, said = _about(found), {"recordings": [_as_json(one) for one in found]}
        else:
            taken = _taken(opened, Whose(patient, cohort, dates), rule, workspace)
            lines, said = [*_about(taken.recordings), *_done(taken)], _taken_json(taken)
    click.echo(json.dumps(said) if as_json else "\n".join(lines))


def _listed(export: Export, rule: KeepRule) -> list[Surveyed]:
    """Return what is in an export, with a progress bar; nothing is stored."""
    from tqdm import tqdm

    from engine.intake.pseudonyms import process_key
    from engine.wearable.windows import survey

    with tqdm(desc="export", unit="recording", leave=False) as progress:
        found = []
        for one in survey(export, rule, process_key(), on_found=progress.reset):
            found.append(one)
            progress.update(1)
    return found


def _taken(export: Export, whose: Whose, rule: KeepRule, workspace: Path | None) -> TakenIn:
    """Take an export in, with a progress bar."""
    from tqdm import tqdm

    from engine.wearable.taking import person, take_in
    from engine.wearable.windows import survey
    from engine.workspace.serving import serving_release

    with (
        workspace_from_option(workspace, create=True) as place,
        tqdm(desc="export", unit="recording", leave=False) as progress,
    ):
        person(place, whose)
        release = serving_release(place, load_release())
        found = survey(export, rule, place.key, on_found=progress.reset)

        def on_progress(done: int) -> None:
            progress.update(done - progress.n)

        taken = take_in(place, release, found, whose, rule, actor=single_user(), on_progress=on_progress)
        count_pairs(place)
    return taken


def _about(found: Sequence[Surveyed]) -> list[str]:
    """Return what was found by source, why windows were refused, and what was not read, as lines for a person."""
    from engine.wearable.windows import refusals

    lines = []
    for source, modality in sorted({(one.recording.source, one.modality) for one in found if not one.problem}):
        some = [one for one in found if (one.recording.source, one.modality) == (source, modality)]
        days = sorted(f"{one.recording.began:%Y-%m-%d}" for one in some if one.recording.began)
        when = f", {days[0]} to {days[-1]}" if days else ""
        counts = f"{_sum(some, 'judged'):,} windows judged, {_sum(some, 'accepted'):,} accepted"
        kept = sum(len(one.windows) for one in some)
        hours = sum(one.seconds for one in some) / 3600
        lines.append(f"{source}, {modality}: {len(some):,} recordings, {hours:,.1f} h{when}; {counts}, {kept:,} best")
        if (moved := _moved(some)) is not None:
            lines.append(f"  accepted in which the wrist moved, and which come last: {moved:,} windows")
    for name, (n, sentence) in refusals(found):
        lines.append(f"  refused for {name}: {n:,} windows, such as: {sentence}")
    lines += [f"  recording {one.number + 1}: {one.remark}" for one in found if one.remark][:NAMED]
    problems = [one for one in found if one.problem]
    lines += [f"  recording {one.number + 1} is not read: {one.problem}" for one in problems[:NAMED]]
    return lines + ([f"  … and {len(problems) - NAMED:,} more"] if len(problems) > NAMED else [])


def _sum(found: Sequence[Surveyed], name: str) -> int:
    return sum(int(getattr(one, name)) for one in found)


def _moved(found: Sequence[Surveyed]) -> int | None:
    known = [one.moved for one in found if one.moved is not None]
    return sum(known) if known else None


def _done(taken: TakenIn) -> list[str]:
    skipped = Counter(taken.skipped)
    counts = f"{taken.ingested:,} ingested, {taken.already:,} already there, {len(taken.skipped):,} skipped"
    return [f"{taken.patient_id}: {counts}", *(f"  {n:,} × {reason}" for reason, n in skipped.most_common(NAMED))]


def _as_json(one: Surveyed) -> dict[str, Any]:
    return {
        "source": one.recording.source,
        "modality": one.modality,
        "began": None if one.recording.began is None else one.recording.began.isoformat(timespec="seconds"),
        "seconds": round(one.seconds, 3),
        "judged": one.judged,
        "accepted": one.accepted,
        "best": len(one.windows),
        "moved": one.moved,
        "refused": {name: n for name, (n, _) in one.refused.items()},
        "problem": one.problem,
        "remark": one.remark,
    }


def _taken_json(taken: TakenIn) -> dict[str, Any]:
    counts = {"ingested": taken.ingested, "already": taken.already, "skipped": taken.skipped}
    return {"patient_id": taken.patient_id, **counts, "recordings": [_as_json(one) for one in taken.recordings]}
