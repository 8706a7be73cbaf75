"""What every command that measures a release shares: its options, and how a measurement is shown and recorded."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from engine.commands.shared import Command
from engine.datasets.folder import open_recordings
from engine.settings import CHECKS

if TYPE_CHECKING:
    from engine.metrics.rows import Measurement
    from engine.model.release import Release

SPLITS = ("valid", "test")
FOLDER_TYPE = click.Path(path_type=Path)


def record_option(command: Command) -> Command:
    """Add --record."""
    said = "Keep the figures in the release's folder, for pages and `casebind transparency`."
    return click.option("--record", is_flag=True, help=said)(command)


def keeper_options(command: Command) -> Command:
    """Add --record, and --release for the release that keeps figures which do not depend on one."""
    said = "The release that keeps the figures."
    return click.option("--release", "folder", type=FOLDER_TYPE, metavar="DIR", help=said)(record_option(command))


def measure_options(command: Command) -> Command:
    """Add the options that every measurement on the open recordings has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        record_option,
        click.option("--out", type=FOLDER_TYPE, metavar="DIR", help="Write JSON and plots there."),
        click.option("--cache", type=FOLDER_TYPE, default=CHECKS, metavar="DIR", help="For embeddings."),
        click.option("--split", type=click.Choice(SPLITS), default="test", help="Choose on valid, report test."),
        click.option("--beside", type=FOLDER_TYPE, multiple=True, metavar="DIR", help="Another release."),
        click.option("--release", "folder", type=FOLDER_TYPE, metavar="DIR", help="The release."),
        click.option("--recordings", type=FOLDER_TYPE, metavar="DIR", help="The open recordings."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class MeasureRequest:
    """How a measurement is asked for and what is done with it.

    beside : other releases, measured after it        out    : a folder for JSON and plots
    record : whether the release keeps the figures     began  : when the command began, for the seconds it took
    """

    folder: Path | None = None
    beside: tuple[Path, ...] = ()
    out: Path | None = None
    as_json: bool = False
    record: bool = False
    began: float = field(default_factory=time.monotonic)


def typed_command() -> str:
    """Return the running command as typed; a folder of this machine is written DIR.

    What is recorded goes with the release to others, who have other folders.
    """
    words: Sequence[str] = click.get_current_context().find_root().obj or ()
    return " ".join(["casebind", *(_shown_word(word) for word in words)])


def keep(release: Release, name: str, measured: Mapping[str, Any], split: str, began: float) -> None:
    """Record what this command measured of a release, and say where; a figure that is not a number is null."""
    from engine.evaluate.recorded import record

    finite: dict[str, Any] = json.loads(json.dumps(measured), parse_constant=lambda _: None)
    seconds = time.monotonic() - began
    path = record(release, name, finite, command=typed_command(), split=split, seconds=seconds)
    click.echo(f"Recorded in {path}.", err=True)


def show(name: str, measured: Callable[[Release], Measurement], module: ModuleType, asked: MeasureRequest) -> None:
    """Measure a release and those beside it, record, write JSON and plots, and print."""
    from engine.metrics.rows import as_table, with_rows_of
    from engine.model.release import load_release

    release = load_release(asked.folder)
    found = measured(release)
    if asked.record:
        keep(release, name, found.as_dict(), found.split, asked.began)
    for other in asked.beside:
        found = with_rows_of(found, measured(load_release(other)), other.name)
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        module.draw(found, asked.out)
    click.echo(text if asked.as_json else as_table(found))


def measuring_command(name: str, module: str, summary: str) -> click.Command:
    """Return the subcommand that runs one measurement of `engine.evaluate` on the open recordings and shows it."""

    @click.command(name, help=summary, short_help=summary)
    @measure_options
    def run(*, recordings: Path | None, split: str, cache: Path, **asked: Any) -> None:
        path, measure = open_recordings(recordings), importlib.import_module(f"engine.evaluate.{module}")

        def measured(release: Release) -> Measurement:
            found: Measurement = measure.evaluate(release, path, split, cache)
            return found if split != "test" else _counted(found, release, path, cache)

        show(name, measured, measure, MeasureRequest(**asked))

    return run


def _counted(found: Measurement, release: Release, path: Path, cache: Path) -> Measurement:
    """Write down that `test` was read, and let the measurement say how often it has been."""
    from engine.evaluate import reads

    said = reads.record(cache, found.name, release, path).sentence()
    return replace(found, notes=(*found.notes, said))


def _shown_word(word: str) -> str:
    name, sign, value = word.partition("=")
    folder = value if sign else word
    if not Path(folder).is_absolute():
        return f"'{word}'" if " " in word else word
    return f"{name}=DIR" if sign else "DIR"
