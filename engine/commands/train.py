"""casebind train prepare | encoders | binding | hashing: a release from the open recordings, stage by stage.

casebind train folds | starts: trainings that measure, pair search without its pairs and what pre-training is worth.

casebind train outcomes: what embeddings add to a language model (engine/commands/outcomes.py).

casebind train generator films | ecg | ppg: what draws the synthetic cohort, fitted on the open recordings' `train`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.commands import outcomes
from engine.datasets.folder import open_recordings
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.metrics.rows import Measurement

Command = TypeVar("Command", bound=Callable[..., Any])
CACHE = click.option(
    "--cache", type=click.Path(path_type=Path), default=Path("runs/prepared"), show_default=True, help="Inputs."
)
RUN = click.option(
    "--run", type=click.Path(path_type=Path), default=Path("runs/new"), show_default=True, help="Stage files."
)
EPOCHS = click.option(
    "--epochs",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="Scale of the plan, e.g. 0.1 for a trial.",
)
LEARN = click.option(
    "--learn",
    type=click.Choice(["cxr", "ecg", "ppg", "text"]),
    multiple=True,
    help="Only these learn; the others stay as the release has them.",
)
A_RELEASE = click.Path(path_type=Path, exists=True, file_okay=False)
OUT = click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON and plots there.")


def _from(help_: str) -> Callable[[Command], Command]:
    """Add --from RELEASE, with whose weights a stage begins."""
    return click.option("--from", "start", type=A_RELEASE, metavar="RELEASE", help=help_)


def _keep(help_: str) -> Callable[[Command], Command]:
    """Add --keep RELEASE, of which a stage takes something as it is."""
    return click.option("--keep", "kept", type=A_RELEASE, metavar="RELEASE", help=help_)


def _check_learn(learn: tuple[str, ...], release: Path | None, option: str) -> None:
    if learn and release is None:
        raise UsageError(f"--learn leaves the others as a release has them: name the release by {option}.")


@click.group("train")
def command() -> None:
    """Train a release: prepare, encoders, binding, hashing. Each stage reads what the one before it left.

    --from RELEASE begins with its weights and learns on, --keep RELEASE takes them as they are.
    """


def _cache(cache: Path) -> Path:
    if not (cache / "captions.json").is_file():
        raise UsageError(f"There are no prepared recordings in {cache}: run `casebind train prepare` first.")
    return cache


@command.command("prepare")
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A known data set's folder, or one that holds several; may be given more than once. [default: the open ones]",
)
@click.option("--without", multiple=True, metavar="NAME", help="Leave a data set out, by its name in the tables.")
@CACHE
def prepare_command(recordings: tuple[Path, ...], without: tuple[str, ...], cache: Path) -> None:
    """Turn recordings into model inputs and texts, once.

    DIR is a data set in its published layout, as `casebind ingest` takes it. MIMIC-CXR-JPG, MIMIC-IV-ECG and MIMIC-IV
    together give the film–ECG pairs of MIMIC-PAIR.
    """
    folders = recordings or (open_recordings(None),)
    from engine.training.data import captions, prepared, simultaneous

    prepared.build(folders, cache, without)
    simultaneous.build(prepared.listed(folders, without), cache)
    captions.build(cache)


@command.command("encoders")
@click.argument("modality", type=click.Choice(["cxr", "ecg", "ppg"]), nargs=-1)
@CACHE
@RUN
@EPOCHS
@_from("Tune this release's encoders further, in place of starting anew.")
@_keep("Take this release's encoders as they are.")
def encoders_command(
    *, modality: tuple[str, ...], cache: Path, run: Path, epochs: float, start: Path | None, kept: Path | None
) -> None:
    """Pre-train ECG and PPG without labels, then tune every encoder to findings."""
    from engine.training.energy import metered
    from engine.training.stages import keep_encoder, train_encoder

    if kept is not None and start is not None:
        raise UsageError("--from tunes encoders and --keep takes them as they are: give one of both.")
    for name in modality or ("cxr", "ecg", "ppg"):
        if kept is not None:
            keep_encoder(name, run, kept)
            continue
        with metered(run, f"encoder {name}"):
            train_encoder(name, _cache(cache), run, epochs, start)


@command.command("binding")
@CACHE
@RUN
@EPOCHS
@click.option(
    "--only",
    type=click.Choice(["cxr", "ecg", "ppg"]),
    multiple=True,
    help="Bind only these to text: `--only ecg` is an ECG-CLIP, one run for each modality an encoder zoo.",
)
@click.option(
    "--without",
    type=click.Choice(["emcl", "cycle", "findings", "probe", "hard", "middle", "erase"]),
    multiple=True,
    help="Leave a loss out, as an ablation: `--without emcl --without cycle` is MEDBind-NM.",
)
@_from("Go on with this release's heads, in place of starting anew.")
@LEARN
def binding_command(
    *,
    cache: Path,
    run: Path,
    epochs: float,
    only: tuple[str, ...],
    without: tuple[str, ...],
    start: Path | None,
    learn: tuple[str, ...],
) -> None:
    """Bind the encoders in one space: TMCL to text, EMCL and cycle between real pairs, shared findings, a probe."""
    from engine.training.binding.train import BindingPlan
    from engine.training.energy import metered
    from engine.training.stages import train_binding

    _check_learn(learn, start, "--from")
    plan = BindingPlan(
        epochs=max(1, int(BindingPlan.epochs * epochs)),
        modalities=only or BindingPlan.modalities,
        learn=learn or BindingPlan.learn,
    )
    plan = replace(plan, **dict.fromkeys(without, 0))  # type: ignore[arg-type]
    with metered(run, "binding"):
        train_binding(_cache(cache), run, epochs, plan, start)


@command.command("folds")
@CACHE
@RUN
@EPOCHS
@click.option("--adapt", is_flag=True, help="Adapt the run in each fold, as a site would, in place of training it.")
@OUT
def folds_command(cache: Path, run: Path, epochs: float, *, adapt: bool, out: Path | None) -> None:
    """Search for the ECG of a PPG's moment over all patients, each fold by a model that never saw its pairs."""
    from engine.evaluate.pair_folds import adapted_search, pair_search
    from engine.evaluate.pairs import draw
    from engine.metrics.rows import as_table
    from engine.training.encoders import loop

    if adapt:
        found = adapted_search(run, _cache(cache), epochs)
    else:
        found = pair_search(run, _cache(cache), loop.Log(run / "folds.jsonl"), epochs)
    _write(found, out)
    if out is not None:
        draw(found, out)
    click.echo(as_table(found))


@command.command("starts")
@click.argument("modality", type=click.Choice(["ecg", "ppg"]))
@CACHE
@RUN
@EPOCHS
@click.option(
    "--share", type=click.FloatRange(0, 1, min_open=True), multiple=True, default=(0.1, 1.0), show_default=True
)
@OUT
def pretraining_command(
    *, modality: str, cache: Path, run: Path, epochs: float, share: tuple[float, ...], out: Path | None
) -> None:
    """Tune from pre-trained and from random weights on shares of the patients, and compare them on `valid`."""
    from engine.evaluate.pretraining import compare
    from engine.metrics.rows import as_table
    from engine.training.encoders import loop

    log = loop.Log(run / "starts.jsonl", modality=modality)
    found = compare(modality, run, _cache(cache), share, epochs=epochs, log=log)
    _write(found, out)
    click.echo(as_table(found))


def _write(measurement: Measurement, out: Path | None) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{measurement.name}.json").write_text(
            json.dumps(measurement.as_dict(), indent=1, ensure_ascii=False) + "\n"
        )


@command.command("hashing")
@CACHE
@RUN
@EPOCHS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write, e.g. runs/r2.")
@_from("This release's hash layer learns on, its directions evened, for a quarter of the steps.")
@_keep("Take this release's hash layer, in place of training one, with thresholds anew.")
@LEARN
def hashing_command(
    *, cache: Path, run: Path, epochs: float, out: Path, start: Path | None, kept: Path | None, learn: tuple[str, ...]
) -> None:
    """Train the hash layer, calibrate on valid, and write the release."""
    from engine.training.assemble import TRAINED, train_hashing
    from engine.training.hashing.train import FROM_A_LAYER, HashingPlan

    if (out / "manifest.json").is_file():
        raise UsageError(f"{out} already holds a release: name another folder.")
    if kept is not None and start is not None:
        raise UsageError("--from trains a hash layer further and --keep takes it as it is: give one of both.")
    _check_learn(learn, kept, "--keep")
    plan = FROM_A_LAYER if start is not None else HashingPlan()
    plan = replace(plan, steps=max(1, int(plan.steps * epochs)))
    train_hashing(_cache(cache), run, out, plan, start=start, kept=kept, learn=learn or TRAINED)


@command.command("generator")
@click.argument("part", type=click.Choice(["films", "ecg", "ppg"]))
@click.option("--recordings", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The open recordings.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs/synthetic"), show_default=True, help="Its files."
)
def generator_command(part: str, recordings: Path | None, out: Path) -> None:
    """Fit what draws the synthetic cohort's films, ECGs or PPGs on `train` of the open recordings, in some minutes.

    Of films it is the look: their anatomy and findings are drawn by rules.
    """
    path = open_recordings(recordings)
    from engine.synthetic.generators import fit

    click.echo(f"{fit(part, path, out, on_progress=click.echo)} is written.")


command.add_command(outcomes.train_command)
