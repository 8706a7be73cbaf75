"""Regenerate the shipped cohort: python -m engine.cohorts.synthetic --out data/demo --recordings DIR --seed 7."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cohorts.synthetic.old_write import write_cohort
from engine.errors import UsageError
from engine.settings import DEMO, recordings_path


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=DEMO, help="Folder to write; same names are replaced.")
@click.option("--recordings", type=click.Path(path_type=Path), help="Open recordings, to fit the film generator.")
@click.option("--patients", default=120, show_default=True)
@click.option("--seed", default=7, show_default=True)
def main(out: Path, recordings: Path | None, patients: int, seed: int) -> None:
    """Write the synthetic cohort: about 450 studies, 8 MB, two minutes on two cores."""
    source = recordings or recordings_path()
    if source is None or not (source / "cxr" / "cxr.csv").is_file():
        raise UsageError(
            "The film generator is fitted on the open recordings, which are not here: name it with --recordings."
        )
    click.echo(write_cohort(out, source, n=patients, seed=seed))


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (UsageError, click.ClickException) as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
