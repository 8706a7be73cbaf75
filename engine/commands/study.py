"""casebind study make|list|show|close|export|analyse|simulate: reader studies, with and without neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.actor import single_user
from engine.commands.shared import load_release, workspace_from_option, workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.metrics.mrmc import Covariances, Difference
    from engine.metrics.roe_metz import Power
    from engine.reader_study.analysis import FindingAnalysis
    from engine.reader_study.export import Layout
    from engine.reader_study.protocol import Scale
    from engine.reader_study.truth import TruthSource
    from engine.study import Modality

FILE = click.Path(path_type=Path, dir_okay=False)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
LEVEL = click.FloatRange(0, 1, min_open=True, max_open=True)
COVARIANCES = click.Choice(["jackknife", "delong"])


@click.group("study")
def command() -> None:
    """Plan, close, export and analyse reader studies: do neighbours help?

    Several readers read the same cases twice, without neighbours and with them (docs/study.md).
    """


@command.command("make")
@click.argument("title")
@click.option("--finding", "findings", multiple=True, required=True, help="What is asked; the first is the endpoint's.")
@click.option("--reader", "readers", multiple=True, required=True, metavar="NAME", help="Account, or name without.")
@click.option("--collection", metavar="ID", help="Cases of a collection.")
@click.option("--modality", type=click.Choice(["cxr", "ecg", "ppg"]), help="Kind of the cases.")
@click.option("--cohort", "cohorts", multiple=True, metavar="NAME", help="Draw cases of a cohort instead.")
@click.option("--cases", type=click.IntRange(4, 500), default=100, show_default=True, help="How many are drawn.")
@click.option("--prevalence", type=LEVEL, default=0.5, show_default=True, help="Share of them with the finding.")
@click.option("--truth", type=click.Choice(["labels", "reference", "panel"]), default="labels", show_default=True)
@click.option("--panel", type=FILE, metavar="CSV", help="With --truth panel: study_id and a column per finding.")
@click.option("--scale", type=click.Choice(["percent", "five"]), default="percent", show_default=True)
@click.option("--washout", type=click.IntRange(0, 365), default=28, show_default=True, help="Days between sessions.")
@click.option("--neighbours", type=click.IntRange(1, 10), default=5, show_default=True, help="Shown beside a case.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of cases and order.")
@click.option("--alpha", type=LEVEL, default=0.05, show_default=True, help="Level of the test.")
@click.option("--covariances", type=COVARIANCES, default="jackknife", show_default=True)
@click.option("--effect", type=float, help="Difference in area that the study was sized for (see simulate).")
@click.option("--hypothesis", default="", help="What is expected, and where the study is registered.")
@click.option("--maker", default="", metavar="ACCOUNT", help="Who answers for it, where people sign in.")
@click.option("--replace", "replaced", metavar="ID", help="Write the protocol of this study anew; before any reading.")
@workspace_option
def make_command(*, workspace: Path | None, replaced: str | None, maker: str, **asked: Any) -> None:
    """Make a reader study and print its protocol, which freezes with the first reading."""
    from engine.reader_study import design
    from engine.reader_study.cases import CaseSource
    from engine.reader_study.protocol import ReaderStudyPlan
    from engine.store.filters import Filters

    truth: TruthSource = asked["truth"]
    scale: Scale = asked["scale"]
    covariances: Covariances = asked["covariances"]
    modality: Modality | None = asked["modality"]
    if (truth == "panel") != (asked["panel"] is not None):
        raise UsageError("A panel's truth comes from its file: give --truth panel and --panel together.")
    plan = ReaderStudyPlan(
        title=asked["title"],
        findings=asked["findings"],
        readers=asked["readers"],
        scale=scale,
        truth=truth,
        washout_days=asked["washout"],
        neighbours=asked["neighbours"],
        seed=asked["seed"],
        alpha=asked["alpha"],
        covariances=covariances,
        effect=asked["effect"],
        hypothesis=asked["hypothesis"],
    )
    source = CaseSource(
        collection_id=asked["collection"],
        modality=modality,
        filters=Filters(cohorts=asked["cohorts"]),
        n=asked["cases"],
        prevalence=asked["prevalence"],
        panel=asked["panel"],
    )
    with workspace_from_option(workspace) as place:
        serving = place.releases.serving() or (load_release().name,)
        made = design.draft(place, serving[0], plan, source, actor=single_user(), maker=maker)
        if replaced is None:
            study = design.make(place, made, actor=single_user())
        else:
            study = design.amend(place, replaced, made, actor=single_user())
    left = made.chosen
    click.echo(f"{study.reader_study_id}  {study.title}: {len(left.cases)} cases, {len(made.readers)} readers")
    for n, words in (
        (left.without_truth, "cases left out, whose truth is not known"),
        (left.same_patient, "left out, of a patient who has one already"),
        (left.other_kinds, "left out, of another kind"),
    ):
        if n:
            click.echo(f"{n} {words}")
    click.echo(f"Protocol, version {study.version}, SHA-256 {study.digest}; it freezes with the first reading.")


@command.command("list")
@workspace_option
def list_command(workspace: Path | None) -> None:
    """List the reader studies of a workspace."""
    from engine.reader_study import design

    with workspace_from_option(workspace) as place:
        found = design.listed(place, actor=single_user())
    for one in found:
        click.echo(f"{one.reader_study_id}  {'closed' if one.closed_at else 'open'}  {one.title}")
    if not found:
        click.echo("This workspace holds no reader study yet: make one by `casebind study make`.", err=True)


@command.command("show")
@click.argument("reader_study_id", metavar="ID")
@JSON
@workspace_option
def show_command(reader_study_id: str, as_json: bool, workspace: Path | None) -> None:
    """Print the protocol with its digest, and how far each reader is; no answer and no truth."""
    from engine.reader_study import design

    with workspace_from_option(workspace) as place:
        study = design.load(place, reader_study_id, actor=single_user())
        readers = design.progress(place, reader_study_id, actor=single_user())
    shown = {
        "id": study.reader_study_id,
        "version": study.version,
        "digest": study.digest,
        "closed": study.closed_at is not None,
        "protocol": json.loads(study.words),
        "readers": [{"reader": f"R{one.reader}", "answered": one.answered, "of": one.of} for one in readers],
    }
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    click.echo(json.dumps(shown["protocol"], indent=1, ensure_ascii=False))
    click.echo(f"version {study.version}, SHA-256 {study.digest}, {'closed' if study.closed_at else 'open'}")
    for one in readers:
        (first, second), (of_first, of_second) = one.answered, one.of
        click.echo(f"R{one.reader}  first session {first} of {of_first}, second {second} of {of_second}")


@command.command("close")
@click.argument("reader_study_id", metavar="ID")
@workspace_option
def close_command(reader_study_id: str, workspace: Path | None) -> None:
    """End the reading for good; answers and truth can be read from then on."""
    from engine.reader_study import design

    with workspace_from_option(workspace) as place:
        design.close(place, reader_study_id, actor=single_user())
    click.echo(f"{reader_study_id} is closed: `casebind study analyse {reader_study_id}`, or `export`.")


@command.command("export")
@click.argument("reader_study_id", metavar="ID")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="Where to write; .imrmc for that layout.")
@click.option("--layout", type=click.Choice(["long", "imrmc"]), default="long", show_default=True)
@click.option("--finding", type=click.IntRange(1), default=1, show_default=True, help="Of imrmc, by its place.")
@workspace_option
def export_command(*, reader_study_id: str, out: Path, layout: Layout, finding: int, workspace: Path | None) -> None:
    """Write a closed study for MRMCaov (long), iMRMC and RJafroc (imrmc), under pseudonyms."""
    from engine.files import write_whole
    from engine.reader_study import export, results

    with workspace_from_option(workspace) as place:
        study = results.closed(place, reader_study_id, actor=single_user(), export=True)
    if finding > len(study.protocol.findings):
        raise UsageError(f"The reader study asks for {len(study.protocol.findings)} findings: choose one by its place.")
    words = export.as_long(study) if layout == "long" else export.as_imrmc(study, finding - 1)
    write_whole(out, words.encode())
    click.echo(f"{out}: {len(study.readings)} readings of {study.protocol.readers} readers")


@command.command("analyse")
@click.argument("what", metavar="ID|CSV")
@click.option("--covariances", type=COVARIANCES, help="[default: the protocol's; of a file jackknife]")
@click.option("--alpha", type=LEVEL, default=0.05, show_default=True, help="Of a file; a study has its protocol's.")
@JSON
@workspace_option
def analyse_command(
    *, what: str, covariances: Covariances | None, alpha: float, as_json: bool, workspace: Path | None
) -> None:
    """Compare the arms of a closed study, or of any CSV in the long layout.

    Obuchowski-Rockette with Hillis' degrees of freedom for the area under the ROC curve, sensitivity and specificity;
    time and certainty by mean squares of readers and cases.
    """
    from engine.reader_study import analysis, results

    if Path(what).suffix.lower() == ".csv":
        readings, arms = analysis.read_long(Path(what))
        found = [analysis.analysed(one, alpha, covariances or "jackknife", arms) for one in readings.values()]
        missing = hidden = 0
    else:
        with workspace_from_option(workspace) as place:
            study = results.closed(place, what, actor=single_user())
        found, missing, hidden = analysis.of_study(study, covariances), study.missing, study.hidden
    if as_json:
        shown = {"findings": [one.to_json() for one in found], "missing_readings": missing, "hidden_cases": hidden}
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for one in found:
        _print(one)
    if missing or hidden:
        click.echo(f"{missing} readings are missing; {hidden} cases may no longer be shown and are left out.")


@command.command("simulate")
@click.option("--readers", type=click.IntRange(1, 50), multiple=True, default=(4, 6, 8), show_default=True)
@click.option("--cases", type=click.IntRange(8, 2000), multiple=True, default=(100, 200), show_default=True)
@click.option("--effect", type=click.FloatRange(-0.3, 0.3), multiple=True, default=(0.0, 0.05), show_default=True)
@click.option("--prevalence", type=LEVEL, default=0.5, show_default=True)
@click.option("--auc", type=click.FloatRange(0.5, 0.99), default=0.85, show_default=True, help="Without neighbours.")
@click.option("--structure", type=click.Choice(["HL", "LL", "HH", "LH"]), default="HL", show_default=True)
@click.option("--studies", type=click.IntRange(10, 100_000), default=1000, show_default=True, help="Simulated each.")
@click.option("--alpha", type=LEVEL, default=0.05, show_default=True)
@click.option("--covariances", type=COVARIANCES, default="jackknife", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@JSON
def simulate_command(
    *, readers: tuple[int, ...], cases: tuple[int, ...], effect: tuple[float, ...], as_json: bool, **asked: Any
) -> None:
    """Print how often a study of this size finds a difference, by simulated readers (Roe and Metz's model).

    --readers, --cases and --effect may be given more than once; effect 0 shows how often
    a study finds what is not there.
    """
    from tqdm import tqdm

    from engine.metrics.roe_metz import SimulationPlan, power

    if asked["auc"] + max(effect) >= 1:
        raise UsageError("The area with neighbours would be 1 or more: choose a smaller --effect or --auc.")
    plans = [SimulationPlan(j, n, size, **asked) for size in effect for j in readers for n in cases]
    with tqdm(total=len(plans) * asked["studies"], desc="studies", leave=False, disable=None) as bar:

        def advance(done: int) -> None:
            bar.update(1)

        found = [power(plan, advance) for plan in plans]
    if as_json:
        click.echo(json.dumps([_power_json(one) for one in found]))
        return
    click.echo("effect  readers  cases  finds a difference   95 % interval   mean found   interval holds it")
    for one in found:
        plan = one.plan
        click.echo(
            f"{plan.effect:6.3f}  {plan.readers:7d}  {plan.cases:5d}  {one.share:18.3f}   "
            f"{one.low:.3f} to {one.high:.3f}   {one.mean_effect:10.4f}   {one.covered:17.3f}"
        )


def _power_json(one: Power) -> dict[str, Any]:
    plan = one.plan
    return {
        "readers": plan.readers,
        "cases": plan.cases,
        "effect": plan.effect,
        "studies": plan.studies,
        "power": one.share,
        "interval": [one.low, one.high],
        "mean_effect": round(one.mean_effect, 5),
        "covered": one.covered,
    }


def _print(one: FindingAnalysis) -> None:
    first, second = one.arms
    click.echo(
        f"{one.finding}: {one.readers} readers, {one.cases} cases ({one.present} with it), {one.covariances} "
        f"covariances; {second} less {first}"
    )
    for figure in one.figures:
        means = [sum(part) / len(part) for part in figure.values]
        click.echo(f"  {figure.name:12} {means[0]:.4f} -> {means[1]:.4f}   {_said(figure.result.primary, one.alpha)}")
    if one.time_ratio is not None and one.seconds is not None:
        low, high = one.seconds
        click.echo(f"  {'seconds':12} {low:.1f} -> {high:.1f} (medians)   ratio {_said(one.time_ratio, one.alpha)}")
    if one.certainty is not None:
        click.echo(f"  {'certainty':12} {_said(one.certainty, one.alpha)}")
    if one.left_out:
        click.echo(f"  {one.left_out} cases are left out, which not every reader read in both arms")


def _said(one: Difference, alpha: float) -> str:
    return f"{one.value:.4f} ({100 * (1 - alpha):g} % {one.low:.4f} to {one.high:.4f}), df {one.df:.2f}, p {one.p:.4f}"
