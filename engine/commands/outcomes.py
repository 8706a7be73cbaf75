"""casebind train outcomes | evaluate outcomes: MEDBind's Table 4 on MIMIC in its published layout, or on a copy of it.

casebind simulate admissions: a synthetic hospital in that layout, to try them on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.shared import Command
from engine.errors import UsageError
from engine.settings import CHECKS, DEMO

if TYPE_CHECKING:
    from engine.evaluate.outcomes.run import OutcomeRun

FOLDER = click.Path(path_type=Path)
RELEASE = click.Path(path_type=Path, exists=True, file_okay=False)
FROM_SYNTHETIC = "These admissions are a synthetic cohort: nobody in it exists, and its outcomes were drawn."


def outcome_options(command: Command) -> Command:
    """Add what a run of outcomes is asked with."""
    for option in (
        click.option("--cache", type=FOLDER, default=CHECKS, metavar="DIR", help="For encodings."),
        click.option(
            "--run", "folder", type=FOLDER, default=Path("runs/outcomes"), show_default=True, help="Its files."
        ),
        click.option("--tokens", type=click.IntRange(16), default=256, show_default=True, help="Of text at most."),
        click.option("--epochs", type=click.IntRange(1), default=3, show_default=True, help="Passes over train."),
        click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each row."),
        click.option("--most", type=click.IntRange(0), default=0, help="Admissions of a split at most; 0: all."),
        click.option(
            "--splits",
            type=click.Choice(["published", "drawn"]),
            default="published",
            show_default=True,
            help="MIMIC-CXR's split of a patient with films, as bindings have it, or 70, 10 and 20 % of all patients.",
        ),
        click.option(
            "--connected",
            type=click.Choice(["any", "both", "all"]),
            default="any",
            show_default=True,
            help="Admissions with a film or an ECG, with both, or all.",
        ),
        click.option("--arm", "only", multiple=True, metavar="NAME", help="text, reports, zoo, normal, bound [all]"),
        click.option(
            "--task", "tasks", type=click.Choice(["readmission", "mortality"]), multiple=True, help="[default: both]"
        ),
        click.option("--model", type=FOLDER, metavar="DIR", help="A language model. [default: the shipped MiniLM]"),
        click.option("--zoo-ecg", type=RELEASE, metavar="RELEASE", help="ECGs bound alone (binding --only ecg)."),
        click.option("--zoo-film", type=RELEASE, metavar="RELEASE", help="Films bound alone (binding --only cxr)."),
        click.option("--normal", type=RELEASE, metavar="RELEASE", help="Bound without EMCL and cycle: MEDBind-NM."),
        click.option("--release", "bound", type=RELEASE, metavar="RELEASE", help="MEDBind-BD. [default: the newest]"),
        click.option("--mimic", type=FOLDER, multiple=True, required=True, metavar="DIR", help="MIMIC's sets."),
    ):
        command = option(command)
    return command


@click.command("outcomes")
@outcome_options
def train_command(**asked: Any) -> None:
    """Train a language model on outcomes of admissions, with and without film and ECG embeddings (MEDBind section 3.4).

    DIR: MIMIC-IV, MIMIC-IV-Note, MIMIC-CXR-JPG, MIMIC-IV-ECG and, where it is at hand, MIMIC-IV-ED in their published
    layouts, or a folder of all; may be given more than once. A run that is stopped goes on where it stopped.
    """
    from engine.evaluate.outcomes.run import train

    with _Bars() as progress:
        run = _begun(asked, progress)
        done = train(run)
    trained = f"{done} trainings are done" if done else "Everything was trained already"
    click.echo(f"{trained}; print the table by `casebind evaluate outcomes` with the same options.")


@click.command("outcomes")
@outcome_options
@click.option("--out", type=FOLDER, metavar="DIR", help="Write JSON and plots there.")
@click.option("--record", type=FOLDER, metavar="FILE", help="Write the JSON that the page About shows.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate_command(*, out: Path | None, record: Path | None, as_json: bool, **asked: Any) -> None:
    """Print MEDBind's Table 4: readmission and death in hospital told from text, reports and embeddings.

    What is not trained yet is trained first, so this one command is enough. `test` is read by it alone.
    """
    from engine.evaluate.outcomes import table
    from engine.evaluate.outcomes.run import train
    from engine.metrics.rows import as_table
    from engine.synthetic.admissions.write import is_synthetic

    with _Bars() as progress:
        run = _begun(asked, progress)
        train(run)
        found = table.evaluate(run)
    if is_synthetic(asked["mimic"]):
        found = table.marked(found, FROM_SYNTHETIC)
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    for file in filter(None, (record, out and out / "outcomes.json")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    if out is not None:
        table.draw(found, out)
    click.echo(text if as_json else as_table(found))


@click.command("admissions")
@click.option("--out", type=FOLDER, required=True, metavar="DIR", help="A new folder.")
@click.option(
    "--from",
    "cohort",
    type=FOLDER,
    default=DEMO,
    metavar="COHORT",
    help="A drawn cohort's folder, such as `casebind simulate hospital` writes. [default: the shipped one]",
)
@click.option("--seed", type=click.IntRange(min=0), default=26, show_default=True)
def admissions_command(out: Path, cohort: Path, seed: int) -> None:
    """Draw admissions in MIMIC's published layout, whose outcomes depend partly on what film and ECG show.

    Films and ECGs are the cohort's. A writing that is stopped goes on where it stopped when it is asked for again.
    """
    from engine.synthetic.admissions.write import write_hospital

    with _Bars() as progress:
        count = write_hospital(cohort, out, seed, lambda done, of: progress("write films and ECGs", done, of))
    click.echo(
        f"{out} holds {count:,} synthetic admissions with film and ECG: casebind evaluate outcomes --mimic {out}"
    )


def _begun(asked: dict[str, Any], progress: Callable[[str, int, int], None]) -> OutcomeRun:
    """Return the run that options ask for."""
    from engine.evaluate.outcomes.arms import ReaderFolders
    from engine.evaluate.outcomes.cohort import Asked
    from engine.evaluate.outcomes.fit import OutcomeFitPlan
    from engine.evaluate.outcomes.prompted import model_folder
    from engine.evaluate.outcomes.run import OutcomePlan, begin
    from engine.evaluate.outcomes.texts import TASKS

    missing = next((folder for folder in asked["mimic"] if not folder.is_dir()), None)
    if missing is not None:
        raise UsageError(f"There is no folder {missing}: name the folders of MIMIC's data sets by --mimic.")
    plan = OutcomePlan(
        asked["mimic"],
        ReaderFolders(asked["bound"], asked["normal"], asked["zoo_film"], asked["zoo_ecg"]),
        tuple(task for task in TASKS if task in asked["tasks"] or not asked["tasks"]),
        Asked(asked["connected"], asked["most"], asked["splits"]),
        OutcomeFitPlan(epochs=asked["epochs"]),
        asked["seeds"],
        asked["tokens"],
        model_folder(asked["model"]),
        asked["only"],
    )
    return begin(asked["folder"], plan, asked["cache"], progress)


class _Bars:
    """Show on standard error what is being done, one bar after another."""

    def __enter__(self) -> Callable[[str, int, int], None]:
        self.bar: Any = None
        self.what = ""
        return self.show

    def show(self, what: str, done: int, of: int) -> None:
        """Show that `done` of `of` are done of something."""
        from tqdm import tqdm

        if self.bar is None or self.what != what:
            self.close()
            self.what = what
            self.bar = tqdm(total=of, desc=what, leave=False, disable=None)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """End the bar that is shown."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def __exit__(self, *_: object) -> None:
        self.close()
