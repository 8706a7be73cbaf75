"""Draw the shipped cohort anew: python -m engine.synthetic --out data/demo --seed 7.

In full, from the open recordings (DIR) to the files of the repository:

    casebind train generator films --recordings DIR --out runs/synthetic
    casebind train generator ecg --recordings DIR --out runs/synthetic
    casebind train generator ppg --recordings DIR --out runs/synthetic
    python -m engine.synthetic --out data/demo --generators runs/synthetic --again data/demo/drawing.json
    casebind encode data/demo/manifest.csv --out data/demo/embeddings-r2.npz

The last file saves `casebind demo` the encoding; r2 is the release's name, and one is written for each release that is
to start fast. A drawing that is stopped goes on where it stopped when it is started again in the same way.
Studies that `casebind evaluate synthetic --record FILE` finds too near a real recording are drawn anew with
--again FILE; drawing.json keeps which these were.
"""

from __future__ import annotations

from pathlib import Path

import click

from engine.errors import CasebindError
from engine.settings import DEMO

HERE = Path("runs/synthetic")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=DEMO, help="Folder to write; its studies are replaced.")
@click.option("--generators", type=click.Path(path_type=Path), default=HERE, show_default=True, help="Fitted files.")
@click.option("--recordings", type=click.Path(path_type=Path), help="Fit what is missing on these open recordings.")
@click.option("--patients", type=click.IntRange(min=1), default=300, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--again", multiple=True, type=click.Path(path_type=Path), help="Records that name studies to redraw.")
def main(
    out: Path, generators: Path, recordings: Path | None, *, patients: int, seed: int, again: tuple[Path, ...]
) -> None:
    """Write the synthetic cohort: 300 patients, some 1,400 studies, every one through the quality gate."""
    from engine.synthetic.chance import RandomStreams, count_redraws
    from engine.synthetic.cohort import write_cohort
    from engine.synthetic.generators import FILES, fit, load, missing

    for part in FILES:
        if recordings is not None and missing(generators, part):
            click.echo(f"Fitting {part} on {recordings} …")
            fit(part, recordings, generators)
    chance = RandomStreams(seed, count_redraws(again))
    manifest = write_cohort(out, load(generators), n=patients, streams=chance, on_progress=click.echo)
    encode = f"casebind encode {manifest} --out {out / 'embeddings-RELEASE.npz'}"
    click.echo(f"{manifest} is written; encode it with `{encode}`.")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (CasebindError, click.ClickException) as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
