"""casebind fetch NAME: an open data set from its publisher's own address."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import settings
from engine.commands.ingest import summary_lines, take_in
from engine.commands.shared import workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.datasets.fetch.fetching import Fetched
    from engine.datasets.fetch.sources import FetchSource


@click.command("fetch")
@click.argument("name", required=False)
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), help="The folder (default: data/datasets/NAME)."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N recordings only.")
@click.option("--ingest/--no-ingest", "ingested", default=True, show_default=True, help="Take it into the workspace.")
@click.option("--accept-terms", is_flag=True, help="Agree to what the publisher asks for.")
@workspace_option
def command(
    *, name: str | None, to: Path | None, limit: int | None, ingested: bool, accept_terms: bool, workspace: Path | None
) -> None:
    """Download the open data set NAME from its publisher and take it in as a cohort; without NAME, list them.

    May be stopped and started again at any time: what is there is checked and kept, and the rest is fetched.
    CASEBIND_FETCH_BASE names a mirror, whose folders are the publishers' hosts (physionet.org/files/…).
    """
    from engine.datasets.fetch.sources import source_of, sources

    if name is None:
        click.echo("\n".join(_line(source) for source in sources().values()))
        return
    source = source_of(name)
    _agree(source, accept_terms)
    folder = to or settings.DATA / "datasets" / source.name
    fetched = _fetch(source, folder, limit)
    click.echo(f"{fetched.files} files of {source.title} are in {folder} ({source.licence}; {source.attribution}).")
    if fetched.by_hand:
        raise UsageError(
            f"{source.title} is searched when {', '.join(fetched.by_hand)} lie in {folder} too: its publisher hands "
            f"them out on {source.page} alone; then run the same command again."
        )
    if ingested:
        _take_in(source, folder, limit, workspace)


def _line(source: FetchSource) -> str:
    size = f"{source.megabytes / 1000:,.1f} GB" if source.megabytes >= 1000 else f"{source.megabytes} MB"
    return f"{source.name:<18}{size:>9}{source.studies:>9,} recordings  {source.licence}  {source.page}"


def _agree(source: FetchSource, accepted: bool) -> None:
    """Raise UsageError unless the publisher's terms, where there are any, are agreed to."""
    if not source.terms or accepted:
        return
    if not (sys.stdin.isatty() and click.confirm(f"{source.terms} ({source.page}) Do you agree?", err=True)):
        raise UsageError(f"{source.terms.rstrip('.')} ({source.page}): pass --accept-terms if you agree.")


def _fetch(source: FetchSource, folder: Path, limit: int | None) -> Fetched:
    from tqdm import tqdm

    from engine.datasets.fetch.fetching import fetch

    with tqdm(desc=source.title, unit="B", unit_scale=True, leave=False) as progress:
        return fetch(source, folder, limit, progress.update)


def _take_in(source: FetchSource, folder: Path, limit: int | None, workspace: Path | None) -> None:
    from engine.store.records import KEEP_IDS, Cohort
    from engine.workspace.dataset_entries import read_dataset

    entries = read_dataset(folder, None, complete=limit is None)
    if limit is not None and source.archives:
        entries = entries[:limit]
    about = Cohort(source.title, source.licence, source.attribution, False, source.label_source, KEEP_IDS)
    click.echo(summary_lines(take_in(workspace, about, entries)))  # its publisher has looked for text in films
