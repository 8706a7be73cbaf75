"""casebind pacs find | get | send"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.actor import single_user
from engine.commands.inbox import take_up_waiting
from engine.commands.shared import archive_workspace, workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.hospital.archive import WantedStudies

Command = TypeVar("Command", bound=Callable[..., Any])
COLUMNS = ("accession", "patient", "since", "until", "modality")


@click.group("pacs")
def command() -> None:
    """Find studies in the hospital's archive, fetch them, send back (DICOMweb); docs/pacs.md says how.

    Address and password file stand in pacs.toml of the workspace.
    """


def wanted_options(command: Command) -> Command:
    """Add what narrows a search of the archive."""
    for option in (
        click.option("--modality", multiple=True, help="CR, DX or ECG; may be given more than once."),
        click.option("--until", default="", metavar="YYYYMMDD", help="The last day of the study."),
        click.option("--since", default="", metavar="YYYYMMDD", help="The first day of the study."),
        click.option("--patient", default="", help="A patient number."),
        click.option("--accession", default="", help="An accession number."),
    ):
        command = option(command)
    return command


@command.command("find")
@wanted_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workspace_option
def find(*, as_json: bool, workspace: Path | None, modality: tuple[str, ...], **given: str) -> None:
    """List the studies that match, the newest first. The app may be running."""
    folder, wanted = archive_workspace(workspace), _wanted(given, modality)
    from engine.hospital.settings import archive_settings
    from engine.hospital.way import open_archive
    from engine.store.acts import Act
    from engine.store.audit_file import AuditFile

    found = open_archive(archive_settings(folder)).find(wanted)
    with AuditFile(folder) as audit:
        about = {"by": sorted(wanted.filters()), "found": len(found)}
        audit.append(single_user(), Act("archive searched", about=about))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        kinds = "/".join(one.modalities)
        click.echo(f"{one.date}  {kinds:8}  {one.accession}  {one.patient}  {one.description}".rstrip())
    click.echo(f"{len(found):,} studies.")


@command.command("get")
@wanted_options
@click.option("--worklist", type=click.Path(path_type=Path), help="A file: an accession number a line, or a table.")
@click.option("--cohort", help="Where the studies go (default: the cohort of pacs.toml).")
@click.option("--per-minute", type=click.IntRange(min=0), help="Objects that are fetched at most in a minute.")
@click.option("--quiet", help="When nothing is fetched, in local time: 07:00-19:00.")
@click.option("--no-take-up", is_flag=True, help="Leave them in the inbox.")
@workspace_option
def get(
    *,
    worklist: Path | None,
    cohort: str | None,
    per_minute: int | None,
    quiet: str | None,
    no_take_up: bool,
    workspace: Path | None,
    modality: tuple[str, ...],
    **given: str,
) -> None:
    """Fetch the films and recordings of the studies that match, or of a worklist, into a cohort.

    A worklist that is a table has the columns accession, patient, since, until, modality; some of them are enough. May
    be stopped and started again: nothing is fetched twice. While the archive is away it waits and goes on by itself.
    """
    from tqdm import tqdm

    folder = archive_workspace(workspace)
    from engine.hospital.fetching import FetchJob
    from engine.hospital.settings import archive_settings, checked
    from engine.hospital.way import open_archive

    listed = read_worklist(worklist) if worklist else [_wanted(given, modality)]
    asked: dict[str, Any] = {"cohort": cohort, "per_minute": per_minute, "quiet": quiet}
    found = checked(replace(archive_settings(folder), **{key: one for key, one in asked.items() if one is not None}))
    with tqdm(total=len(listed), desc=found.cohort, unit="line", leave=False) as progress:
        job = FetchJob(folder, found, open_archive(found, in_job=True), on_progress=progress.write)
        done = job.run(listed, single_user(), lambda: progress.update(1))
    click.echo(f"{done.fetched:,} fetched, {done.already:,} came before, {len(done.failed):,} not given.")
    for sentence in dict.fromkeys(done.failed):
        click.echo(f"  {done.failed.count(sentence):,} × {sentence}")
    if done.fetched and not no_take_up:
        take_up_waiting(folder)


@command.command("send")
@click.argument("query_id")
@click.option("--case", "cases", multiple=True, metavar="STUDY_ID", help="Only this case; may be repeated.")
@wanted_options
@workspace_option
def send(
    *, query_id: str, cases: tuple[str, ...], workspace: Path | None, modality: tuple[str, ...], **given: str
) -> None:
    """Send what was found near an earlier query into the study that the query was taken from.

    A report (SR), a key object selection and a picture of the nearest pair go into series of their own. The study has
    to hold the query's own film or recording. The archive is asked for every object again before it counts as sent.
    """
    from engine.commands.shared import load_release, workspace_from_option
    from engine.hospital.sending import send_back
    from engine.retrieval.answer import Options
    from engine.retrieval.search import search_stored

    wanted = _wanted(given, modality)
    with workspace_from_option(workspace) as place:
        answer = search_stored(place, load_release(), query_id, Options(), actor=single_user())
        done = send_back(place, answer, wanted, cases, actor=single_user())
    click.echo(f"Sent and found again: {', '.join(done.objects)}; {done.cases:,} cases near {query_id}.")


def read_worklist(file: Path) -> list[WantedStudies]:
    """Return what a worklist asks for, in its order; UsageError where it cannot be read or names nothing."""
    from engine.hospital.archive import WantedStudies

    try:
        lines = [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The worklist {file.name} cannot be read: name a text file in UTF-8.") from error
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise UsageError(f"The worklist {file.name} names nothing: write an accession number a line.")
    heads = [head.strip().lower() for head in lines[0].split(",")]
    if not set(heads) & set(COLUMNS):
        return [WantedStudies(accession=line) for line in lines]
    if unknown := set(heads) - set(COLUMNS):
        raise UsageError(f"The worklist has a column '{min(unknown)}': use {', '.join(COLUMNS)}.")
    found = []
    for row in csv.DictReader([",".join(heads), *lines[1:]]):
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        kinds = tuple(cells.pop("modality").split(";")) if cells["modality"] else ()
        cells.pop("modality", None)
        found.append(WantedStudies(modalities=kinds, **cells))
    for one in found:
        one.filters()
    return found


def _wanted(given: dict[str, str], modality: tuple[str, ...]) -> WantedStudies:
    from engine.hospital.archive import WantedStudies

    found = WantedStudies(modalities=tuple(one.upper() for one in modality), **given)
    found.filters()
    return found
