"""casebind evaluate NAME: what a release is worth, each figure with n, interval, chance and baselines."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands import demographics, evaluate_explanations, evaluate_fairness, outcomes, robustness
from engine.commands.measuring import (
    MeasureRequest,
    keep,
    keeper_options,
    measure_options,
    measuring_command,
    record_option,
    show,
)
from engine.commands.shared import workspace_from_option, workspace_option
from engine.datasets.folder import open_recordings
from engine.errors import UsageError
from engine.settings import CHECKS, DEMO

if TYPE_CHECKING:
    from engine.metrics.rows import Measurement
    from engine.model.release import Release

# name → (module below engine.evaluate, one line for --help)
MEASURES = {
    "probes": ("probes", "Linear probes on the embeddings, beside the frozen trunk and an untrained twin."),
    "curve": ("curve", "Linear probes taught by 10 to 100 % of the patients."),
    "hashing": ("hashing", "Codes by shared finding: ours beside float, ITQ, LSH, sign and PCA-sign."),
    "rerank": ("rerank", "What re-ranking by float queries or stored embeddings adds to codes."),
    "pairs": ("pairs", "The simultaneous ECG window of a PPG, beside chance and heart-rate matching."),
    "text": ("text", "Studies to texts and back, label prompts, and zero-shot across modalities."),
    "few-shot": ("few_shot", "Linear probes on K = 1 to 16 studies a side, over 300 support sets."),
    "region": ("region", "A radiologist's box on a film as the query, beside the whole film."),
    "human": ("human", "People's choices of the more similar film: ours beside pixels, trunk and a round on choices."),
    "edge": ("edge", "Codes of a device's 8-bit encoders beside the full ones."),
    "balanced-rounds": ("balanced_rounds", "Rounds in which each group of people counts equally, by group."),
    "space": ("space", "A map of the shared space by t-SNE, coloured by modality."),
}


@click.group("evaluate")
def command() -> None:
    """Measure a release on the open recordings."""


@command.command("release")
@click.option("--recordings", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The release.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", help="Choose on valid, report test.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--record", is_flag=True, help="Write the figures into the release's manifest.")
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="Counts looks at test.")
def release_command(
    *, recordings: Path | None, folder: Path | None, split: str, as_json: bool, record: bool, cache: Path
) -> None:
    """Print neighbours by shared finding, text to study, and PPG to ECG, for floats and codes, beside chance."""
    path = open_recordings(recordings)
    from engine.evaluate import reads
    from engine.evaluate.release import as_measurement, evaluate
    from engine.metrics.rows import as_table
    from engine.model.release import load_release

    release = load_release(folder)
    rows, read = evaluate(release, path, split), {}
    if split == "test":
        read = {"reads": asdict(reads.record(cache, "release", release, path))}
    if record:
        manifest = {**release.manifest, "figures": {"split": split, **read, "rows": rows}}
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        (release.path / "manifest.json").write_text(text)
    if as_json:
        click.echo(json.dumps({"release": release.name, "split": split, **read, "rows": rows}))
    else:
        click.echo(as_table(as_measurement(release, split, rows)))


@command.command("synthetic")
@click.option(
    "--cohort", type=click.Path(path_type=Path), default=DEMO, metavar="DIR", help="A folder with manifest.csv."
)
@click.option("--recordings", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The release.")
@click.option(
    "--pictures", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For the closest pairs."
)
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For real encodings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--record", type=click.Path(path_type=Path), default=None, metavar="FILE", help="Write the JSON there.")
def synthetic_command(
    *,
    cohort: Path,
    recordings: Path | None,
    folder: Path | None,
    pictures: Path,
    cache: Path,
    as_json: bool,
    record: Path | None,
) -> None:
    """Check a synthetic cohort: labels, realism, copies and agreement, beside real–real and chance."""
    path = open_recordings(recordings)
    from engine.model.release import load_release
    from engine.synthetic.checks.evaluate import evaluate
    from engine.synthetic.checks.words import full_report, rounded

    found = evaluate(load_release(folder), cohort, path, pictures, cache)
    text = json.dumps(rounded(found), indent=1, ensure_ascii=False) + "\n"
    if record:
        record.write_text(text, encoding="utf-8")
    click.echo(text if as_json else full_report(found))


@command.command("published")
@click.option(
    "--recordings", type=click.Path(path_type=Path), multiple=True, required=True, metavar="DIR", help="Data sets."
)
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release.")
@click.option("--beside", type=click.Path(path_type=Path), multiple=True, metavar="DIR", help="Another release.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", help="Choose on valid, report test.")
@click.option("--most", type=click.IntRange(min=0), default=0, help="Studies of a data set and split at most; 0: all.")
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For embeddings.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON and plots there.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def published_command(*, recordings: tuple[Path, ...], split: str, most: int, cache: Path, **asked: Any) -> None:
    """Print MEDBind's tables and figures for its data sets in their published layouts: MIMIC, CheXpert, RSNA …

    DIR as `casebind train prepare` takes it; may be given more than once.
    """
    from engine.evaluate import published

    def measured(release: Release) -> Measurement:
        return published.evaluate(release, recordings, split, cache, most)

    show("published", measured, published, MeasureRequest(**asked))


@command.command("active-learning")
@click.option("--recordings", type=click.Path(path_type=Path), metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", help="Choose on valid, report test.")
@click.option("--ratings", type=click.IntRange(min=1), default=300, help="Of each strategy.", show_default=True)
@click.option("--partitions", type=click.IntRange(min=1), default=20, help="Of the patients.", show_default=True)
@click.option("--steps", type=click.IntRange(min=1), help="Of each round; fewer for a quick look.")
@click.option("--strategy", "arms", multiple=True, metavar="NAME", help="Replay these beside random and the best one.")
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For embeddings.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON and the plot there.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def active_learning_command(
    *,
    recordings: Path | None,
    folder: Path | None,
    split: str,
    ratings: int,
    partitions: int,
    steps: int | None,
    arms: tuple[str, ...],
    cache: Path,
    out: Path | None,
    record: bool,
    as_json: bool,
) -> None:
    """Replay an oracle's ratings by every query strategy and print what rounds of learning gain from them."""
    path = open_recordings(recordings)
    from engine.evaluate import active_learning
    from engine.learning.fit import FitPlan
    from engine.model.release import load_release

    unknown = [name for name in arms if name not in active_learning.ARMS]
    if unknown:
        raise UsageError(f"There is no strategy '{unknown[0]}': use {', '.join(active_learning.ARMS)}.")
    plan = FitPlan() if steps is None else FitPlan(steps=steps)
    setting = active_learning.Setting(
        ratings, every=min(50, ratings), partitions=partitions, plan=plan, arms=arms or active_learning.ARMS
    )
    began, release = time.monotonic(), load_release(folder)
    found = active_learning.evaluate(release, path, split, cache, setting)
    if record:
        keep(release, "active-learning", found, split, began)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "active-learning.json").write_text(text + "\n", encoding="utf-8")
        active_learning.draw(found, out)
    click.echo(text if as_json else active_learning.as_table(found))


@command.command("typed")
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@workspace_option
def typed_command(folder: Path | None, as_json: bool, workspace: Path | None) -> None:
    """Print what typed words are read as in four languages, what is refused as no finding, and what labels find."""
    from engine.actor import single_user
    from engine.evaluate import typed
    from engine.model.release import load_release
    from engine.workspace.serving import serving_release

    with workspace_from_option(workspace) as place:
        release = serving_release(place, load_release(folder))
        found = typed.evaluate(place, release, actor=single_user())
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else typed.as_table(found))


@command.command("free-text")
@keeper_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def free_text_command(*, folder: Path | None, record: bool, as_json: bool) -> None:
    """Print which names, dates and numbers in free text are found, and how often a clean text is altered."""
    from engine.evaluate import free_text

    began, found = time.monotonic(), free_text.evaluate()
    if record:
        from engine.model.release import load_release

        keep(load_release(folder), "free-text", found, "", began)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else free_text.as_table(found))


@command.command("reports")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", show_default=True, help="Which half.")
@click.option("--plain", "kind", flag_value="plain", default="plain", help="The first 200.")
@click.option("--hard", "kind", flag_value="hard", help="Double negation, uncertainty, history, lists, abbreviations.")
@click.option("--new", "kind", flag_value="new", help="As reports are phrased; `test` was written after the rules.")
@keeper_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reports_command(split: str, kind: str, *, folder: Path | None, record: bool, as_json: bool) -> None:
    """Print how well labels are read from sentences of reports in four languages, and their denials."""
    from engine.evaluate import report_labels

    began, found = time.monotonic(), report_labels.evaluate(split, kind)
    if record:
        from engine.model.release import load_release

        keep(load_release(folder), "reports" if kind == "plain" else f"reports-{kind}", found, split, began)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else report_labels.as_table(found))


@command.command("gates")
@click.option("--recordings", type=click.Path(path_type=Path), metavar="DIR", help="The open recordings.")
@click.option("--most", type=click.IntRange(min=0), default=0, help="Recordings of a data set at most; 0: all.")
@click.option("--spoilt", type=click.IntRange(min=0), default=20, show_default=True, help="How many are spoilt too.")
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For film features.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the JSON there.")
@keeper_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def gates_command(
    *,
    recordings: Path | None,
    most: int,
    spoilt: int,
    cache: Path,
    out: Path | None,
    folder: Path | None,
    record: bool,
    as_json: bool,
) -> None:
    """Print which recordings the quality gate accepts, real and spoilt, by limits chosen without their data set."""
    path = open_recordings(recordings)
    from engine.evaluate import gates

    began, found = time.monotonic(), gates.evaluate(path, cache, gates.GateSample(most, spoilt))
    if record:
        from engine.model.release import load_release

        keep(load_release(folder), "gates", json.loads(gates.as_json(found)), "", began)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "gates.json").write_text(gates.as_json(found) + "\n", encoding="utf-8")
    click.echo(gates.as_json(found) if as_json else gates.as_table(found))


for _name, (_module, _summary) in MEASURES.items():
    command.add_command(measuring_command(_name, _module, _summary))
command.add_command(outcomes.evaluate_command)
command.add_command(robustness.command)
command.add_command(evaluate_explanations.command)
command.add_command(demographics.command)
command.add_command(evaluate_fairness.command)


@command.command("folds")
@click.option("--recordings", type=click.Path(path_type=Path), metavar="DIR", help="The open recordings.")
@click.option("--release", "folder", type=click.Path(path_type=Path), metavar="DIR", help="The release.")
@click.option("--cache", type=click.Path(path_type=Path), default=CHECKS, metavar="DIR", help="For embeddings.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write JSON and plots there.")
@record_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def folds_command(*, recordings: Path | None, cache: Path, **asked: Any) -> None:
    """Print linear probes in nested folds by patient over train and valid, to choose by; test is not read."""
    path = open_recordings(recordings)
    from engine.evaluate import folds

    show("folds", lambda release: folds.evaluate(release, path, cache), folds, MeasureRequest(**asked))


OF_A_RELEASE = measuring_command("calibration", "calibration", "A release's tables and operating points.")


@command.command("calibration")
@click.option("--workspace", type=click.Path(path_type=Path), metavar="DIR", help="The collection that is measured.")
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="Write what is shipped beside a cohort.")
@measure_options
@click.pass_context
def calibration_command(
    context: click.Context, *, workspace: Path | None, write: Path | None, as_json: bool, **others: Any
) -> None:
    """Stated against observed shares in a collection; without --workspace, a release's tables and operating points."""
    if workspace is None:
        context.invoke(OF_A_RELEASE, as_json=as_json, **others)
        return
    if others["record"]:
        raise UsageError("Figures of a collection are its own: leave out --record, or leave out --workspace.")
    from engine.evaluate import collection
    from engine.learning.collection_calibration import keep_current
    from engine.model.release import load_release
    from engine.workspace.serving import serving_release
    from engine.workspace.workspace import open_workspace

    path, release = others["recordings"], load_release(others["folder"])
    asked = collection.Recorded(open_recordings(path), others["split"], others["cache"]) if path is not None else None
    with open_workspace(workspace) as opened:
        serving = serving_release(opened, release)
        if write is not None:
            if asked is None:
                raise UsageError("What is shipped beside a cohort is counted on recordings: name them by --recordings.")
            made = collection.shipped(opened, serving, asked)
            write.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
            return
        keep_current(opened, release)
        found = collection.evaluate(opened, serving, asked)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    if others["out"] is not None:
        others["out"].mkdir(parents=True, exist_ok=True)
        (others["out"] / "collection.json").write_text(text + "\n", encoding="utf-8")
    click.echo(text if as_json else "\n".join(collection.as_lines(found)))
