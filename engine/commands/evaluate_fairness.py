"""casebind evaluate fairness: what a release gives to groups of people, on recordings or in a workspace."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from engine.commands.measuring import FOLDER_TYPE, SPLITS, keep, record_option
from engine.commands.shared import workspace_from_option
from engine.datasets.folder import open_recordings
from engine.errors import UsageError
from engine.settings import CHECKS


@click.command("fairness")
@click.option("--recordings", type=FOLDER_TYPE, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=FOLDER_TYPE, metavar="DIR", help="The release.")
@click.option("--split", type=click.Choice(SPLITS), default="valid", show_default=True, help="Of the recordings.")
@click.option("--workspace", type=FOLDER_TYPE, metavar="DIR", help="Compare the groups of its collection instead.")
@click.option("--cache", type=FOLDER_TYPE, default=CHECKS, metavar="DIR", help="For embeddings and verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@record_option
def command(
    *,
    recordings: Path | None,
    folder: Path | None,
    split: str,
    workspace: Path | None,
    cache: Path,
    as_json: bool,
    record: bool,
) -> None:
    """Print figures by sex, age, view, data set, sensor and language, and gaps beside those of shuffled groups."""
    from engine.evaluate.fairness_lines import as_lines

    if workspace is not None and record:
        raise UsageError("A release keeps figures of the open recordings alone: leave out --record or --workspace.")
    found = _of_collection(workspace, folder) if workspace is not None else None
    if found is None:
        found = _of_recordings(open_recordings(recordings), folder, split, cache, record=record)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else "\n".join(as_lines(found)))


def _of_recordings(path: Path, folder: Path | None, split: str, cache: Path, *, record: bool) -> dict[str, Any]:
    from engine.evaluate import fairness_recordings, reads
    from engine.model.release import load_release

    began, release = time.monotonic(), load_release(folder)
    found = fairness_recordings.evaluate(release, path, split, cache)
    if split == "test":
        found["notes"].append(reads.record(cache, "fairness", release, path).sentence())
    if record:
        keep(release, "fairness", found, split, began)
    return found


def _of_collection(workspace: Path, folder: Path | None) -> dict[str, Any]:
    from engine.actor import single_user
    from engine.evaluate import fairness_collection
    from engine.model.release import load_release
    from engine.workspace.serving import serving_release

    with workspace_from_option(workspace) as opened:
        release = serving_release(opened, load_release(folder))
        return fairness_collection.evaluate(opened, release, actor=single_user())
