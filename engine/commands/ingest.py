"""casebind ingest PATH --cohort NAME"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.actor import single_user
from engine.commands.row_lines import listed, remarks_title
from engine.commands.shared import count_pairs, load_release, workspace_from_option, workspace_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.store.records import Cohort
    from engine.workspace.ingest import Summary
    from engine.workspace.manifest import StudyEntry


@click.command("ingest")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--cohort", required=True, help="Where these studies come from; shown on every card.")
@click.option("--licence", default="not stated", help="Where a row states none.", show_default=True)
@click.option("--attribution", default="", help="Whom to acknowledge where a row states nobody.")
@click.option("--label-source", default="the manifest", help="Who gave the labels.", show_default=True)
@click.option("--synthetic", is_flag=True, help="These studies are synthetic.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), help="Of a data set's folder only.")
@workspace_option
def command(
    *,
    path: Path,
    cohort: str,
    licence: str,
    attribution: str,
    label_source: str,
    synthetic: bool,
    split: str | None,
    workspace: Path | None,
) -> None:
    """Take in a manifest.csv, a folder that holds one, or the folder of a known data set as it was published.

    Known are MIMIC-CXR-JPG, MIMIC-IV-ECG and MIMIC-IV (a folder that holds them all is paired), CheXpert, Open-I, RSNA
    pneumonia, COVID-19 Radiography, NIH ChestX-ray14, Kermany's paediatric films, PTB-XL, Chapman-Shaoxing / Ningbo,
    LUDB, CPSC2018, BIDMC, PPG-BP, and the open recordings; `casebind fetch` downloads those that are open.

    May be stopped and started again at any time: nothing is lost, nothing comes twice, and bad rows are skipped.
    """
    if not cohort.strip():
        raise UsageError("The cohort has no name: pass --cohort NAME.")
    from engine.store.records import Cohort

    about = Cohort(cohort.strip(), licence, attribution, synthetic, label_source)
    click.echo(summary_lines(take_in(workspace, about, entries_of(path, split))))


def take_in(workspace: Path | None, about: Cohort, entries: Sequence[StudyEntry]) -> Summary:
    """Take the entries into the workspace that --workspace means, with a progress bar."""
    with workspace_from_option(workspace, create=True) as place:
        from tqdm import tqdm

        from engine.workspace.ingest import ingest
        from engine.workspace.serving import serving_release

        release = serving_release(place, load_release())
        begun = {"cohort": about.name, "entries": len(entries), "begins": True}
        place.audit("ingest", actor=single_user(), release=release.name, about=begun)
        with tqdm(total=len(entries), desc=about.name, unit="study", leave=False) as progress:
            summary = ingest(place, release, release.digest, about, entries, progress=progress)
        counts = {"ingested": summary.ingested, "already": summary.already, "skipped": len(summary.skipped)}
        place.audit("ingest", actor=single_user(), release=release.name, about={"cohort": about.name, **counts})
        count_pairs(place)
    return summary


def entries_of(path: Path, split: str | None) -> Sequence[StudyEntry]:
    """Return the entries of a manifest or of a known data set's folder."""
    from engine.datasets.adapters import find_datasets
    from engine.workspace.dataset_entries import read_dataset
    from engine.workspace.manifest import MANIFEST_NAME, read_manifest

    if not path.exists():
        raise UsageError(f"There is nothing at {path}: name a manifest.csv, or a folder that holds one.")
    if path.is_dir() and not (path / MANIFEST_NAME).is_file():
        if not find_datasets(path):
            raise UsageError(
                f"The folder {path.name} holds no manifest.csv and has the layout of no known data set: write one, "
                "or name a data set's own folder (`casebind ingest --help` lists them)."
            )
        return read_dataset(path, split)
    if split is not None:
        raise UsageError("A manifest has no splits to choose from: leave --split out.")
    return read_manifest(path)


def summary_lines(summary: Summary) -> str:
    """Return the summary as lines for a person."""
    lines = [
        f"{summary.ingested} ingested, {summary.already} already there, {len(summary.skipped)} skipped"
        + (f" (all reasons in {summary.report})" if summary.report else "")
    ]
    lines += listed(summary.skipped)
    if summary.remarks:
        lines += [f"{remarks_title(summary.remarks)} (all in {summary.remarks_report})", *listed(summary.remarks)]
    return "\n".join(lines)
