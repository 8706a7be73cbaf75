"""casebind simulate hospital --out DIR [--patients N] [--seed N] [--couplings on|off|both]"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.synthetic.hospital import Arms

PATIENTS, SEED = 400, 2025


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
def hospital_command(out: Path, patients: int, seed: int, arms: Arms) -> None:
    """Draw visits with film, ECG, pulse wave and report; most carry a visit number, the others only times.

    A manifest per kind of coupling is written: take it in with `casebind ingest`, bind it with `casebind adapt`. A
    drawing that is stopped goes on where it stopped when the same command is given again.
    """
    from engine.synthetic.generators import SHIPPED, load
    from engine.synthetic.hospital import HospitalPlan, write_hospital

    plan = HospitalPlan(patients, seed, arms)
    made = write_hospital(out, load(SHIPPED), plan, lambda line: click.echo(line, err=True))
    for manifest in made:
        click.echo(
            f"{manifest} is written; take it in with `casebind ingest {manifest.parent} --cohort NAME --synthetic`."
        )
