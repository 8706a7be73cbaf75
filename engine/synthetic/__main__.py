"""Draw a cohort: python -m engine.synthetic --out DIR --seed 7.

Severities are drawn first; the film shows them, ECG and pulse follow from them, the report says them. It needs no
fitted file beyond those shipped, which were fitted by `casebind train generator films | ecg | ppg`. The cohort in
data/demo is drawn and checked by

    python -m engine.synthetic --out data/demo --again data/demo/drawing.json --checks data/demo/drawing.json
    casebind encode data/demo/manifest.csv --out data/demo/embeddings-r3.npz
    casebind evaluate synthetic --cohort data/demo --recordings DIR --record data/demo/checks.json

The embeddings save `casebind demo` the encoding; r3 is the release's name, and one is written for each release that is
to start fast. A drawing that is stopped goes on where it stopped when it is started again in the same way.
Studies that `casebind evaluate synthetic --record FILE` finds too near a real recording are drawn anew with
--again FILE; drawing.json keeps which these were. --checks FILE notes which film labels passed, which quizzes ask for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.errors import CasebindError

if TYPE_CHECKING:
    from engine.synthetic.couplings import CouplingMode

HERE, OUT = Path("runs/synthetic"), Path("runs/cohort")


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=OUT, show_default=True, help="Folder; its studies are replaced."
)
@click.option("--generators", type=click.Path(path_type=Path), default=HERE, show_default=True, help="Fitted files.")
@click.option("--recordings", type=click.Path(path_type=Path), help="Fit what is missing on these open recordings.")
@click.option("--patients", type=click.IntRange(min=1), default=300, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--again", multiple=True, type=click.Path(path_type=Path), help="Records that name studies to redraw.")
@click.option(
    "--couplings",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Severities shape film and traces alike (on), or traces apart (off, the control).",
)
@click.option("--checks", type=click.Path(path_type=Path), help="Record whose passing film labels quizzes ask for.")
def main(
    out: Path,
    generators: Path,
    recordings: Path | None,
    *,
    patients: int,
    seed: int,
    again: tuple[Path, ...],
    couplings: CouplingMode,
    checks: Path | None,
) -> None:
    """Write the synthetic cohort: 300 patients, some 1,400 studies, every one through the quality gate."""
    from engine.synthetic.chance import RandomStreams, count_redraws
    from engine.synthetic.cohort import CohortPlan, passing_in, write_cohort
    from engine.synthetic.generators import FILES, fit, load, missing

    for part in FILES:
        if recordings is not None and missing(generators, part):
            click.echo(f"Fitting {part} on {recordings} …")
            fit(part, recordings, generators, on_progress=click.echo)
    chance = RandomStreams(seed, count_redraws(again))
    plan = CohortPlan(couplings, passing_in(checks))
    manifest = write_cohort(out, load(generators), n=patients, streams=chance, plan=plan, on_progress=click.echo)
    encode = f"casebind encode {manifest} --out {out / 'embeddings-RELEASE.npz'}"
    click.echo(f"{manifest} is written; encode it with `{encode}`.")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (CasebindError, click.ClickException) as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
