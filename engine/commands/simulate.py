"""casebind simulate hospital --out DIR [--patients N] [--seed N] [--couplings on|off|both] [--serve]

casebind simulate admissions --out DIR [--from COHORT] [--seed N]
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.outcomes import admissions_command

if TYPE_CHECKING:
    from engine.synthetic.hospital import Arms

PATIENTS, SEED = 400, 2025
PORT = click.IntRange(1, 65535)


@click.group("simulate")
def command() -> None:
    """Draw what a hospital would have, to try Casebind on."""


@command.command("hospital")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new folder.")
@click.option("--patients", type=click.IntRange(min=1), default=PATIENTS, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True)
@click.option(
    "--couplings",
    "arms",
    type=click.Choice(["on", "off", "both"]),
    default="on",
    show_default=True,
    help="Film and traces of a visit agree beyond its labels (on), or do not (off, the control).",
)
@click.option("--serve", is_flag=True, help="Serve its films, ECGs and reports by Orthanc, until it is stopped.")
@click.option("--http-port", type=PORT, default=18042, show_default=True, help="Of the archive's DICOMweb.")
@click.option("--dicom-port", type=PORT, default=14242, show_default=True, help="At which the archive takes objects.")
@click.option("--listen-port", type=PORT, default=11112, show_default=True, help="Of `casebind listen`.")
def hospital_command(*, out: Path, patients: int, seed: int, arms: Arms, serve: bool, **ports: int) -> None:
    """Draw visits with film, ECG, pulse wave and report; most carry a visit number, the others only times.

    A manifest per kind of coupling is written: take it in with `casebind ingest`, bind it with `casebind adapt`. A
    drawing that is stopped goes on where it stopped when the same command is given again.

    With --serve an archive holds them afterwards, to find, fetch, send and adapt end to end: docs/simulated-archive.md.
    """
    if serve:
        from engine.synthetic.served import need

        need()  # before an hour of drawing
    from engine.synthetic.generators import SHIPPED, load
    from engine.synthetic.hospital import HospitalPlan, write_hospital

    plan = HospitalPlan(patients, seed, arms)
    made = write_hospital(out, load(SHIPPED), plan, lambda line: click.echo(line, err=True))
    for manifest in made:
        click.echo(
            f"{manifest} is written; take it in with `casebind ingest {manifest.parent} --cohort NAME --synthetic`."
        )
    if serve:
        serve_hospital(out, made[0], ports)


def serve_hospital(out: Path, manifest: Path, ports: dict[str, int]) -> None:
    """Serve a hospital that was drawn until somebody stops it; say what a workspace needs to know of it."""
    from engine.synthetic.served import Ports, load, serving

    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    with serving(out, Ports(ports["http_port"], ports["dicom_port"], ports["listen_port"])) as served:
        held = load(served, manifest, lambda line: click.echo(line, err=True), ended.is_set)
        if not ended.is_set():
            click.echo(
                f"The archive holds {held:,} objects. {served.folder / 'pacs.toml'}, for the workspace's folder:\n"
            )
            click.echo(served.pacs_file)
            click.echo(f"Everything into a cohort: casebind pacs get --worklist {served.folder / 'worklist.txt'}")
            click.echo(f"Everything to `casebind listen`: {served.sends}")
            click.echo("Stop the archive with Ctrl-C.")
        ended.wait()
    click.echo(f"The archive is stopped; what it holds stays in {served.folder}.")


command.add_command(admissions_command)
