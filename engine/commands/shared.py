"""What several commands share: options, the query that an argument means, the opened workspace and release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine import settings
from engine.errors import QuestionError, UsageError
from engine.study import Study

if TYPE_CHECKING:
    from engine.intake.upload import Answers
    from engine.model.release import Release
    from engine.workspace.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])

ANSWER_OPTIONS = {"fs": "--fs", "units": "--units", "modality": "--modality"}


def workspace_option(command: Command) -> Command:
    """Add --workspace."""
    return click.option(
        "--workspace",
        "workspace",
        type=click.Path(path_type=Path),
        default=None,
        metavar="DIR",
        help="The workspace's folder (default: CASEBIND_WORKSPACE, or the shipped one).",
    )(command)


def answer_options(command: Command) -> Command:
    """Add --fs, --units and --modality, which answer what a file leaves open."""
    for option in (
        click.option("--modality", type=click.Choice(["ecg", "ppg"]), help="What a file that does not say holds."),
        click.option("--units", type=click.Choice(["mV", "uV", "au", "sd"]), help="Units where the file does not say."),
        click.option("--fs", type=click.FloatRange(min=0, min_open=True), metavar="HZ", help="Sampling rate likewise."),
    ):
        command = option(command)
    return command


def workspace_from_option(path: Path | None, *, create: bool = False) -> Workspace:
    """Open the workspace that --workspace means; what was damaged in it is a sentence on standard error."""
    from engine.workspace.workspace import open_workspace

    opened = open_workspace(path or settings.workspace_path(), create=create)
    if opened.remark:
        click.echo(opened.remark, err=True)
    return opened


def archive_workspace(path: Path | None) -> Path:
    """Return the folder of the workspace that works with an archive, which stays closed.

    Where a folder holds settings (pacs.toml) and no workspace yet, an empty one is made in it; WorkspaceError where
    there is neither.
    """
    from engine.hospital.settings import FILE
    from engine.store.database import FILE_NAME
    from engine.store.folder import check_folder

    folder = (path or settings.workspace_path()).expanduser().resolve()
    if (folder / FILE).is_file() and not (folder / FILE_NAME).is_file():
        workspace_from_option(folder, create=True).close()
        click.echo(f"A new workspace is made at {folder}, by its {FILE}.", err=True)
    check_folder(folder, create=False)
    return folder


def load_release() -> Release:
    """Load the newest release."""
    from engine.model.release import load_release as load

    return load()


SMALL = 20_000  # studies up to which a search counts first what is to be counted


def count_pairs(workspace: Workspace, at_most: int | None = None) -> None:
    """Count what near means in the collection, where that is to be done."""
    from engine.learning.collection_calibration import keep_current

    keep_current(workspace, load_release(), at_most=at_most)


def read_query(words: Sequence[str], named: bool, answers: Answers, key: bytes) -> Study:
    """Return the study that command line words mean: the files of one study where `named`, else a finding.

    Raises IntakeError where the files cannot be read, UsageError where they leave a question open.
    """
    from engine.intake.paths import read_paths
    from engine.intake.read import read_text

    if not named:
        return read_text(without_passages(" ".join(words)))
    try:
        return read_paths([Path(word).expanduser() for word in words], answers, key)
    except QuestionError as error:
        raise UsageError(_with_option(error)) from error


def without_passages(words: str) -> str:
    """Return words without what may tell who somebody is; what was replaced is a sentence on standard error."""
    from engine.intake.free_text import found_in, replaced

    found = found_in(words)
    if found:
        kinds = ", ".join(f"[{one.kind}]" for one in found)
        click.echo(f"Stored with {kinds} in the place of what may tell who somebody is.", err=True)
    return replaced(words, found)


def is_file(word: str) -> bool:
    """Say whether a word is a file; UsageError where it looks like one and there is none."""
    from engine.intake.formats import file_suffix

    path, spaced, separated = Path(word).expanduser(), " " in word.strip(), "/" in word or "\\" in word
    if path.is_file() or Path(f"{word}.hea").is_file() or (path.is_dir() and separated):
        return True
    if (file_suffix().search(word) and (separated or not spaced)) or (separated and not spaced):
        raise UsageError(f"There is no file {word}: check the path, or put a finding in quotes, with its spaces.")
    return False


def _with_option(error: QuestionError) -> str:
    """Return a question of the intake with the option that answers it."""
    sentence = str(error).rstrip(".")
    option = ANSWER_OPTIONS[error.field]
    return sentence + "." if option in sentence else f"{sentence}; answer with {option}."
