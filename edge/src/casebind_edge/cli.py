"""casebind-edge install | search | watch | rate | sync | status"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import CasebindError, QuestionError
from engine.version import __version__

if TYPE_CHECKING:
    from casebind_edge.device import Device
    from casebind_edge.watch import Window

BLOCKS = "▁▂▃▄▅▆▇█"
REFUSED, INTERRUPTED = 3, 130
TOP_SHARE = 0.995
OPTIONS = {"fs": "--fs", "units": "--units", "modality": "--modality"}
HOME = click.option(
    "--home", type=click.Path(path_type=Path), metavar="DIR", help="The device's folder (default: CASEBIND_EDGE_HOME)."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="casebind-edge")
def casebind_edge() -> None:
    """Judge and code an ECG, a PPG or a chest film on this device, and show the nearest cases that it keeps."""


@casebind_edge.command("install")
@click.argument("bundle", type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="The device's key, the first time.")
@HOME
def install_command(bundle: Path, key: Path | None, home: Path | None) -> None:
    """Take a bundle that `casebind edge build` wrote; it takes the place of an earlier one."""
    from casebind_edge.device import home_path, install

    place = home_path(home)
    said = install(bundle, key, place)
    click.echo(f"{place}: release {said['release']}, {said['precision']}, of {said['made_at']} UTC. {said['notice']}.")


@casebind_edge.command("search")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-k", "k", type=click.IntRange(1, 100), default=5, show_default=True, help="Cases of each modality.")
@click.option("--fs", type=click.FloatRange(min=0, min_open=True), metavar="HZ", help="Sampling rate where not stated.")
@click.option("--units", type=click.Choice(["mV", "uV", "au", "sd"]), help="Units where the file does not say.")
@click.option("--modality", type=click.Choice(["ecg", "ppg"]), help="What a file that does not say holds.")
@click.option("--who", default="", metavar="NAME", help="Who asks, for the hospital's audit (default: the device).")
@click.option("--no-keep", is_flag=True, help="Keep nothing of it for the hospital.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@HOME
def search_command(
    files: tuple[Path, ...], *, k: int, who: str, no_keep: bool, as_json: bool, home: Path | None, **given: Any
) -> None:
    """Show the kept cases nearest to FILE: CSV, EDF, or a WFDB record; with casebind-edge[films] PNG, JPEG or DICOM."""
    from casebind_edge.device import home_path, open_device
    from casebind_edge.outbox import keep
    from casebind_edge.search import search
    from engine.intake.upload import Answers

    device = open_device(home_path(home))
    found = search(device, files, Answers(**given), k)
    found.said["query"]["query_id"] = None if no_keep else keep(device.home, found, who)
    if as_json:
        click.echo(json.dumps(found.said, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(device, found.said)))
    if found.refused:
        click.echo(" ".join(found.refused), err=True)
        raise SystemExit(REFUSED)


@casebind_edge.command("watch")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--fs", type=click.FloatRange(min=0, min_open=True), required=True, metavar="HZ", help="Rows a second.")
@click.option("-k", "k", type=click.IntRange(1, 100), default=1, show_default=True, help="Cases of each modality.")
@click.option("--units", type=click.Choice(["mV", "uV", "au", "sd"]), help="Units where the header does not say.")
@click.option("--modality", type=click.Choice(["ecg", "ppg"]), help="What a header that does not say holds.")
@click.option("--idle", type=click.FloatRange(min=0), metavar="SECONDS", help="End after so long without a new row.")
@click.option("--who", default="", metavar="NAME", help="Who asks, for the hospital's audit (default: the device).")
@click.option("--no-keep", is_flag=True, help="Keep nothing of it for the hospital, nor how far it was read.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a window.")
@HOME
def watch_command(
    source: Path, *, k: int, idle: float | None, who: str, no_keep: bool, as_json: bool, home: Path | None, **given: Any
) -> None:
    """Judge and search an ECG or PPG while it grows, ten seconds after ten seconds.

    SOURCE is a table in which one row follows the other, or - for rows that are piped in, as from a socket. A file is
    gone on with where it was left.
    """
    from casebind_edge.device import home_path, open_device
    from casebind_edge.watch import lines_of, watch
    from engine.intake.upload import Answers

    device, piped = open_device(home_path(home)), str(source) == "-"
    with nullcontext(sys.stdin) if piped else source.open(encoding="utf-8", errors="replace") as stream:
        lines = stream if piped else lines_of(stream, idle)
        named = "" if piped else str(source.resolve())
        for window in watch(device, lines, Answers(**given), k, source=named, who=who, keeping=not no_keep):
            _say_window(device, window, as_json)


@casebind_edge.command("rate")
@click.argument("query_id")
@click.argument("study_id")
@click.argument("mark", type=click.Choice(["relevant", "partly", "irrelevant"]))
@click.option("--who", default="", metavar="NAME", help="Who rates (default: the device).")
@HOME
def rate_command(query_id: str, study_id: str, mark: str, *, who: str, home: Path | None) -> None:
    """Mark a case that a query of this device showed; the hospital has it after a sync."""
    from casebind_edge.device import home_path
    from casebind_edge.outbox import Outbox

    Outbox(home_path(home)).rate(query_id, study_id, mark, who)
    click.echo(f"Kept: {study_id} is {mark} for {query_id}.")


@casebind_edge.command("sync")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@HOME
def sync_command(folder: Path, home: Path | None) -> None:
    """Exchange with the hospital through FOLDER, a share or a stick; again after `casebind edge receive` ran on it."""
    from casebind_edge.device import home_path
    from casebind_edge.sync import sync

    done = sync(home_path(home), folder)
    for reason in done.left_out:
        click.echo(f"Left out at the hospital: {reason}", err=True)
    if done.installed:
        click.echo(f"A bundle of release {done.installed} is installed.")
    click.echo(f"{done.arrived} events had arrived, {done.waiting} wait in {folder}; {done.gone} cases are gone.")


@casebind_edge.command("status")
@HOME
def status_command(home: Path | None) -> None:
    """Say which bundle is installed, and what it lacks."""
    from casebind_edge.device import home_path, open_device
    from casebind_edge.search import missing_sentences

    device = open_device(home_path(home))
    coded = ", ".join(device.manifest["encoders"])
    click.echo(f"Release {device.release}, of {device.manifest['made_at']} UTC; codes {coded}.")
    click.echo("\n".join(missing_sentences(device)))


def main() -> None:
    """Run one command and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status, as `casebind` does: 2 for an error, 3 for a refused recording."""
    try:
        casebind_edge.main(arguments, prog_name="casebind-edge", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message())
    except click.ClickException as error:
        click.echo(" ".join(error.format_message().split()), err=True)
        return 2
    except QuestionError as error:
        click.echo(f"{error} (answer with {OPTIONS[error.field]})", err=True)
        return error.exit_status
    except CasebindError as error:
        click.echo(" ".join(str(error).split()), err=True)
        return error.exit_status
    except SystemExit as error:
        return int(error.code or 0)
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    return 0


def _lines(device: Device, said: dict[str, Any]) -> list[str]:
    """Return an answer in lines for the shell."""
    query = said["query"]
    lines = [query["recognised"] + (f" ({query['query_id']})" if query["query_id"] else "")]
    if not query["quality"]["accepted"]:
        return lines
    for one in said["neighbours"]:
        labels = ", ".join(one["labels"]) or "no labels"
        synthetic = ", synthetic" if one["synthetic"] else ""
        share = f"closer than {_per_cent(one['further_share'])} of random pairs"
        lines.append(
            f"{one['modality']} {one['rank']}. {one['study_id']}  {one['hamming']} of 256 bits differ, {share}"
        )
        lines.append(
            f"    labelled as {labels} ({one['cohort']}{synthetic}) {_sparkline(device, one['study_id'])}".rstrip()
        )
    lines += [f"Nothing close among the kept {name}." for name, far in said["nothing_close"].items() if far]
    return [*lines, *said["missing"], f"{device.manifest['notice']}."]


def _say_window(device: Device, window: Window, as_json: bool) -> None:
    """Print what was found of a window, at once."""
    seconds = {"start_s": window.start_s, "end_s": window.end_s}
    said: dict[str, Any] = {"problem": window.problem} if window.found is None else window.found.said
    if as_json:
        line = json.dumps({**seconds, **said}, ensure_ascii=False)
    elif window.found is None:
        line = window.problem
    elif window.found.refused:
        line = " ".join(window.found.refused)
    else:
        line = "\n".join(_lines(device, said))
    click.echo(line if as_json else f"{window.start_s:g}–{window.end_s:g} s: {line}")
    sys.stdout.flush()


def _per_cent(share: float) -> str:
    """Return a share as the hospital's pages say it, which claim no whole."""
    return "nearly all" if share >= TOP_SHARE else f"{int(100 * share)} %"


def _sparkline(device: Device, study_id: str) -> str:
    picture = device.picture(study_id)
    if picture is None or picture.ndim != 1:
        return ""
    return "".join(BLOCKS[int(height) * len(BLOCKS) // 256] for height in picture)


if __name__ == "__main__":
    main()
